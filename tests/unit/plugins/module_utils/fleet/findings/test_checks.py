# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Each finding: when it is said, when it is not, and which Prowler check it foresees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings import account
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.checks import findings
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import (
    DocumentFacts,
    Key,
    Secret,
    State,
    Target,
    User,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/a-AbCdEf"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
TARGET = Target("h", "/a", "iam_access_key", 90, 24, iam_user="a", rotation_days=85)
TAGS = {"key-rotation:grace-period-hours": "24", "key-rotation:max-key-age-days": "90"}
HALF = {"last_rotated": NOW - 50 * DAY, "next_rotation": NOW + 35 * DAY}
ROTATE, TWO = "iam_rotate_access_key_90_days", "iam_user_two_active_access_key"
PERIODICALLY, UNUSED_SECRET = "secretsmanager_secret_rotated_periodically", "secretsmanager_secret_unused"
DOCS = Path(__file__).resolve().parents[7] / "docs" / "audit.md"


def key(name: str = "AKIANEW", age: timedelta = DAY, used: timedelta | None = None, status: str = "Active") -> Key:
    return Key(name, status, NOW - age, None if used is None else NOW - used)


def state(
    keys: Sequence[Key] = (key(),),
    target: Target = TARGET,
    bound: dict[str, str] | None = None,
    more: dict[str, Any] | None = None,
    **secret: Any,
) -> State:
    """A service account that is as it should be, but for what is given."""
    fields: dict[str, Any] = {
        "tags": TAGS,
        "rotation_enabled": True,
        "function_arn": FUNCTION,
        "rules": {"AutomaticallyAfterDays": 85},
        "labels": {"AWSCURRENT": "v2", "AWSPREVIOUS": "v1"},
        "last_rotated": NOW - DAY,
        "next_rotation": NOW + 84 * DAY,
        "last_accessed": NOW,
        **secret,
    }
    user = User("a", "arn:user/a", {"key-rotation:secret": ARN} if bound is None else bound, tuple(keys))
    facts = DocumentFacts("a", "AKIANEW", None, True)
    made = State(target, NOW, Secret(ARN, "/a", **fields), user, facts, labelled_keys={"AWSPREVIOUS": "AKIAOLD"})
    return replace(made, **(more or {}))


SECRET = state().secret
assert SECRET is not None


def two(used: timedelta | None = None, **more: Any) -> State:
    """The new key beside the previous one, both Active."""
    return state((key("AKIAOLD", 80 * DAY, used), key()), more={"retirement_read": True, **more})


def exempt(until: str) -> State:
    return state(target=replace(TARGET, exempt_until=until, exempt_reason="merger"), rotation_enabled=False)


CASES: list[tuple[str, State, list[tuple[str, str, str | None]]]] = [
    ("all is well", state(), []),
    ("90 days", state([key(age=91 * DAY - SECOND)], last_rotated=NOW - 90 * DAY), [
        ("rotation-too-late", "warning", None)]),
    ("91 days", state([key(age=91 * DAY)]), [("key-too-old", "warning", ROTATE)]),
    ("old and Inactive", state([key("AKIAOLD", 200 * DAY, status="Inactive"), key()]), [
        ("key-inactive", "info", None)]),
    ("a promise of 30 days", state([key(age=31 * DAY)], replace(TARGET, max_key_age_days=30, rotation_days=25),
        tags={**TAGS, "key-rotation:max-key-age-days": "30"}, rules={"AutomaticallyAfterDays": 25}), [
        ("key-too-old", "warning", None)]),
    ("a promise of 200 days", state([key(age=100 * DAY)], replace(TARGET, max_key_age_days=200, rotation_days=90),
        tags={**TAGS, "key-rotation:max-key-age-days": "200"}, rules={"AutomaticallyAfterDays": 90}), [
        ("key-too-old", "warning", ROTATE)]),
    ("about to break the promise", state([key(age=80 * DAY)], last_rotated=NOW - 80 * DAY,
        next_rotation=NOW + 30 * DAY), [("rotation-too-late", "warning", None)]),
    ("in grace", two(retirement_start=NOW + HOUR), [("two-active-keys", "info", TWO)]),
    ("in grace, and older than the promise", replace(two(retirement_start=NOW + HOUR), user=User("a", "arn", {
        "key-rotation:secret": ARN}, (key("AKIAOLD", 100 * DAY), key()))), [
        ("key-too-old", "info", ROTATE), ("two-active-keys", "info", TWO)]),
    ("the firing is on its way", two(retirement_start=NOW - HOUR), [("two-active-keys", "info", TWO)]),
    ("postponed", two(2 * HOUR, retirement_start=NOW - 8 * HOUR), [
        ("two-active-keys", "warning", TWO), ("retirement-postponed", "warning", None)]),
    ("overdue", two(20 * HOUR, retirement_start=NOW - 8 * HOUR), [
        ("two-active-keys", "warning", TWO), ("retirement-overdue", "warning", None)]),
    ("used within an account's own quiet hours", two(20 * HOUR, retirement_start=NOW - 8 * HOUR, quiet_hours=48), [
        ("two-active-keys", "warning", TWO), ("retirement-postponed", "warning", None)]),
    ("no retirement", two(), [("two-active-keys", "warning", TWO), ("retirement-missing", "warning", None)]),
    ("its retirement may not be read", two(retirement_read=False), [("two-active-keys", "info", TWO)]),
    ("nor is it, and the grace period is over", replace(two(retirement_read=False),
        target=replace(TARGET, grace_period_hours=16), secret=replace(SECRET, tags=TAGS | {
        "key-rotation:grace-period-hours": "16"})), [("two-active-keys", "warning", TWO)]),
    ("in grace, seen without depth", two(labelled_keys=None, retirement_read=False), [
        ("two-active-keys", "info", TWO)]),
    ("an orphan", state([key(), key("AKIAODD")]), [
        ("two-active-keys", "warning", TWO), ("key-unknown", "warning", None)]),
    ("an orphan, labels unread", state([key(), key("AKIAODD")], more={"labelled_keys": None}), [
        ("two-active-keys", "warning", TWO)]),
    ("used 45 days ago", state([key(age=50 * DAY, used=46 * DAY - SECOND)], **HALF), []),
    ("used 46 days ago", state([key(age=50 * DAY, used=46 * DAY)], **HALF), [
        ("key-unused", "warning", "iam_user_accesskey_unused")]),
    ("never used", state([key(age=50 * DAY)], **HALF), []),
    ("AWSCURRENT's key is Inactive", state([key(status="Inactive")]), [("key-not-active", "warning", None)]),
    ("AWSCURRENT's key is gone", state([]), [("key-not-active", "warning", None)]),
    ("rotation off", state(rotation_enabled=False), [
        ("rotation-off", "warning", "secretsmanager_automatic_rotation_enabled")]),
    ("never rotated", state(last_rotated=None), [("never-rotated", "warning", PERIODICALLY)]),
    ("rotated 90 days ago", state(last_rotated=NOW - 91 * DAY + SECOND), []),
    ("rotated 91 days ago", state(last_rotated=NOW - 91 * DAY), [("rotated-long-ago", "warning", PERIODICALLY)]),
    ("overdue rotation", state(next_rotation=NOW - HOUR), [("rotation-overdue", "warning", None)]),
    ("dangling", state(labels={"AWSCURRENT": "v2", "AWSPENDING": "v3"}), [("pending", "warning", None)]),
    ("running", state(labels={"AWSCURRENT": "v2", "AWSPENDING": "v3"},
        more={"pending_created": NOW - 60 * SECOND}), [("pending", "info", None)]),
    ("never read", state(last_accessed=None), [("secret-unused", "warning", UNUSED_SECRET)]),
    ("read 90 days ago", state(last_accessed=NOW - 90 * DAY), []),
    ("read a little longer ago", state(last_accessed=NOW - 90 * DAY - SECOND), [
        ("secret-unused", "warning", UNUSED_SECRET)]),
    ("another grace period", state(tags={**TAGS, "key-rotation:grace-period-hours": "48"}), [
        ("tags-differ", "warning", None)]),
    ("a tag too much", state(tags={**TAGS, "key-rotation:notify-email": "h@x.com"}), [
        ("tags-differ", "warning", None)]),
    ("a nonsensical tag", state(tags={**TAGS, "key-rotation:hold-until": "soon"}), [("tag-ignored", "warning", None)]),
    ("tags before enrolment", state(tags={}, bound={}, rotation_enabled=False), [
        ("rotation-off", "warning", "secretsmanager_automatic_rotation_enabled")]),
    ("another schedule", state(rules={"AutomaticallyAfterDays": 30}), [("schedule-differs", "warning", None)]),
    ("another function", state(more={"function_arn": FUNCTION + "2"}), [("foreign-function", "warning", None)]),
    ("no binding", state(bound={}), [("binding-missing", "warning", None)]),
    ("another binding", state(bound={"key-rotation:secret": "other"}), [("foreign-binding", "error", None)]),
    ("no user", state(more={"user": None}), [("user-missing", "error", None)]),
    ("no secret", state(more={"secret": None}), [("secret-missing", "error", None)]),
    ("no secret, and an old key", state([key(age=91 * DAY)], more={"secret": None, "document": None}), [
        ("secret-missing", "error", None), ("key-too-old", "warning", ROTATE)]),
    ("something unread", state(more={"unread": ("the value of /a: AccessDenied",)}), [("unread", "warning", None)]),
    ("exempt", exempt("2026-03-01"), [
        ("rotation-off", "info", "secretsmanager_automatic_rotation_enabled"), ("exempt", "info", None)]),
    ("no longer exempt", exempt("2026-02-28"), [
        ("rotation-off", "warning", "secretsmanager_automatic_rotation_enabled"), ("exemption-over", "info", None)]),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_finding(given: State, expected: list[tuple[str, str, str | None]]) -> None:
    found = findings(given)
    assert [(item.id, item.severity, item.check) for item in found] == expected
    assert all(item.text and item.mend for item in found)


REPORT = """user,arn,access_key_1_active,access_key_1_last_rotated,access_key_2_active,access_key_2_last_rotated
<root_account>,arn,true,2020-01-01T00:00:00+00:00,false,N/A
ours,arn,true,2020-01-01T00:00:00+00:00,false,N/A
person,arn,true,2026-02-01T00:00:00+00:00,false,N/A
robot,arn,true,2026-02-01T00:00:00Z,true,2025-11-30T12:00:00+00:00
gone,arn,false,2020-01-01T00:00:00+00:00,false,N/A
"""


def test_users_that_no_host_covers() -> None:
    found = account.users(account.read_report(REPORT), ["Ours"], NOW)
    assert [(item.id, item.severity, item.check) for item in found] == [
        ("root-access-key", "warning", "iam_no_root_access_key"),
        ("user-uncovered", "info", None),
        ("user-uncovered", "warning", ROTATE),
    ]
    assert "robot has 2 Active access keys, the oldest of 91 days" in found[2].text


def test_secrets_of_our_functions_that_no_host_names() -> None:
    rows = (
        ("/a", FUNCTION, True),
        ("/b", FUNCTION, True),
        ("/c", "x", True),
        ("/d", None, False),
        ("/e", FUNCTION, False),
    )
    listed = [Secret(name, name, {}, rotates, function) for name, function, rotates in rows]
    (found,) = account.secrets(listed, [FUNCTION], ["/a"])
    assert (found.id, found.text.split()[0]) == ("secret-uncovered", "/b")


@pytest.mark.parametrize("stored", ["garbage", '{"Statement": ["x"]}'])
def test_a_resource_policy_that_cannot_be_read_is_said(stored: str) -> None:
    asked = replace(TARGET, restrict_secret_access=True)
    role = "arn:aws:iam::123456789012:role/f"
    found = replace(state(target=asked), resource_policy_read=True, resource_policy=stored, execution_role=role)
    (finding,) = findings(found)
    assert (finding.id, finding.severity, finding.check) == ("access-differs", "warning", None)
    assert "is not one that can be read" in finding.text
    assert "mend it by hand" in finding.mend
