# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Plans: only what differs is written, other people's tags stay, and what is due is due."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet import planning
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.errors import StateError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.checks import findings
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.reading import describe
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.planning import plan_absent, plan_present
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
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/a-AbCdEf"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:key-rotation-iam-access-key"
TARGET = Target("h", "/a", "iam_access_key", 90, 24, iam_user="a", rotation_days=85, notify_email="h@x.com")
TAGS = {
    "key-rotation:grace-period-hours": "24",
    "key-rotation:max-key-age-days": "90",
    "key-rotation:notify-email": "h@x.com",
}
BOUND = {
    "key-rotation:secret": ARN,
    "key-rotation:since": "2026-01-01T00:00:00+00:00",
    "key-rotation:function": "key-rotation-iam-access-key",
}
RULES = {"AutomaticallyAfterDays": 85}


def state(target: Target = TARGET, age: float = 1.0, **secret: Any) -> State:
    """A service account that is as it should be, but for what is given."""
    fields: dict[str, Any] = {
        "tags": {**TAGS, "team": "platform"},
        "rotation_enabled": True,
        "function_arn": FUNCTION,
        "rules": RULES,
        "labels": {"AWSCURRENT": "v1"},
        "last_rotated": NOW - age * DAY,
        "next_rotation": NOW + (85 - age) * DAY,
        "last_accessed": NOW,
        **secret,
    }
    key = Key("AKIA1", "Active", NOW - age * DAY)
    user = User("a", "arn:aws:iam::123456789012:user/a", {**BOUND, "cost": "7"}, (key,))
    return State(target, NOW, Secret(ARN, "/a", **fields), user, DocumentFacts("a", "AKIA1", None, True))


def with_user(given: State, tags: dict[str, str]) -> State:
    assert given.user is not None
    return replace(given, user=replace(given.user, tags=tags))


def test_nothing_differs_nothing_is_planned() -> None:
    plan = plan_present(state(), FUNCTION)
    assert (plan.changes, plan.before, plan.after, plan.rotate, plan.enrols) == ((), {}, {}, None, False)


def test_enrolment_writes_all_of_it() -> None:
    fresh = with_user(state(tags={"team": "x"}, rotation_enabled=False, function_arn=None, rules={}), {"cost": "7"})
    plan = plan_present(fresh, FUNCTION)
    assert plan.enrols
    assert plan.rotate == RULES
    assert plan.tag_secret == TAGS
    assert plan.tag_user == {**BOUND, "key-rotation:since": "2026-03-01T12:00:00+00:00"}
    assert plan.before == {"user_tags": {}, "secret_tags": {}, "function": None, "rotation_rules": None}


@pytest.mark.parametrize(
    ("target", "after", "changes"),
    [
        (
            replace(TARGET, grace_period_hours=48),
            {"secret_tags": {"key-rotation:grace-period-hours": "48"}},
            ("set key-rotation:grace-period-hours to 48",),
        ),
        (
            replace(TARGET, rotation_days=30),
            {"rotation_rules": {"AutomaticallyAfterDays": 30}},
            ("change the schedule: every 30 days",),
        ),
        (
            replace(TARGET, rotation_days=None, schedule_expression="rate(30 days)", rotation_window="3h"),
            {"rotation_rules": {"ScheduleExpression": "rate(30 days)", "Duration": "3h"}},
            ("change the schedule: rate(30 days), window 3h",),
        ),
        (replace(TARGET, notify_email=None), {"secret_tags": {}}, ("take key-rotation:notify-email off",)),
        (
            replace(TARGET, disposable_keys=("AKIAB", "AKIAA")),
            {"secret_tags": {"key-rotation:disposable-keys": "AKIAA AKIAB"}},
            ("set key-rotation:disposable-keys to AKIAA AKIAB",),
        ),
    ],
)
def test_exactly_what_the_inventory_changed(target: Target, after: dict[str, object], changes: tuple[str]) -> None:
    plan = plan_present(state(target), FUNCTION)
    assert plan.after == after
    assert plan.changes == changes
    assert (plan.tag_user, plan.enrols) == ({}, False)


def test_days_computed_from_an_expression_are_no_drift() -> None:
    target = replace(TARGET, rotation_days=None, schedule_expression="rate(30 days)")
    rules = {"ScheduleExpression": "rate(30 days)", "AutomaticallyAfterDays": 30}
    assert plan_present(state(target, rules=rules), FUNCTION).rotate is None


def test_a_window_that_the_inventory_does_not_mention_stays() -> None:
    assert plan_present(state(rules={**RULES, "Duration": "2h"}), FUNCTION).rotate is None
    changed = plan_present(state(replace(TARGET, rotation_window="3h"), rules={**RULES, "Duration": "2h"}), FUNCTION)
    assert changed.rotate == {**RULES, "Duration": "3h"}


def test_since_stays_with_the_secret_and_starts_again_with_another() -> None:
    renamed = plan_present(state(), FUNCTION.replace("key-rotation-iam", "keys"))
    assert renamed.tag_user == {"key-rotation:function": "keys-access-key"}
    foreign = with_user(state(), {**BOUND, "key-rotation:secret": ARN.replace("/a-", "/b-")})
    with pytest.raises(StateError, match="bound to another secret"):
        plan_present(foreign, FUNCTION)
    taken = plan_present(with_user(state(), {"key-rotation:function": BOUND["key-rotation:function"]}), FUNCTION)
    assert taken.tag_user == {"key-rotation:secret": ARN, "key-rotation:since": "2026-03-01T12:00:00+00:00"}


def test_a_noop_secret_gets_a_schedule_and_nothing_else() -> None:
    target = Target("db", "/db", "noop", 90, 24, rotation_days=85)
    plan = plan_present(state(target, tags={}, rotation_enabled=False), FUNCTION)
    assert (plan.tag_user, plan.tag_secret, plan.rotate) == ({}, {}, RULES)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"deleted": NOW}, "awaits deletion .DeletedDate 2026-03-01."),
        ({"is_replica": True, "primary_region": "eu-west-1"}, "is a replica here"),
        ({"owned_by": "rds"}, "managed by rds"),
    ],
)
def test_secrets_that_cannot_be_worked_on(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(StateError, match=said):
        plan_present(state(**fields), FUNCTION)
    assert [finding.severity for finding in findings(state(**fields))] == ["error"]


def test_absent_takes_ours_and_leaves_theirs() -> None:
    plan = plan_absent(state(), FUNCTION)
    assert plan.cancel
    assert set(plan.untag_user) == set(BOUND)
    assert set(plan.untag_secret) == set(TAGS)
    theirs = with_user(state(function_arn="arn:other"), {**BOUND, "key-rotation:secret": "another"})
    other = plan_absent(theirs, FUNCTION)
    assert (other.cancel, other.untag_user) == (False, ())
    assert plan_absent(replace(state(), secret=None), FUNCTION).changes == ()


@pytest.mark.parametrize(
    ("age", "attached", "due"), [(0, False, False), (3, False, False), (3.1, False, True), (100, False, True)]
)
def test_what_is_due_at_enrolment(age: float, attached: bool, due: bool) -> None:
    found = planning.due_reason(state(age=age, rotation_enabled=attached, next_rotation=None))
    assert (found is not None) == due


@pytest.mark.parametrize(
    ("age", "days_left", "days", "due"),
    [
        (0, 85.9, 85, False),
        (80, 5, 85, False),
        (80, 8, 85, False),  # a date that was put off still leaves a day for a retry
        (80, 8.5, 85, True),
        (1, 86, 85, False),  # as scheduled, though the key was made a day before the rotation ended
        (0, 90.9, 90, False),
        (1, 90, 90, False),
        (2, 90, 90, True),
        (95, -3, 85, True),
    ],
)
def test_what_is_due_later(age: float, days_left: float, days: int, due: bool) -> None:
    given = state(replace(TARGET, rotation_days=days), age=age, next_rotation=NOW + days_left * DAY)
    assert (planning.due_reason(given) is not None) == due


def test_never_rotated_is_due() -> None:
    assert planning.due_reason(state(last_rotated=None)) == "it has never rotated"


def test_a_current_key_that_is_not_listed_makes_nothing_due() -> None:
    given = state()
    assert given.user is not None
    assert planning.due_reason(replace(given, user=replace(given.user, keys=()))) is None


def test_no_key_is_guessed_where_the_value_may_not_be_read() -> None:
    old = Key("AKIA0", "Active", NOW - 100 * DAY)
    given = replace(state(), document=None)
    assert given.user is not None
    both = replace(given, user=replace(given.user, keys=(*given.user.keys, old)))
    assert both.current_key is None
    assert planning.due_reason(both) is None


@pytest.mark.parametrize(
    ("target", "facts", "identity"),
    [
        (TARGET, DocumentFacts(problem="the secret's value is no JSON object; store one"), "document"),
        (TARGET, DocumentFacts("b", "AKIA1", None, True), "user-differs"),
        (TARGET, DocumentFacts("A", "AKIA1", None, True), "user-differs"),
        (TARGET, DocumentFacts("a", "AKIA9", None, True), "key-not-active"),
        (TARGET, DocumentFacts("a", None, None, False), "no-key"),
        (
            Target("db", "/db", "noop", 90, 24, rotation_days=85),
            DocumentFacts("a", "AKIA1", None, True),
            "noop-with-access-key",
        ),
    ],
)
def test_findings_about_the_document(target: Target, facts: DocumentFacts, identity: str) -> None:
    given = state(target, tags=planning.settings_tags(target))
    assert [finding.id for finding in findings(replace(given, document=facts))] == [identity]


def test_all_is_well_finds_nothing() -> None:
    assert findings(state()) == []
    assert describe(state())["current_key"] == {
        "access_key_id": "AKIA1",
        "status": "Active",
        "created": "2026-02-28T12:00:00+00:00",
        "age_days": 1,
        "last_used": None,
    }


def test_a_missing_user_and_a_foreign_binding_are_errors() -> None:
    assert [finding.id for finding in findings(replace(state(), user=None))] == ["user-missing"]
    foreign = with_user(state(), {"key-rotation:secret": "another"})
    assert [finding.id for finding in findings(foreign)] == ["foreign-binding"]


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        ({"AWSCURRENT": "v1", "AWSPENDING": "v2"}, ["pending"]),
        ({"AWSCURRENT": "v2", "AWSPENDING": "v2", "AWSPREVIOUS": "v1"}, []),
        ({"AWSCURRENT": "v2", "AWSPREVIOUS": "v1"}, []),
    ],
)
def test_a_label_that_a_failed_rotation_left_is_said_with_the_way_out(labels: dict[str, str], found: list[str]) -> None:
    said = findings(state(labels=labels))
    assert [finding.id for finding in said] == found
    assert all("AWSPENDING of /a is on v2" in finding.text and "rotate again" in finding.mend for finding in said)
