# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""rotation_access: four ways; whoever runs it is not locked out; who is named reaches the secret and nobody else."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from ansible_collections.evergreen.key_rotation.plugins.modules import rotation_access, rotation_info
from ansible_collections.evergreen.key_rotation.tests.modules.conftest import ALL, EVERYTHING, Lab, service_account
from demo.old_fleet import REGION
from sandbox.world import ACCOUNT

IAM = f"arn:aws:iam::{ACCOUNT}:"
DEPLOYER, READER = f"{IAM}user/people/deployer", f"{IAM}user/reader"
ROLES = {name: f"{IAM}role/key-rotation-{name}" for name in ("iam_access_key", "noop")}
ALLOW = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": READER}, "Action": "*", "Resource": "*"}
Keys = dict[str, str]


def user(lab: Lab, name: str, path: str = "/", policy: dict[str, Any] = EVERYTHING) -> Keys:
    """An IAM user who may do everything, as far as its own policy goes; gives its credentials as a module's options."""
    iam = lab.aws.client("iam")
    iam.create_user(UserName=name, Path=path)
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"access_key": key["AccessKeyId"], "secret_key": key["SecretAccessKey"]}


def session(lab: Lab, name: str, path: str, policy: dict[str, Any] = EVERYTHING) -> Keys:
    """The same of a role's session."""
    iam = lab.aws.client("iam")
    principal = {"AWS": f"{IAM}root"}
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=json.dumps(policy))
    made = lab.aws.client("sts").assume_role(RoleArn=role, RoleSessionName="run")["Credentials"]
    return {
        "access_key": made["AccessKeyId"],
        "secret_key": made["SecretAccessKey"],
        "session_token": made["SessionToken"],
    }


def secrets_of(lab: Lab, keys: Keys) -> Any:
    own = boto3.session.Session(keys["access_key"], keys["secret_key"], keys.get("session_token"), region_name=REGION)
    return own.client("secretsmanager", endpoint_url=lab.aws.endpoint)


def closed(name: str = "bitbucket", **variables: Any) -> dict[str, Any]:
    given = {"restrict_secret_access": True, "secret_readers": [READER], "secret_administrators": [DEPLOYER]}
    return service_account(name, **{**given, **variables})


def options(*fleet: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"service_accounts": list(fleet), "execution_roles": ROLES, **more}


def policy(lab: Lab, name: str = "bitbucket") -> Any:
    secret = service_account(name)["secret_name"]
    text = lab.aws.client("secretsmanager").get_resource_policy(SecretId=secret).get("ResourcePolicy")
    return json.loads(text) if text else None


def put(lab: Lab, *statements: dict[str, Any], name: str = "bitbucket") -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    secret = service_account(name)["secret_name"]
    lab.aws.client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=json.dumps(document))


def test_a_fleet_is_closed_four_ways_and_the_named_alone_reach_it(lab: Lab) -> None:
    deployer, reader, other = user(lab, "deployer", "/people/"), user(lab, "reader"), user(lab, "other")
    result = lab.four_ways(rotation_access, **options(*map(closed, ALL), **deployer))
    assert {entry["changes"][0] for entry in result["secrets"]} == {"close the secret to everybody: 3 named principals"}
    assert {change["resource_policy"] for change in result["diff"]["before"].values()} == {None}
    for name in ALL:
        secret = service_account(name)["secret_name"]
        role = ROLES[service_account(name)["rotation_strategy"]]
        assert policy(lab, name) == result["diff"]["after"][name]["resource_policy"]
        named = policy(lab, name)["Statement"][0]["Condition"]["StringNotEquals"]["aws:PrincipalArn"]
        assert named == sorted([DEPLOYER, READER, role])
        secrets_of(lab, reader).get_secret_value(SecretId=secret)
        secrets_of(lab, deployer).describe_secret(SecretId=secret)
        for call in ("get_secret_value", "describe_secret", "get_resource_policy", "delete_resource_policy"):
            with pytest.raises(ClientError, match=r"AccessDenied.*explicit deny in a resource-based policy"):
                getattr(secrets_of(lab, other), call)(SecretId=secret)


def test_only_our_statement_changes_and_goes(lab: Lab) -> None:
    keys = user(lab, "deployer", "/people/")
    put(lab, ALLOW)
    lab.four_ways(rotation_access, **options(closed(), **keys))
    lab.four_ways(rotation_access, **options(closed(secret_readers=[]), **keys))
    assert [statement["Sid"] for statement in policy(lab)["Statement"]] == ["Theirs", "KeyRotationOnlyNamedPrincipals"]
    lab.four_ways(rotation_access, **options(closed(restrict_secret_access=False), **keys))
    assert policy(lab) == {"Version": "2012-10-17", "Statement": [ALLOW]}
    lab.four_ways(rotation_access, **options(closed("database-dev"), **keys))
    lab.four_ways(rotation_access, **options(closed("database-dev", restrict_secret_access=False), **keys))
    assert policy(lab, "database-dev") is None


def test_whoever_does_not_ask_costs_no_call(lab: Lab) -> None:
    before = len(lab.aws.remote.journal())
    result = lab.changed(rotation_access, expected=False, **options(*map(service_account, ALL)))
    assert [entry["name"] for entry in result["secrets"]] == ALL
    assert lab.aws.remote.journal()[before:] == []


def test_a_session_is_known_by_its_roles_whole_arn(lab: Lab) -> None:
    """The ARN of the session lacks the path: the right list passes, and one without the path would lock out."""
    keys = session(lab, "ops", "/team/")
    wrong = options(closed(secret_administrators=[f"{IAM}role/ops"]), **keys)
    assert f"{IAM}role/team/ops runs this" in refused(lab, wrong)["msg"]
    lab.four_ways(rotation_access, **options(closed(secret_administrators=[f"{IAM}role/team/ops"]), **keys))


def test_a_role_that_may_not_be_read_is_refused(lab: Lab) -> None:
    denied = {"Effect": "Deny", "Action": "iam:GetRole", "Resource": "*"}
    keys = session(lab, "ops", "/", {**EVERYTHING, "Statement": [*EVERYTHING["Statement"], denied]})
    said = refused(lab, options(closed(secret_administrators=[f"{IAM}role/ops"]), **keys))["msg"]
    assert f"arn:aws:sts::{ACCOUNT}:assumed-role/ops/run runs this" in said
    assert "allow it iam:GetRole on its own role" in said


def test_root_and_the_unnamed_are_refused_before_any_write(lab: Lab) -> None:
    root = refused(lab, options(closed(), closed("database-dev")))["msg"]
    assert f"{IAM}root runs this, which is neither a role nor a user" in root
    assert "run as a role or user that secret_administrators names" in root
    other = refused(lab, options(closed(), **user(lab, "other")))["msg"]
    assert f"{IAM}user/other runs this" in other
    assert "add it to secret_administrators in the group of the account" in other


def refused(lab: Lab, given: dict[str, Any]) -> dict[str, Any]:
    """Run the module, in check mode and really; both say the same, write nothing, and fail everything."""
    results: list[dict[str, Any]] = []
    for check in (True, False):
        lab.expect_no_write(lambda check=check: results.append(lab.run(rotation_access, check=check, **given)))
    assert results[0] == results[1]
    assert all(entry["failed"] for entry in results[0]["secrets"])
    assert policy(lab) is None
    return results[0]


def test_one_failure_stops_nobody(lab: Lab) -> None:
    keys = user(lab, "deployer", "/people/")
    put(lab, {**ALLOW, "Principal": "*"})
    missing = {**closed("ecr-deployments"), "secret_name": "/nowhere"}
    unnamed = closed("bedrock-api", secret_administrators=[f"{IAM}user/somebody"])
    result = lab.run(rotation_access, **options(closed(), missing, unnamed, closed("database-dev"), **keys))
    assert [entry["failed"] for entry in result["secrets"]] == [True, True, True, False]
    assert [entry["changed"] for entry in result["secrets"]] == [False, False, False, True]
    public, nowhere, locked = (entry["msg"] for entry in result["secrets"][:3])
    assert "open it to the public, so AWS refused it (BlockPublicPolicy) and nothing was changed" in public
    assert "secret /nowhere does not exist in this account and Region" in nowhere
    assert f"{DEPLOYER} runs this and is not among those" in locked
    assert [statement["Sid"] for statement in policy(lab)["Statement"]] == ["Theirs"]
    assert policy(lab, "bedrock-api") is None
    assert policy(lab, "database-dev") is not None


def test_who_may_close_nothing_may_open(lab: Lab) -> None:
    """Root is refused for the one that it would lock itself out of, and for that one alone."""
    lab.changed(rotation_access, True, **options(closed("database-dev"), **user(lab, "deployer", "/people/")))
    lab.expect_no_write(lambda: lab.run(rotation_access, **options(closed())))
    opened = closed("database-dev", restrict_secret_access=False)
    result = lab.run(rotation_access, **options(closed(), opened))
    assert [(entry["failed"], entry["changed"]) for entry in result["secrets"]] == [(True, False), (False, True)]
    assert policy(lab, "database-dev") is None


def test_a_strategy_without_a_role_is_named(lab: Lab) -> None:
    given = {"execution_roles": {"noop": ROLES["noop"]}, **user(lab, "deployer", "/people/")}
    result = lab.run(rotation_access, service_accounts=[closed(), closed("database-dev")], **given)
    assert [entry["failed"] for entry in result["secrets"]] == [True, False]
    assert "no role is given for strategy iam_access_key; name it in option execution_roles" in result["msg"]


def test_an_audit_compares_the_policy_only_where_that_is_asked_for(lab: Lab) -> None:
    def look(asked: dict[str, Any], **more: Any) -> list[tuple[str, str | None]]:
        given = {"service_accounts": [asked], "whole_account": True, "execution_roles": ROLES, **more}
        (entry,) = lab.run(rotation_info, **given)["secrets"]
        found = [finding for finding in entry["findings"] if finding["id"] in ("access-differs", "unread")]
        return [(finding["text"], finding["check"]) for finding in found]

    check, secret = "secretsmanager_has_restrictive_resource_policy", service_account("bitbucket")["secret_name"]
    before = len(lab.aws.remote.journal())
    assert look(service_account("bitbucket")) == []
    assert look(closed(restrict_secret_access=False)) == []
    assert "GetResourcePolicy" not in {call["action"] for call in lab.aws.remote.journal()[before:]}
    missing = f"{secret} is open to whomever a policy of their own allows: its list of principals is missing"
    assert look(closed()) == [(missing, check)]
    put(lab, ALLOW)
    assert look(closed()) == [(missing, None)]
    lab.changed(rotation_access, True, **options(closed(), **user(lab, "deployer", "/people/")))
    assert look(closed()) == []
    assert look(closed(secret_readers=[])) == [(f"whom {secret} is open to is not what the inventory says", None)]
    assert look(closed(), execution_roles={}) == []
    nobody = {"Effect": "Deny", "Action": "secretsmanager:GetResourcePolicy", "Resource": "*"}
    keys = user(lab, "reader", policy={**EVERYTHING, "Statement": [*EVERYTHING["Statement"], nobody]})
    unread = f"could not be read: the resource policy of {secret}: AccessDeniedException"
    assert look(closed(), **keys) == [(unread, None)]


def test_an_account_that_locked_itself_out_recovers_by_a_named_arn(lab: Lab) -> None:
    """The list is compared as text: whoever may make IAM users makes one of a named ARN and takes the policy off."""
    named = f"{IAM}user/never-made"
    statement = {"Effect": "Deny", "Principal": "*", "Action": "secretsmanager:*", "Resource": "*"}
    put(lab, {**statement, "Condition": {"StringNotEquals": {"aws:PrincipalArn": [named]}}})
    secret = service_account("bitbucket")["secret_name"]
    with pytest.raises(ClientError, match="AccessDenied"):
        secrets_of(lab, user(lab, "administrator")).delete_resource_policy(SecretId=secret)
    secrets_of(lab, user(lab, "never-made")).delete_resource_policy(SecretId=secret)
    assert policy(lab) is None
