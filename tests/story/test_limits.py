# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What ends a run, or one account's part of it, before anything is written: credentials, Region, --limit."""

from __future__ import annotations

import copy

import pytest

from demo.old_fleet import SECRETS, USERS
from demo.story import Fleet, writes

MARKED = "a-marked-secret-access-key"
REALLY: tuple[tuple[str, ...], ...] = ((),)
BOTH_WAYS = (*REALLY, ("--check",))


def text(summary: str) -> str:
    """A summary in one line, blanks made one: its lines are wrapped for people."""
    return " ".join(summary.split())


def test_without_credentials_nothing_is_done(old_fleet):
    for arguments in BOTH_WAYS:
        journal = len(old_fleet.aws.remote.journal())
        done = old_fleet.play("deploy", *arguments, code=2, AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        assert old_fleet.aws.remote.journal()[journal:] == []
        said = text(done.summary)
        assert "account acmecorp-prod: AWS does not know the caller" in said
        assert "Unable to locate credentials" in said
        assert "give credentials by aws_profile or aws_role_arn" in said
        assert "run again: ansible-playbook evergreen.key_rotation.deploy -i " in said
        assert "--limit" not in said  # the whole run ended, so the whole run is what is left
        assert all(f"{host} " in said for host in SECRETS)


def test_with_wrong_credentials_nothing_is_done(old_fleet):
    wrong = {"AWS_ACCESS_KEY_ID": "AKIANOSUCHKEY0000000", "AWS_SECRET_ACCESS_KEY": MARKED}
    journal = len(old_fleet.aws.remote.journal())
    done = old_fleet.play("deploy", code=2, **wrong)
    assert {call["action"] for call in old_fleet.aws.remote.journal()[journal:]} <= {"GetCallerIdentity"}
    assert "AWS does not know the caller" in text(done.summary)
    assert "InvalidClientTokenId" in text(done.summary)
    assert MARKED not in done.output


@pytest.mark.parametrize(
    ("ways", "variables", "parts"),
    [
        (
            BOTH_WAYS,
            {"aws_account_id": "999999999999"},
            ("for 123456789012, but aws_account_id is 999999999999", "mend aws_acc"),
        ),
        (
            REALLY,
            {"aws_account": "999999999999"},
            ("for 123456789012, but aws_account_id is 999999999999", "mend aws_acc"),
        ),
        (REALLY, {"aws_profile": "nosuch"}, ("The config profile (nosuch) could not be found", "aws_profile")),
        (
            REALLY,
            {"aws_role_arn": "arn:aws:iam::123456789012:role/nosuch"},
            ("role/nosuch could not be", "mend aws_role_arn"),
        ),
        (
            BOTH_WAYS,
            {"aws_region": "eu-west-1"},
            ("none of the 5 service accounts", "in eu-west-1", "is aws_region right?"),
        ),
    ],
    ids=["account-id", "account-digits", "profile", "role", "region"],
)
def test_an_account_that_is_not_the_one_that_is_meant_is_left_alone(old_fleet, ways, variables, parts):
    old_fleet.account["vars"] |= variables
    for arguments in ways:
        journal = len(old_fleet.aws.remote.journal())
        done = old_fleet.play("deploy", *arguments, code=2)
        assert writes(old_fleet.aws.remote.journal()[journal:]) == []
        assert all(part in text(done.summary) for part in parts), done.summary
        assert "nothing was written" in text(done.summary) or "could not be" in text(done.summary)


def test_two_accounts_of_which_one_has_no_credentials(old_fleet):
    other = copy.deepcopy(old_fleet.account)
    other["vars"] |= {"aws_account": "acmecorp-dev", "aws_profile": "nosuch"}
    group = other["children"]["service_accounts"]
    group["hosts"] = {
        "build": {"secret_name": "/build", "iam_user": "build"},
        "wiki": {"secret_name": "/wiki", "iam_user": "wiki"},
    }
    other["children"] = {"dev_service_accounts": group}
    old_fleet.inventory["all"]["children"]["acmecorp_dev"] = other
    del old_fleet.account["children"]["database_secrets"]
    before = Fleet.read(old_fleet.aws)
    for arguments, status in (("--check",), "would rotate now"), ((), "rotated"):
        journal = len(old_fleet.aws.remote.journal())
        done = old_fleet.play("deploy", *arguments, code=2)
        accounts = {part.split()[0]: text(part) for part in done.summary.split("Account ")[1:]}
        healthy, failing = accounts["acmecorp-prod"], accounts["acmecorp-dev"].partition("[ERROR]")[0]
        assert healthy.partition("[ERROR]")[0].count(status) == len(USERS)
        assert "FAILED: " not in healthy.partition("[ERROR]")[0]
        assert "build iam_access_key not reached" in failing
        assert "account acmecorp-dev: AWS does not know the caller" in failing
        assert "--limit build,wiki" in failing
        if arguments:
            assert writes(old_fleet.aws.remote.journal()[journal:]) == []
    after = Fleet.read(old_fleet.aws)
    assert {host for host in SECRETS if after.accounts[host].version != before.accounts[host].version} == set(USERS)


def test_more_mail_domains_than_a_policy_can_name_are_refused_before_anything_is_written(old_fleet):
    old_fleet.service_accounts["hosts"] = {
        f"team-{number}": {
            "secret_name": f"/team/{number}",
            "iam_user": f"team-{number}",
            "notify_email": f"alerts@team-{number}.acmecorp.com",
        }
        for number in range(400)
    }
    for arguments in BOTH_WAYS:
        journal = len(old_fleet.aws.remote.journal())
        done = old_fleet.play("deploy", "--limit", "team-0", *arguments, code=2)
        asked = {call["action"] for call in old_fleet.aws.remote.journal()[journal:]}
        assert asked == {"GetCallerIdentity", "ListAccountAliases"}
        said = text(done.summary)
        assert "account acmecorp-prod (123456789012): notify_email has addresses of 400 mail domains" in said
        assert "role key-rotation-iam-access-key-us-east-1 may send to these alone" in said
        assert "IAM takes 10240; nothing was written" in said
        assert "Let notify_email name fewer domains, such as one address for each team" in said


def test_what_the_operator_may_not_do_is_said_by_name(old_fleet):
    old_fleet.aws.remote.fault(service="iam", action="CreateRole", kind="access_denied", when="before", times=1)
    done = old_fleet.play("deploy", code=2)
    assert "Make the role key-rotation-iam-access-key-us-east-1: " in text(done.summary)
    assert "not authorized to perform: iam:CreateRole" in text(done.summary)
    assert Fleet.read(old_fleet.aws, without=SECRETS) == Fleet({})


def test_rotate_before_deploy_says_so(old_fleet):
    journal = len(old_fleet.aws.remote.journal())
    done = old_fleet.play("rotate", code=2)
    assert writes(old_fleet.aws.remote.journal()[journal:]) == []
    for secret in SECRETS.values():
        assert f"rotation of {secret} is off; run the deploy playbook first" in text(done.summary)


def test_a_limit_that_selects_nothing_is_an_error(old_fleet):
    old_fleet.inventory["all"]["hosts"] = {"web1": {}}
    journal = len(old_fleet.aws.remote.journal())
    for name, arguments in (("deploy", ()), ("deploy", ("--check",)), ("rotate", ())):
        done = old_fleet.play(name, "--limit", "web1", *arguments, code=2)
        assert "no service account is selected: none of the hosts that --limit web1 leaves" in done.output
        assert "mend --limit" in done.output
    done = old_fleet.play("deploy", "--limit", "nosuch", code=1)  # Ansible's own error, before any play
    assert "Could not match supplied host pattern, ignoring: nosuch" in done.output
    assert old_fleet.aws.remote.journal()[journal:] == []


@pytest.mark.parametrize("inventory", [{"all": {"hosts": {}}}, {"all": {"hosts": {"web1": {}}}}], ids=["empty", "none"])
def test_an_inventory_without_service_accounts_is_an_error(old_fleet, inventory):
    old_fleet.inventory = inventory
    journal = len(old_fleet.aws.remote.journal())
    done = old_fleet.play("deploy", code=2)
    assert "no service account is selected: none of the " in done.output
    assert "name an inventory with -i" in done.output
    assert old_fleet.aws.remote.journal()[journal:] == []
