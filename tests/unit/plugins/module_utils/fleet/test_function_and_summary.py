# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The function's plan and the summary: nothing too much, nothing forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.function import (
    Found,
    Wanted,
    plan,
    statement_fits,
)
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.summary import outcome, table

ACCOUNT = "123456789012"
CONFIGURATION = {"Role": "arn:role", "Timeout": 60, "Environment": {"Variables": {"QUIET_HOURS": "12"}}}
STATEMENT = {
    "Sid": "key-rotation-secretsmanager",
    "Effect": "Allow",
    "Principal": {"Service": "secretsmanager.amazonaws.com"},
    "Action": "lambda:InvokeFunction",
    "Resource": "arn:f",
    "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
}
WANTED = Wanted("f", CONFIGURATION, "arm64", "sha", ACCOUNT)
FOUND = Found("arn:f", CONFIGURATION, "arm64", "sha", None, STATEMENT)


def test_nothing_differs() -> None:
    assert not plan(FOUND, WANTED).changed
    assert not plan(None, None).changed


def test_made_and_deleted() -> None:
    made = plan(None, WANTED)
    assert (made.create, made.code, made.permission, made.concurrency) == (True, True, True, False)
    assert plan(FOUND, None).delete


@pytest.mark.parametrize(
    ("found", "differing"),
    [
        (replace(FOUND, code_sha256="old"), {"CodeSha256"}),
        (replace(FOUND, architecture="x86_64"), {"Architecture"}),
        (replace(FOUND, configuration={**CONFIGURATION, "Timeout": 3}), {"Timeout"}),
        (replace(FOUND, reserved_concurrency=1), {"reserved_concurrency"}),
        (replace(FOUND, statement=None), {"permission"}),
    ],
)
def test_exactly_what_differs(found: Found, differing: set[str]) -> None:
    planned = plan(found, WANTED)
    assert planned.changed
    assert set(planned.before) == set(planned.after) == differing
    assert set(planned.configuration) == differing & set(CONFIGURATION)
    assert planned.code == bool(differing & {"CodeSha256", "Architecture"})


@pytest.mark.parametrize(
    "drift",
    [
        {"Effect": "Deny"},
        {"Principal": {"Service": "lambda.amazonaws.com"}},
        {"Principal": "*"},
        {"Action": "lambda:*"},
        {"Condition": {}},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "210987654321"}}},
        {"Condition": {"StringLike": {"AWS:SourceAccount": "*"}}},
    ],
)
def test_a_permission_that_drifted_is_replaced(drift: dict[str, Any]) -> None:
    assert statement_fits(STATEMENT, ACCOUNT)
    planned = plan(replace(FOUND, statement={**STATEMENT, **drift}), WANTED)
    assert (planned.permission, planned.replaces_permission) == (True, True)


ITEM = {"name": "h", "rotation_strategy": "noop"}
PLACE = {"aws_account": "prod", "aws_region": "us-east-1", "service_accounts": [ITEM]}
ERROR = {"id": "x", "severity": "error", "text": "secret /a does not exist", "mend": "store it"}


@pytest.mark.parametrize(
    ("facts", "status", "note"),
    [
        ({"info": [{"findings": [ERROR]}]}, "FAILED", "secret /a does not exist: store it"),
        ({"schedule": [{"failed": True, "msg": "denied"}]}, "FAILED", "denied"),
        ({"run": [{"failed": True, "msg": "no"}], "schedule": [{"changed": True}]}, "FAILED", "no"),
        ({"reason": "no credentials"}, "not reached", ""),
        ({"run": [{"changed": True, "msg": "rotated"}]}, "rotated", ""),
        (
            {"run": [{"changed": True, "msg": "would rotate now: it is old"}], "check_mode": True},
            "would rotate now",
            "it is old",
        ),
        ({"run": [{"held_back": True, "msg": "due, not rotated: old; set x"}]}, "due, not rotated", "old; set x"),
        ({"schedule": [{"changed": True, "changes": ["a", "b"]}]}, "scheduled", "a; b"),
        ({"schedule": [{"changed": True, "changes": ["a"]}], "check_mode": True}, "would be scheduled", "a"),
        ({}, "unchanged", ""),
    ],
)
def test_what_counts_for_a_person(facts: dict[str, Any], status: str, note: str) -> None:
    named = {
        key: [{"name": "h", **item} for item in value] if isinstance(value, list) else value
        for key, value in facts.items()
    }
    found = outcome(PLACE, named)
    assert (found["rows"][0]["status"], found["rows"][0]["note"]) == (status, note)
    assert found["failed"] == (["h"] if status == "FAILED" else [])


def test_the_table_names_every_account_and_reason() -> None:
    lines = table([outcome(PLACE, {}), outcome({**PLACE, "aws_account": "dev"}, {"reason": "no credentials"})])
    assert lines[0] == "Account prod (us-east-1)"
    assert lines[3].split() == ["h", "noop", "unchanged"]
    assert "  FAILED: no credentials" in lines


def test_exemptions_are_listed() -> None:
    exempt = {**PLACE, "service_accounts": [], "exempt": [{"name": "e", "until": "2026-05-01", "reason": "merger"}]}
    assert outcome(exempt, {})["rows"][0]["note"] == "until 2026-05-01: merger"
