# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""IAM's decisions as tables."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.policy import PolicyError, Principal, Request, evaluate, evaluate_resource_policy

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/a/b-AbCdEf"
ACCOUNT = "123456789012"


def one(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    """A policy of one statement about everything, but for the given elements."""
    statement = {"Effect": effect, "Action": "*", "Resource": "*"} | elements
    for element in ("Action", "Resource"):
        if f"Not{element}" in elements:
            del statement[element]
    return {"Version": "2012-10-17", "Statement": [statement]}


def asks(action: str = "s3:GetObject", resource: str = "*", **context: Any) -> Request:
    return Request(action, resource, {key.replace("__", ":"): value for key, value in context.items()})


@pytest.mark.parametrize(
    ("policies", "decision"),
    [
        ([], "none"),
        ([one()], "allow"),
        ([one(), one("Deny")], "deny"),
        ([one("Deny"), one()], "deny"),
        ([one(Action="sqs:*"), one("Deny", Action="sns:*")], "none"),
        ([{"Statement": {"Effect": "Allow", "Action": ["a:b", "S3:getobject"], "Resource": "*"}}], "allow"),
        ([{}], "none"),
    ],
)
def test_explicit_deny_over_allow_over_nothing(policies: list[dict[str, Any]], decision: str) -> None:
    assert evaluate(policies, asks()) == decision


@pytest.mark.parametrize(
    ("elements", "action", "resource", "decision"),
    [
        ({"Action": "secretsmanager:Get*"}, "secretsmanager:GetSecretValue", ARN, "allow"),
        ({"Action": "SecretsManager:getsecretvalue"}, "secretsmanager:GetSecretValue", ARN, "allow"),
        ({"Action": "secretsmanager:Ge?SecretValue"}, "secretsmanager:GetSecretValue", ARN, "allow"),
        ({"Action": "secretsmanager:Get"}, "secretsmanager:GetSecretValue", ARN, "none"),
        ({"NotAction": "iam:*"}, "secretsmanager:GetSecretValue", ARN, "allow"),
        ({"NotAction": ["iam:*", "secretsmanager:*"]}, "secretsmanager:GetSecretValue", ARN, "none"),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:/a/b-??????"}, "x:Y", ARN, "allow"),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:/a/b-?????"}, "x:Y", ARN, "none"),
        ({"Resource": ARN.lower()}, "x:Y", ARN, "none"),
        ({"Resource": "arn:aws:secretsmanager:*:*:secret:/a/b.AbCdEf"}, "x:Y", ARN, "none"),
        ({"NotResource": ARN}, "x:Y", ARN, "none"),
        ({"NotResource": "arn:aws:iam::*"}, "x:Y", ARN, "allow"),
        ({"Resource": []}, "x:Y", ARN, "none"),
    ],
)
def test_elements(elements: dict[str, Any], action: str, resource: str, decision: str) -> None:
    assert evaluate([one(**elements)], asks(action, resource)) == decision


USER = {"aws:username": "ann", "aws:PrincipalTag/team": "core*", "many": ("x", "y"), "none": ()}


@pytest.mark.parametrize(
    ("resource", "asked", "version", "decision"),
    [
        ("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/ann", "2012-10-17", "allow"),
        ("arn:aws:iam::1:user/${AWS:UserName}", "arn:aws:iam::1:user/ann", "2012-10-17", "allow"),
        ("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/bob", "2012-10-17", "none"),
        ("arn:aws:iam::1:user/${aws:username}", "arn:aws:iam::1:user/ann", "2008-10-17", "none"),
        ("t/${aws:PrincipalTag/team}", "t/core*", "2012-10-17", "allow"),
        ("t/${aws:PrincipalTag/team}", "t/core-two", "2012-10-17", "none"),
        ("t/${aws:PrincipalTag/other}", "t/", "2012-10-17", "none"),
        ("t/${aws:PrincipalTag/other, 'all'}", "t/all", "2012-10-17", "allow"),
        ("t/${many}", "t/x", "2012-10-17", "none"),
        ("t/${*}", "t/*", "2012-10-17", "allow"),
        ("t/${*}", "t/x", "2012-10-17", "none"),
    ],
)
def test_policy_variables(resource: str, asked: str, version: str, decision: str) -> None:
    policy = one(Resource=resource) | {"Version": version}
    assert evaluate([policy], Request("x:Y", asked, USER)) == decision


KEYS: dict[str, str | tuple[str, ...]] = {
    "name": "Ann",
    "arn": "arn:aws:iam::123456789012:role/app/One",
    "flag": "true",
    "size": "20",
    "time": "2026-03-01T00:00:00Z",
    "tags": ("a", "b"),
    "ip": "127.0.0.1",
    "user": "ann",
}


@pytest.mark.parametrize(
    ("operator", "key", "wanted", "holds"),
    [
        ("StringEquals", "NAME", "Ann", True),
        ("StringEquals", "name", "ann", False),
        ("StringEquals", "name", "A*", False),
        ("StringEquals", "name", ["x", "Ann"], True),
        ("StringEquals", "missing", "Ann", False),
        ("StringEqualsIfExists", "missing", "Ann", True),
        ("StringEqualsIfExists", "name", "Bob", False),
        ("StringNotEquals", "name", "Bob", True),
        ("StringNotEquals", "name", ["Bob", "Ann"], False),
        ("StringNotEquals", "missing", "Ann", True),
        ("StringEqualsIgnoreCase", "name", "aNN", True),
        ("StringNotEqualsIgnoreCase", "name", "aNN", False),
        ("StringLike", "name", "A?n", True),
        ("StringLike", "name", "A?", False),
        ("StringNotLike", "name", "A*", False),
        ("StringEquals", "user", "${user}", True),
        ("StringEquals", "user", "${missing}", False),
        ("StringLike", "arn", "*:role/${none,'app'}/*", True),
        ("ArnEquals", "arn", "arn:aws:iam::123456789012:role/app/*", True),
        ("ArnLike", "arn", "arn:aws:iam::*:role/app/One", True),
        ("ArnLike", "arn", "arn:aws:iam:*", False),
        ("ArnLike", "arn", "arn:*:role/app/One", False),
        ("ArnNotLike", "arn", "arn:aws:iam::*:role/other/*", True),
        ("ArnNotEquals", "arn", "arn:aws:iam::123456789012:role/app/One", False),
        ("Bool", "flag", "true", True),
        ("Bool", "flag", "false", False),
        ("Bool", "flag", True, True),
        ("Bool", "missing", "false", False),
        ("BoolIfExists", "missing", "false", True),
        ("Null", "missing", "true", True),
        ("Null", "missing", True, True),
        ("Null", "missing", "false", False),
        ("Null", "name", "false", True),
        ("Null", "name", "true", False),
        ("NumericEquals", "size", "20.0", True),
        ("NumericNotEquals", "size", "20", False),
        ("NumericLessThan", "size", "21", True),
        ("NumericLessThan", "size", "20", False),
        ("NumericLessThanEquals", "size", 20, True),
        ("NumericGreaterThan", "size", "19", True),
        ("NumericGreaterThanEquals", "size", "21", False),
        ("DateLessThan", "time", "2026-03-01T00:00:01Z", True),
        ("DateGreaterThan", "time", "2026-03-01T01:00:00+01:00", False),
        ("DateEquals", "time", "2026-03-01T01:00:00+01:00", True),
        ("DateGreaterThanEquals", "time", "1772323200", True),
        ("IpAddress", "ip", "127.0.0.0/8", True),
        ("NotIpAddress", "ip", "127.0.0.0/8", False),
        ("ForAllValues:StringEquals", "tags", ["a", "b", "c"], True),
        ("ForAllValues:StringEquals", "tags", ["a"], False),
        ("ForAllValues:StringEquals", "missing", ["a"], True),
        ("ForAnyValue:StringEquals", "tags", ["b", "c"], True),
        ("ForAnyValue:StringEquals", "tags", ["c"], False),
        ("ForAnyValue:StringEquals", "missing", ["c"], False),
        ("ForAllValues:StringNotEquals", "tags", ["c"], True),
        ("ForAllValues:StringNotEquals", "tags", ["a"], False),
        ("ForAnyValue:StringNotEquals", "tags", ["a"], True),
        ("ForAnyValue:StringNotEquals", "tags", ["a", "b"], False),
        ("ForAnyValue:StringNotEquals", "missing", ["a"], False),
        ("ForAllValues:StringLike", "tags", ["?"], True),
        ("ForAnyValue:StringLikeIfExists", "missing", ["?"], True),
    ],
)
def test_condition_operators(operator: str, key: str, wanted: Any, holds: bool) -> None:
    policy = one(Condition={operator: {key: wanted}})
    assert evaluate([policy], Request("x:Y", "*", KEYS)) == ("allow" if holds else "none")


def test_all_operators_and_keys_of_a_condition_must_hold() -> None:
    both = one(Condition={"StringEquals": {"name": "Ann", "user": "ann"}, "Bool": {"flag": "true"}})
    assert evaluate([both], Request("x:Y", "*", KEYS)) == "allow"
    assert evaluate([both], Request("x:Y", "*", KEYS | {"flag": "false"})) == "none"
    assert evaluate([both], Request("x:Y", "*", KEYS | {"user": "bob"})) == "none"


@pytest.mark.parametrize("operator", ["StringEqual", "ForSome:StringEquals", "BinaryEquals"])
def test_an_operator_that_does_not_exist_is_an_error(operator: str) -> None:
    with pytest.raises(PolicyError, match=operator):
        evaluate([one(Condition={operator: {"name": "Ann"}})], Request("x:Y", "*", KEYS))


def test_a_value_that_is_no_number_is_an_error() -> None:
    with pytest.raises(PolicyError, match="no number"):
        evaluate([one(Condition={"NumericEquals": {"name": "1"}})], Request("x:Y", "*", KEYS))


SESSION = Principal(("arn:aws:sts::123456789012:assumed-role/r/s", "arn:aws:iam::123456789012:role/r"), ACCOUNT)
SERVICE = Principal(service="secretsmanager.amazonaws.com")


@pytest.mark.parametrize(
    ("principal", "caller", "decision"),
    [
        ("*", SESSION, "allow"),
        ({"AWS": "*"}, SESSION, "allow"),
        ({"AWS": "*"}, SERVICE, "none"),
        ({"AWS": "arn:aws:iam::123456789012:role/r"}, SESSION, "allow"),
        ({"AWS": ["x", "arn:aws:sts::123456789012:assumed-role/r/s"]}, SESSION, "allow"),
        ({"AWS": "arn:aws:iam::123456789012:role/other"}, SESSION, "none"),
        ({"AWS": ACCOUNT}, SESSION, "delegate"),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, SESSION, "delegate"),
        ({"AWS": "999999999999"}, SESSION, "none"),
        ({"Service": "secretsmanager.amazonaws.com"}, SERVICE, "allow"),
        ({"Service": ["x.amazonaws.com", "secretsmanager.amazonaws.com"]}, SERVICE, "allow"),
        ({"Service": "scheduler.amazonaws.com"}, SERVICE, "none"),
        ({"Service": "secretsmanager.amazonaws.com"}, SESSION, "none"),
        ({}, SESSION, "none"),
    ],
)
def test_principals(principal: Any, caller: Principal, decision: str) -> None:
    assert evaluate_resource_policy(one(Principal=principal), asks(), caller) == decision
    denied = "none" if decision == "none" else "deny"
    assert evaluate_resource_policy(one("Deny", Principal=principal), asks(), caller) == denied


def test_a_named_allow_is_stronger_than_one_for_the_account() -> None:
    role, account = ({"AWS": "arn:aws:iam::123456789012:role/r"}, {"AWS": ACCOUNT})
    policy = {"Statement": [*one(Principal=role)["Statement"], *one(Principal=account)["Statement"]]}
    assert evaluate_resource_policy(policy, asks(), SESSION) == "allow"


def test_not_principal() -> None:
    policy = one("Deny", NotPrincipal={"AWS": "arn:aws:iam::123456789012:role/r"})
    assert evaluate_resource_policy(policy, asks(), SESSION) == "none"
    assert evaluate_resource_policy(policy, asks(), Principal(("arn:aws:iam::123456789012:user/u",), ACCOUNT)) == "deny"


def test_service_conditions_and_missing_resource() -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "secretsmanager.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        },
    }
    ours = asks("sts:AssumeRole", aws__SourceAccount=ACCOUNT)
    assert evaluate_resource_policy(trust, ours, SERVICE, resource_optional=True) == "allow"
    assert evaluate_resource_policy(trust, ours, SERVICE) == "none"
    foreign = asks("sts:AssumeRole", aws__SourceAccount="999999999999")
    assert evaluate_resource_policy(trust, foreign, SERVICE, resource_optional=True) == "none"
    assert evaluate_resource_policy(trust, asks("sts:AssumeRole"), SERVICE, resource_optional=True) == "none"
