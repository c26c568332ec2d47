# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A function's plan: nothing too much, nothing forgotten."""

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
