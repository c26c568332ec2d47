# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Bad input gets a clear error before anything is written: the inventory host, what was found, and the mend."""

from __future__ import annotations

import json
import re
from typing import Any

import boto3
import pytest

from demo.old_fleet import REGION, SECRETS, seed_user
from demo.story import Fleet, writes
from sandbox.world import ADMINISTRATOR

PASTED = "wJalrXUtnFEMI+K7MDENG+a+pasted+secret+access+key"


def iam(secret: str, user: str | None, **more: Any) -> dict[str, Any]:
    """Variables of a host of strategy iam_access_key; None leaves a variable out."""
    return {
        name: value for name, value in {"secret_name": secret, "iam_user": user, **more}.items() if value is not None
    }


MISTAKES: dict[str, tuple[dict[str, Any], list[tuple[str, ...]]]] = {
    # host: its variables, and for each mistake what its line must hold besides the host
    "no-secret": (iam(None, "a1"), [("secret_name", "missing", "write the name of its secret")]),
    "no-user": (iam("/a2", None), [("iam_user", "missing", "rotation_strategy: noop")]),
    "same-secret": (iam(SECRETS["bedrock-api"], "a3"), [("secret_name", "bedrock-api's already", "must name another")]),
    "same-user": (iam("/a4", "ACMECORP-AI"), [("iam_user", "ACMECORP-AI is bedrock-api's", "must name another")]),
    "strategy": (
        iam("/a5", "a5", rotation_strategy="rotate_it"),
        [("rotation_strategy", "rotate_it", "iam_access_key, noop")],
    ),
    "no-room": (
        iam("/a6", "a6", max_key_age_days=6),
        [("max_key_age_days", "6 days leave no room", "write at least 8")],
    ),
    "gap": (
        iam("/a7", "a7", schedule_expression="rate(1 day)"),
        [("schedule_expression", "not longer than the grace period of 24 h", "rotate less often")],
    ),
    "too-rare": (iam("/a8", "a8", rotation_days=120), [("rotation_days", "every 120 days", "at least every 85 days")]),
    "both": (
        iam("/a9", "a9", rotation_days=80, schedule_expression="rate(80 days)"),
        [("rotation_days", "schedule_expression is set too", "take one of the two away")],
    ),
    "malformed": (
        iam("/b1", "b1", schedule_expression="every tuesday"),
        [("schedule_expression", "every tuesday", "rate(")],
    ),
    "bad-cron": (
        iam("/b2", "b2", schedule_expression="cron(30 8 1 * ? *)"),
        [("schedule_expression", "the minute of 'cron(30 8 1 * ? *)' is 30", "0 only")],
    ),
    "window": (iam("/b3", "b3", rotation_window="90m"), [("rotation_window", "'90m'", "1h to 24h")]),
    "grace": (
        iam("/b4", "b4", grace_period_hours=5),
        [("grace_period_hours", "found 5", "write 0 (no grace) or at least 12")],
    ),
    "differs": (
        iam("/b5", "b5", notify_from="other@acmecorp.com"),
        [
            (
                "notify_from",
                "'other@acmecorp.com' here but 'alerts@acmecorp.com' at bedrock-api",
                "once, in the group of the account",
            )
        ],
    ),
    "pasted": (
        iam("/b6", "b6", disposable_keys=[PASTED]),
        [("disposable_keys", "no access key id", "AKIAIOSFODNN7EXAMPLE")],
    ),
    "undefined": (iam("/b7", "{{ nowhere_defined }}"), [("iam_user", "nowhere_defined", "mend the expression")]),
    "noop-user": (
        iam("/b8", "b8", rotation_strategy="noop"),
        [("iam_user", "'b8' beside rotation_strategy noop", "take one")],
    ),
    "arn": (
        iam("arn:aws:secretsmanager:us-east-1:123456789012:secret:b9-AbCdEf", "b9"),
        [("secret_name", "found 'arn:aws", "not its ARN")],
    ),
    "mail": (
        iam("/c1", "c1", notify_email="Ops <ops@acmecorp.com>"),
        [("notify_email", "Ops <ops@acmecorp.com>", "one plain address")],
    ),
    "exempt": (iam("/c2", "c2", exempt_until="2030-01-01"), [("exempt_reason", "missing", "write why it is exempt")]),
    "open-list": (
        iam("/c5", "c5", secret_readers=["arn:aws:iam::123456789012:role/*"], restrict_secret_access="maybe"),
        [
            ("restrict_secret_access", "found 'maybe'", "write true or false"),
            ("secret_readers", "role/*", "no wildcard, no assumed-role session, no root"),
        ],
    ),
    "closed-to-all": (
        iam("/c6", "c6", restrict_secret_access=True),
        [("secret_administrators", "missing beside restrict_secret_access", "who deploys, audits and scans")],
    ),
    "two-at-once": (
        iam("/a5", "c3", grace_period_hours="soon", max_key_age_days=0, aws_region="Virginia"),
        [
            ("grace_period_hours", "'soon'", "a whole number from 0"),
            ("max_key_age_days", "found 0", "from 1 to 1000"),
            ("aws_region", "'Virginia'", "such as us-east-1"),
        ],
    ),
    "dup-with-mistake": (
        iam("/a2", "c4", grace_period_hours=1),
        [("secret_name", "/a2 is no-user's"), ("grace_period_hours", "found 1")],
    ),
}


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["real", "check"])
def test_every_mistake_of_an_inventory_is_named_at_once_and_nothing_is_asked_of_aws(old_fleet, arguments):
    old_fleet.service_accounts["hosts"] |= {host: variables for host, (variables, _) in MISTAKES.items()}
    journal = len(old_fleet.aws.remote.journal())
    done = old_fleet.play("deploy", *arguments, code=2)
    assert old_fleet.aws.remote.journal()[journal:] == []
    lines = [line for line in done.output.splitlines() if line.startswith("- ")]
    for host, (_, expected) in MISTAKES.items():
        for variable, *parts in expected:
            named = [line for line in lines if line.startswith(f"- {host}: {variable}: ")]
            assert len(named) == 1, (host, variable, done.output)
            assert all(part in named[0] for part in parts), (parts, named[0])
    assert len(lines) == sum(len(expected) for _, expected in MISTAKES.values()), lines
    assert PASTED not in done.output


MARK = "a-value-that-must-stay-in-the-secret"
OTHERS = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/somebody/else-AbCdEf"
HEALTHY = "bitbucket"

STATES: dict[str, tuple[str, ...]] = {
    # host: what its lines in the summary must hold; seed_states() makes what each name says
    "gone": ("secret /bad/gone does not exist in this account and Region", "store it first"),
    "deleted": ("secret /bad/deleted awaits deletion", "RestoreSecret"),
    "no-user": ("IAM user bad-no-user does not exist", "make it, mend iam_user"),
    "text": ("secret /bad/text: the secret's value is no JSON object", "store one that has USER_NAME"),
    "array": ("secret /bad/array: the secret's value is no JSON object", "store one that has USER_NAME"),
    "binary": ("secret /bad/binary: the secret is binary", "needs a JSON object as SecretString"),
    "empty": ("secret /bad/empty: it has no value", "store one first"),
    "nameless": ("secret /bad/nameless: the secret's document has no USER_NAME", "add the IAM user's name"),
    "other": ("names user somebody-else, the inventory bad-other", "mend iam_user or secret_name"),
    "spelling": ("names user BAD-spelling, the inventory bad-spelling", "spelt as in IAM"),
    "foreign": (
        f"IAM user bad-foreign is bound to another secret, {OTHERS}",
        "mend iam_user, or",
        "take the tag off the user",
    ),
    "replica": ("secret /bad/replica is a replica here", "its primary Region eu-west-1: mend aws_region"),
    "database": ("secret /bad/database holds AWS_ACCESS_KEY_ID", "use rotation_strategy: iam_access_key"),
}


def seed_states(story) -> None:
    """Make, for each host of STATES, the state in AWS that it is named after, and put the host into the inventory."""
    secrets, users = story.aws.client("secretsmanager"), story.aws.client("iam")
    document = {"AWS_ACCESS_KEY_ID": "AKIA" + "Q" * 16, "AWS_SECRET_ACCESS_KEY": MARK}
    values: dict[str, dict[str, Any]] = {
        "no-user": {"SecretString": json.dumps({**document, "USER_NAME": "bad-no-user"})},
        "text": {"SecretString": MARK},
        "array": {"SecretString": json.dumps([MARK])},
        "binary": {"SecretBinary": MARK.encode()},
        "empty": {},
        "nameless": {"SecretString": json.dumps(document)},
        "other": {"SecretString": json.dumps({**document, "USER_NAME": "somebody-else"})},
        "spelling": {"SecretString": json.dumps({**document, "USER_NAME": "BAD-spelling"})},
        "database": {"SecretString": json.dumps(document)},
    }
    for host in STATES:
        if host in values:
            secrets.create_secret(Name=f"/bad/{host}", **values[host])
            if host not in ("no-user", "database"):
                users.create_user(UserName=f"bad-{host}")
        elif host in ("deleted", "foreign"):
            seed_user(story.aws, f"/bad/{host}", f"bad-{host}")
    secrets.delete_secret(SecretId="/bad/deleted")
    users.tag_user(UserName="bad-foreign", Tags=[{"Key": "key-rotation:secret", "Value": OTHERS}])
    value = json.dumps({**document, "USER_NAME": "bad-replica"})
    boto3.session.Session(*ADMINISTRATOR, region_name="eu-west-1").client(
        "secretsmanager", endpoint_url=story.endpoint
    ).create_secret(Name="/bad/replica", SecretString=value, AddReplicaRegions=[{"Region": REGION}])
    users.create_user(UserName="bad-replica")
    story.service_accounts["hosts"] = {HEALTHY: story.service_accounts["hosts"][HEALTHY]}
    story.account["children"]["database_secrets"]["hosts"] = {"database": {"secret_name": "/bad/database"}}
    for host in STATES:
        if host != "database":
            story.service_accounts["hosts"][host] = iam(f"/bad/{host}", f"bad-{host}")


def rows(summary: str) -> dict[str, str]:
    """The summary's text of each service account of a table: its row and the lines below it, blanks made one."""
    texts: dict[str, list[str]] = {}
    for line in summary.splitlines():
        if re.match(r"  [a-z]", line):
            texts[line.split()[0]] = []
        if line.startswith("  FAILED") or not texts:
            continue
        texts[next(reversed(texts))] += line.split()
    return {host: " ".join(words) for host, words in texts.items()}


def touching_bad(journal: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The writing calls, of whomever, that name a secret or a user of STATES: no version id, which may hold "bad-"."""
    reading = ("Describe", "Get", "List", "Filter")
    return [
        call
        for call in journal
        if not call["action"].startswith(reading) and re.search(r"(?<!\w)bad[-/]", json.dumps(call))
    ]


def test_what_aws_holds_wrongly_is_named_for_each_and_only_the_healthy_one_is_deployed(old_fleet):
    seed_states(old_fleet)
    before = Fleet.read(old_fleet.aws)
    for arguments, status in (("--check",), "would rotate now"), ((), "rotated"):
        journal = len(old_fleet.aws.remote.journal())
        done = old_fleet.play("deploy", *arguments, code=2)
        said = rows(done.summary)
        assert set(said) >= {*STATES, HEALTHY}, done.summary
        for host, parts in STATES.items():
            assert " FAILED " in said[host], done.summary
            assert all(part in said[host] for part in parts), said[host]
        assert status in said[HEALTHY]
        assert f"--limit {','.join(STATES)}" in done.summary
        assert MARK not in done.output
        made = old_fleet.aws.remote.journal()[journal:]
        assert touching_bad(made) == []
        if arguments:
            assert writes(made) == []
    after = Fleet.read(old_fleet.aws)
    assert {host for host in SECRETS if after.accounts[host] != before.accounts[host]} == {HEALTHY}
    assert len([key for key in after.accounts[HEALTHY].keys if key.age_days == 0]) == 1
