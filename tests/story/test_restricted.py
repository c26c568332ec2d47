# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Secrets that are open to named principals alone: rotation goes on, readers read, nobody locks himself out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from demo.old_fleet import REGION, SECRETS, USERS
from demo.story import Fleet
from sandbox.world import ACCOUNT
from tests.story.conftest import Story
from tests.story.person import Person, actions_of

HOUR = 3600
IAM = f"arn:aws:iam::{ACCOUNT}:"
READING = ("Describe", "Get", "List", "Filter", "Generate")


def user(story: Story, name: str, *actions: str) -> Any:
    """Secrets Manager as an IAM user with these actions on everything sees it."""
    iam = story.aws.client("iam")
    iam.create_user(UserName=name)
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=document)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = boto3.session.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    return session.client("secretsmanager", endpoint_url=story.endpoint)


def policies(story: Story) -> dict[str, Any]:
    """Host to its secret's resource policy, of those that have one."""
    secrets = story.aws.client("secretsmanager")
    found = {
        host: secrets.get_resource_policy(SecretId=secret).get("ResourcePolicy") for host, secret in SECRETS.items()
    }
    return {host: json.loads(policy) for host, policy in found.items() if policy}


def close(story: Story, *administrators: str) -> None:
    """Ask for it in the inventory."""
    story.account["vars"] |= {
        "restrict_secret_access": True,
        "secret_readers": [f"{IAM}user/reader"],
        "secret_administrators": list(administrators),
    }


def audited(story: Story, folder: Path) -> set[str]:
    """The hosts of which the audit says that their secret is not closed as the inventory asks for."""
    story.play("audit", "-e", f"audit_report_dir={folder}", "-e", "audit_fail_on=none")
    (account,) = json.loads((folder / "report.json").read_text())["accounts"]
    return {
        secret["name"]
        for secret in account["secrets"]
        for found in secret["findings"]
        if found["id"] == "access-differs"
    }


def calls(story: Story, principal: str, since: int) -> list[dict[str, Any]]:
    return [call for call in story.aws.remote.journal()[since:] if (call["principal"] or "").endswith(principal)]


def test_the_named_reach_the_secrets_nobody_else_does_and_rotation_goes_on(old_fleet, tmp_path):
    operator = Person(old_fleet.aws, "operator", "restrict")
    reader = user(old_fleet, "reader", "secretsmanager:GetSecretValue")
    other = user(old_fleet, "other", "secretsmanager:*")
    close(old_fleet, f"{IAM}user/operator")
    assert audited(old_fleet, tmp_path) == set(SECRETS)
    checked = old_fleet.play("deploy", "--check", "--diff", **operator.credentials)
    assert "close the secret to everybody: 3 named principals" in checked.output
    assert policies(old_fleet) == {}
    old_fleet.play("deploy", **operator.credentials)
    assert old_fleet.play("deploy", **operator.credentials).changed == 0
    roles = {host: f"key-rotation-{'iam-access-key' if host in USERS else 'noop'}-{REGION}" for host in SECRETS}
    for host, policy in policies(old_fleet).items():
        named = [f"{IAM}role/{roles[host]}", f"{IAM}user/operator", f"{IAM}user/reader"]
        assert policy["Statement"][0]["Condition"] == {"StringNotEquals": {"aws:PrincipalArn": named}}
    assert set(policies(old_fleet)) == set(SECRETS)
    assert audited(old_fleet, tmp_path) == set()

    for secret in SECRETS.values():
        reader.get_secret_value(SecretId=secret)
        with pytest.raises(ClientError, match=r"AccessDenied.*explicit deny in a resource-based policy"):
            other.get_secret_value(SecretId=secret)
        with pytest.raises(ClientError, match="AccessDenied"):
            other.delete_resource_policy(SecretId=secret)

    old_fleet.aws.remote.advance(25 * HOUR)
    retired = Fleet.read(old_fleet.aws)
    assert [[key.active for key in retired.accounts[host].keys] for host in USERS] == [[False, True]] * len(USERS)
    old_fleet.play("rotate", **operator.credentials)
    after = Fleet.read(old_fleet.aws)
    assert all(retired.accounts[host].version != after.accounts[host].version for host in SECRETS)

    old_fleet.account["vars"]["restrict_secret_access"] = False
    old_fleet.play("deploy", **operator.credentials)
    assert policies(old_fleet) == {}
    assert old_fleet.play("deploy", **operator.credentials).changed == 0
    other.get_secret_value(SecretId=SECRETS["bitbucket"])
    assert (operator.refused, operator.idle & actions_of("restrict")) == (set(), set())


def test_a_deployer_who_is_not_named_is_refused_before_any_write(old_fleet):
    operator = Person(old_fleet.aws, "operator", "restrict")
    close(old_fleet, f"{IAM}role/deployer")
    for arguments in ((), ("--check",)):
        since = len(old_fleet.aws.remote.journal())
        done = old_fleet.play("deploy", *arguments, code=2, **operator.credentials)
        said = " ".join(done.summary.split())
        assert f"{IAM}user/operator runs this and is not among those who may reach secret /acmecorp" in said
        assert f"add it to secret_administrators in the group of the account, or run as one of them ({IAM}role/" in said
        made = calls(old_fleet, ":user/operator", since)
        assert [call["action"] for call in made if not call["action"].startswith(READING)] == []
    root = old_fleet.play("deploy", code=2)
    assert f"{IAM}root runs this, which is neither a role nor a user" in " ".join(root.summary.split())
    assert policies(old_fleet) == {}


def test_one_secret_that_cannot_be_closed_is_left_alone_and_the_others_are_done(old_fleet):
    """One list lacks the deployer, which is known before; one policy AWS itself refuses, when it is written."""
    operator = Person(old_fleet.aws, "operator", "restrict")
    close(old_fleet, f"{IAM}user/operator")
    old_fleet.service_accounts["hosts"]["bitbucket"]["secret_administrators"] = [f"{IAM}role/somebody"]
    public = {"Effect": "Allow", "Principal": "*", "Action": "secretsmanager:DescribeSecret", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [public]})
    secrets = old_fleet.aws.client("secretsmanager")
    secrets.put_resource_policy(SecretId=SECRETS["database-dev"], ResourcePolicy=policy)
    done = old_fleet.play("deploy", code=2, **operator.credentials)
    assert "--limit bitbucket,database-dev" in done.summary
    assert "open it to the public, so AWS refused it" in " ".join(done.summary.split())
    assert set(policies(old_fleet)) == set(SECRETS) - {"bitbucket"}
    assert policies(old_fleet)["database-dev"] == json.loads(policy)
    for host in ("bitbucket", "database-dev"):
        described = secrets.describe_secret(SecretId=SECRETS[host])
        assert not described.get("RotationEnabled")
        assert described.get("Tags", []) == []


def test_who_is_locked_out_is_told_that_it_is_the_resource_policy(deployed):
    operator = Person(deployed.aws, "operator")
    statement = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}
    named = {"StringNotEquals": {"aws:PrincipalArn": [f"{IAM}role/somebody"]}}
    policy = {"Version": "2012-10-17", "Statement": [{**statement, "Condition": named}]}
    secrets = deployed.aws.client("secretsmanager")
    secrets.put_resource_policy(SecretId=SECRETS["bitbucket"], ResourcePolicy=json.dumps(policy))
    said = " ".join(deployed.play("deploy", "--limit", "bitbucket", code=2, **operator.credentials).summary.split())
    assert "run as one of the principals that its resource policy names" in said
