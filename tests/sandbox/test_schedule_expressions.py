# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Windows and cron fields against dates worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from sandbox.schedule_expressions import (
    ExpressionError,
    check_rules,
    equivalent_days,
    next_window,
    parse_cron,
    retry_window,
)


def moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def shown(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("expression", "first", "second"),
    [
        ("cron(0 8 1 * ? *)", "2026-02-01T08:00:00", "2026-03-01T08:00:00"),
        ("cron(0 16 1,15 * ? *)", "2026-01-15T16:00:00", "2026-02-01T16:00:00"),
        ("cron(0 2 L * ? *)", "2026-01-31T02:00:00", "2026-02-28T02:00:00"),
        ("cron(0 2 ? * SUN#1 *)", "2026-02-01T02:00:00", "2026-03-01T02:00:00"),
        ("cron(0 2 ? * 6L *)", "2026-01-30T02:00:00", "2026-02-27T02:00:00"),
        ("cron(0 10 ? * MON-FRI *)", "2026-01-12T10:00:00", "2026-01-13T10:00:00"),
        ("cron(0 0/8 * * ? *)", "2026-01-10T16:00:00", "2026-01-11T00:00:00"),
        ("cron(0 3 29 2 ? *)", "2028-02-29T03:00:00", "2032-02-29T03:00:00"),
        ("cron(0 3 31 JAN-MAR ? *)", "2026-01-31T03:00:00", "2026-03-31T03:00:00"),
        ("cron(0 3 15W * ? *)", "2026-01-15T03:00:00", "2026-02-16T03:00:00"),
        ("cron(0 3 LW * ? *)", "2026-01-30T03:00:00", "2026-02-27T03:00:00"),
    ],
)
def test_cron_moments(expression: str, first: str, second: str) -> None:
    found = islice(parse_cron(expression).moments(moment("2026-01-10T12:00:00")), 2)
    assert [shown(one) for one in found] == [first, second]


@pytest.mark.parametrize(
    ("rules", "start", "end"),
    [
        ({"AutomaticallyAfterDays": 30}, "2026-02-09T00:00:00", "2026-02-10T00:00:00"),
        ({"AutomaticallyAfterDays": 1, "Duration": "3h"}, "2026-01-11T00:00:00", "2026-01-11T03:00:00"),
        ({"ScheduleExpression": "rate(10 days)"}, "2026-01-20T00:00:00", "2026-01-21T00:00:00"),
        ({"ScheduleExpression": "rate(6 hours)"}, "2026-01-10T18:00:00", "2026-01-10T19:00:00"),
        ({"ScheduleExpression": "rate(6 hours)", "Duration": "2h"}, "2026-01-10T18:00:00", "2026-01-10T20:00:00"),
        ({"ScheduleExpression": "cron(0 16 15 * ? *)"}, "2026-01-15T16:00:00", "2026-01-16T00:00:00"),
        ({"ScheduleExpression": "cron(0 16 15 * ? *)", "Duration": "2h"}, "2026-01-15T16:00:00", "2026-01-15T18:00:00"),
        ({"ScheduleExpression": "cron(0 0/8 * * ? *)"}, "2026-01-10T16:00:00", "2026-01-10T17:00:00"),
    ],
)
def test_windows(rules: dict[str, object], start: str, end: str) -> None:
    check_rules(rules)
    basis = moment("2026-01-10T12:34:56")
    window = next_window(rules, basis, basis)
    assert (shown(window.start), shown(window.end)) == (start, end)


def test_a_missed_window_gives_the_next_open_one() -> None:
    basis, now = moment("2026-01-01T12:00:00"), moment("2026-03-01T12:00:00")
    assert shown(next_window({"AutomaticallyAfterDays": 30}, basis, now).start) == "2026-03-01T00:00:00"
    assert shown(next_window({"ScheduleExpression": "cron(0 8 1 * ? *)"}, basis, now).start) == "2026-03-01T08:00:00"


@pytest.mark.parametrize(
    ("rules", "start"),
    [
        ({"AutomaticallyAfterDays": 30}, "2026-01-11T00:00:00"),
        ({"ScheduleExpression": "rate(4 hours)"}, "2026-01-10T13:00:00"),
        ({"ScheduleExpression": "cron(0 8 1 * ? *)"}, "2026-02-01T08:00:00"),
    ],
)
def test_after_giving_up_the_next_window_is(rules: dict[str, object], start: str) -> None:
    assert shown(retry_window(rules, moment("2026-01-10T12:34:56")).start) == start


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ({"AutomaticallyAfterDays": 30}, 30),
        ({"ScheduleExpression": "rate(10 days)"}, 10),
        ({"ScheduleExpression": "rate(6 hours)"}, 1),
        ({"ScheduleExpression": "cron(0 8 1 * ? *)"}, 28),
    ],
)
def test_the_days_that_describe_shows(rules: dict[str, object], days: int) -> None:
    assert equivalent_days(rules, moment("2026-01-10T12:00:00")) == days


@pytest.mark.parametrize(
    "expression",
    [
        "rate(3 hours)",
        "rate(4 hour)",
        "rate(1000 days)",
        "rate(240 minutes)",
        "cron(0 8 1 * ? 2027)",
        "cron(30 8 1 * ? *)",
        "cron(0 24 1 * ? *)",
        "cron(0 8 32 * ? *)",
        "cron(0 8 1 13 ? *)",
        "cron(0 8 1 * MON *)",
        "cron(0 8 ? * ? *)",
        "cron(0 8 ? * MON#6 *)",
        "cron(0 8 1 *  ? *)",
        "cron(0 8 5-1 * ? *)",
        "cron(0 0/2 * * ? *)",
        "cron(0 8 31 2 ? *)",
        "cron(0 8 1/0 * ? *)",
        "cron(0 8 1 * ? * *)",
        "at(2026-01-01T00:00:00)",
        "",
        "cron(0 8 " + ",".join(["1"] * 130) + " * ? *)",
    ],
)
def test_bad_expressions(expression: str) -> None:
    with pytest.raises(ExpressionError):
        check_rules({"ScheduleExpression": expression})


@pytest.mark.parametrize(
    ("rules", "good"),
    [
        ({"ScheduleExpression": "cron(0 22 * * ? *)", "Duration": "2h"}, True),
        ({"ScheduleExpression": "cron(0 22 * * ? *)", "Duration": "3h"}, False),
        ({"ScheduleExpression": "cron(0 0/8 * * ? *)", "Duration": "8h"}, True),
        ({"ScheduleExpression": "cron(0 0/8 * * ? *)", "Duration": "9h"}, False),
        ({"AutomaticallyAfterDays": 5, "Duration": "24h"}, True),
        ({"AutomaticallyAfterDays": 5, "Duration": "0h"}, False),
        ({"AutomaticallyAfterDays": 5, "Duration": "3 h"}, False),
    ],
)
def test_durations(rules: dict[str, object], good: bool) -> None:
    if good:
        check_rules(rules)
    else:
        with pytest.raises(ExpressionError, match="Duration"):
            check_rules(rules)
