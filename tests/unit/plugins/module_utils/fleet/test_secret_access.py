# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Our statement in a resource policy: who is named, what stays, what is refused. No AWS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.errors import StateError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.secret_access import (
    MOST_CHARACTERS,
    SID,
    plan_open,
    plan_restricted,
    statement_of,
)
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import Target

IAM = "arn:aws:iam::123456789012:"
ROLE = f"{IAM}role/key-rotation-iam-access-key-us-east-1"
READER = f"{IAM}role/team/reader"
DEPLOYER = f"{IAM}role/deployer"
ALLOW = {"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": f"{IAM}role/x"}, "Action": "*", "Resource": "*"}


def target(**variables: Any) -> Target:
    given = {"secret_readers": (READER,), "secret_administrators": (DEPLOYER,), **variables}
    return Target("h", "/s", "iam_access_key", 90, 24, iam_user="u", restrict_secret_access=True, **given)


def stored(*statements: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def test_the_statement_is_the_one_that_prowler_asks_for() -> None:
    assert statement_of(target(), ROLE) == {
        "Sid": "KeyRotationOnlyNamedPrincipals",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "secretsmanager:*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalArn": [DEPLOYER, ROLE, READER]}},
    }


def test_a_secret_without_a_policy_gets_this_statement_alone() -> None:
    plan = plan_restricted(target(), None, ROLE, DEPLOYER)
    assert plan.changes == ("close the secret to everybody: 3 named principals",)
    assert json.loads(plan.policy or "") == json.loads(stored(statement_of(target(), ROLE)))
    assert plan.before is None
    assert plan_restricted(target(), plan.policy, ROLE, DEPLOYER).changes == ()


def test_statements_of_others_stay_and_only_ours_is_replaced() -> None:
    older = statement_of(target(secret_readers=()), ROLE)
    plan = plan_restricted(target(), stored(older, ALLOW, Id="theirs"), ROLE, DEPLOYER)
    assert plan.changes == ("change whom the secret is open to: 3 named principals",)
    assert json.loads(plan.policy or "") == json.loads(stored(ALLOW, statement_of(target(), ROLE), Id="theirs"))
    assert plan.before == json.loads(stored(older, ALLOW, Id="theirs"))


@pytest.mark.parametrize(
    "rewritten",
    [
        {"Principal": {"AWS": "*"}},
        {"Action": ["secretsmanager:*"], "Resource": ["*"]},
        {"Condition": {"StringNotEquals": {"aws:PrincipalArn": [ROLE, READER, DEPLOYER]}}},
    ],
)
def test_another_writing_of_the_same_is_no_difference(rewritten: dict[str, Any]) -> None:
    policy = stored({**statement_of(target(), ROLE), **rewritten})
    assert plan_restricted(target(), policy, ROLE, DEPLOYER).changes == ()


@pytest.mark.parametrize(
    "weaker",
    [
        {"Effect": "Allow"},
        {"Action": "secretsmanager:GetSecretValue"},
        {"Condition": {"StringNotEquals": {"aws:PrincipalArn": [ROLE, READER, DEPLOYER, f"{IAM}role/mallory"]}}},
        {"Condition": {"StringNotLike": {"aws:PrincipalArn": [ROLE, READER, DEPLOYER]}}},
    ],
)
def test_a_statement_that_somebody_weakened_is_written_again(weaker: dict[str, Any]) -> None:
    policy = stored({**statement_of(target(), ROLE), **weaker})
    plan = plan_restricted(target(), policy, ROLE, DEPLOYER)
    assert json.loads(plan.policy or "") == json.loads(stored(statement_of(target(), ROLE)))


def test_one_statement_that_is_no_list_and_two_of_ours_are_understood() -> None:
    single = json.dumps({"Version": "2012-10-17", "Statement": ALLOW})
    assert len(json.loads(plan_restricted(target(), single, ROLE, DEPLOYER).policy or "")["Statement"]) == 2
    twice = stored(statement_of(target(), ROLE), statement_of(target(), ROLE))
    assert len(json.loads(plan_restricted(target(), twice, ROLE, DEPLOYER).policy or "")["Statement"]) == 1


@pytest.mark.parametrize("caller", [f"{IAM}role/team/deployer", f"{IAM}user/deployer", f"{IAM}role/deployer2", "", IAM])
def test_a_caller_that_is_not_named_exactly_is_refused_with_its_arn_and_the_way_out(caller: str) -> None:
    with pytest.raises(StateError) as refused:
        plan_restricted(target(), None, ROLE, caller)
    assert str(refused.value).startswith(f"{caller} runs this")
    assert f"add it to secret_administrators in the group of the account, or run as one of them ({DEPLOYER})" in str(
        refused.value
    )


def test_a_caller_that_is_not_named_is_refused_even_where_nothing_differs() -> None:
    with pytest.raises(StateError, match="lock itself out"):
        plan_restricted(target(), stored(statement_of(target(), ROLE)), ROLE, f"{IAM}user/other")


@pytest.mark.parametrize(
    "arn",
    [
        f"{IAM}role/*",
        f"{IAM}role/read?r",
        f"{IAM}role/${{aws:username}}",
        f"{IAM}root",
        "arn:aws:sts::123456789012:assumed-role/reader/session",
        "arn:aws:iam::12345678901:role/reader",
        "arn:aws:iam::1234567890123:role/reader",
        f"{IAM}group/readers",
        "reader",
        f"{READER}\n",
    ],
)
def test_nothing_but_exact_roles_and_users_is_named(arn: str) -> None:
    for variable in ("secret_readers", "secret_administrators"):
        with pytest.raises(StateError, match="cannot be named for secret /s; list exact ARNs"):
            plan_restricted(target(**{variable: (arn, DEPLOYER)}), None, ROLE, DEPLOYER)
    with pytest.raises(StateError, match="cannot be named"):
        plan_restricted(target(), None, arn, DEPLOYER)


def test_a_policy_is_refused_from_the_first_character_beyond_the_quota() -> None:
    empty = len(plan_restricted(target(), stored({**ALLOW, "Sid": ""}), ROLE, DEPLOYER).policy or "")
    fits = {**ALLOW, "Sid": "x" * (MOST_CHARACTERS - empty)}
    assert len(plan_restricted(target(), stored(fits), ROLE, DEPLOYER).policy or "") == MOST_CHARACTERS == 20_480
    with pytest.raises(StateError, match="would have 20481 characters, Secrets Manager takes 20480; name fewer"):
        plan_restricted(target(), stored({**fits, "Sid": fits["Sid"] + "x"}), ROLE, DEPLOYER)


@pytest.mark.parametrize("policy", ["", "garbage", "[]", '{"Version": "2012-10-17"}', '{"Statement": ["x"]}', "null"])
def test_a_policy_that_cannot_be_read_is_left_alone(policy: str) -> None:
    for plan in (lambda: plan_restricted(target(), policy, ROLE, DEPLOYER), lambda: plan_open(target(), policy)):
        with pytest.raises(StateError, match=r"the resource policy of /s is not one that can be read.*mend it by hand"):
            plan()


def test_opening_takes_only_our_statement_away() -> None:
    ours = statement_of(target(), ROLE)
    assert plan_open(target(), None).changes == ()
    assert plan_open(target(), stored(ALLOW)).changes == ()
    alone, with_others = plan_open(target(), stored(ours)), plan_open(target(), stored(ours, ALLOW))
    assert (bool(alone.changes), alone.policy, alone.after) == (True, None, None)
    assert json.loads(with_others.policy or "") == json.loads(stored(ALLOW))
    assert SID not in str(with_others.after)
