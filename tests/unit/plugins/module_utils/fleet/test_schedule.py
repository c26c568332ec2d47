# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Rotation rules: what Secrets Manager accepts, the gaps, and the age rule at its boundaries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet import schedule
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.errors import ScheduleError

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("days", "expression", "window", "shortest", "longest"),
    [
        (85, None, None, 85 * DAY, 85 * DAY),
        (1000, None, "24h", 1000 * DAY, 1000 * DAY),
        (None, "rate(4 hours)", "4h", 4 * HOUR, 4 * HOUR),
        (None, "rate(1 day)", None, DAY, DAY),
        (None, "rate(999 days)", None, 999 * DAY, 999 * DAY),
        (None, "cron(0 8 1 * ? *)", "16h", 28 * DAY, 31 * DAY),
        (None, "cron(0 8 L * ? *)", None, 28 * DAY, 31 * DAY),
        (None, "cron(0 /8 * * ? *)", "8h", 8 * HOUR, 8 * HOUR),
        (None, "cron(0 1/8 ? * * *)", None, 8 * HOUR, 8 * HOUR),
        (None, "cron(0 0,12 ? * MON-FRI *)", None, 12 * HOUR, 60 * HOUR),
        (None, "cron(0 5 ? * SUN#1 *)", None, 28 * DAY, 35 * DAY),
        (None, "cron(0 5 ? * 5L *)", None, 28 * DAY, 35 * DAY),
        (None, "cron(0 5 ? * L *)", None, 7 * DAY, 7 * DAY),
        (None, "cron(0 5 1,15 JAN-DEC/3 ? *)", None, 14 * DAY, 78 * DAY),
    ],
)
def test_gaps(
    days: int | None, expression: str | None, window: str | None, shortest: timedelta, longest: timedelta
) -> None:
    assert schedule.gaps(schedule.parse_rules(days, expression, window)) == (shortest, longest)


@pytest.mark.parametrize(
    ("days", "expression", "window", "said"),
    [
        (None, None, None, "exactly one"),
        (30, "rate(30 days)", None, "exactly one"),
        (0, None, None, "1 to 1000"),
        (1001, None, None, "1 to 1000"),
        (None, "rate(3 hours)", None, "4 hours to 999 days"),
        (None, "rate(1000 days)", None, "4 hours to 999 days"),
        (None, "rate(30 minutes)", None, "not rate(N days)"),
        (None, "every month", None, "not cron("),
        (None, "cron(0 8 1 * ?)", None, "not cron("),
        (None, "cron(30 8 1 * ? *)", None, "the minute"),
        (None, "cron(0 8 1 * ? 2027)", None, "the year"),
        (None, "cron(0 8 * * * *)", None, "exactly one of day-of-month"),
        (None, "cron(0 8 ? * ? *)", None, "exactly one of day-of-month"),
        (None, "cron(0 24 1 * ? *)", None, "24 is not from 0 to 23"),
        (None, "cron(0 8 32 * ? *)", None, "32 is not from 1 to 31"),
        (None, "cron(0 8 9-2 * ? *)", None, "9-2 is no range"),
        (None, "cron(0 8 1,,2 * ? *)", None, "an empty item"),
        (None, "cron(0 8 ? * MUN *)", None, "MUN is not"),
        (None, "cron(0 */2 ? * * *)", None, "more often than every 4 hours"),
        (None, "cron(0 8 30 2 ? *)", None, "does not fire twice"),
        (None, "cron(0 8 1 * ? *)" + " " * 250, None, "at most 256"),
        (30, None, "3", "not 1h to 24h"),
        (30, None, "25h", "not 1h to 24h"),
        (None, "rate(4 hours)", "5h", "into the next window"),
        (None, "cron(0 22 1 * ? *)", "3h", "past midnight UTC; make it at most 2h"),
    ],
)
def test_refused(days: int | None, expression: str | None, window: str | None, said: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        schedule.parse_rules(days, expression, window)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("max_age", "grace", "days"),
    [(90, 24, 85), (90, 0, 86), (90, 25, 84), (90, 168, 79), (30, 12, 25), (8, 24, 3)],
)
def test_standard_days(max_age: int, grace: int, days: int) -> None:
    assert schedule.standard_days(max_age, grace) == days
    rules = schedule.parse_rules(days, None, None)
    assert schedule.check_promise(rules, max_age, grace) is None


@pytest.mark.parametrize("grace", [0, 12, 24, 25, 48, 168])
def test_the_least_age_is_the_least(grace: int) -> None:
    least = schedule.least_key_age_days(grace)
    rules = schedule.parse_rules(schedule.standard_days(least, grace), None, None)
    assert schedule.check_promise(rules, least, grace) is None
    with pytest.raises(ScheduleError):
        schedule.check_promise(
            schedule.parse_rules(max(1, schedule.standard_days(least - 1, grace)), None, None), least - 1, grace
        )


@pytest.mark.parametrize(
    ("days", "grace", "said"),
    [
        (85, 24, None),
        (86, 24, "4 days of slack"),
        (89, 24, "1 day of slack"),
        (90, 24, "0 days of slack"),
        (90, 0, "1 day of slack"),
        (86, 0, None),
    ],
)
def test_overrides_that_use_up_the_slack_are_warned_of(days: int, grace: int, said: str | None) -> None:
    warning = schedule.check_promise(schedule.parse_rules(days, None, None), 90, grace)
    assert (warning is None) == (said is None)
    assert said is None or said in str(warning)


@pytest.mark.parametrize(
    ("days", "expression", "grace", "said"),
    [
        (91, None, 24, "reach 92 days"),
        (91, None, 0, None),
        (92, None, 0, "reach 92 days"),
        (89, None, 168, "reach 96 days"),
        (None, "cron(0 8 1 1,7 ? *)", 24, "reach 185 days"),
        (2, None, 24, "not longer than the grace period of 24 h"),
        (3, None, 24, None),
        (None, "rate(48 hours)", 23, None),
        (None, "cron(0 8 1,2 * ? *)", 0, "not longer than the grace period of 0 h"),
    ],
)
def test_the_promise(days: int | None, expression: str | None, grace: int, said: str | None) -> None:
    rules = schedule.parse_rules(days, expression, None)
    if said is None:
        schedule.check_promise(rules, 90, grace)
        return
    with pytest.raises(ScheduleError) as caught:
        schedule.check_promise(rules, 90, grace)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cron(0 8 1 * ? *)", datetime(2027, 2, 1, 8, tzinfo=UTC)),
        ("cron(0 8 29 2 ? *)", datetime(2028, 2, 29, 8, tzinfo=UTC)),
        ("rate(10 days)", datetime(2027, 1, 11, 8, tzinfo=UTC)),
    ],
)
def test_next_date(expression: str, expected: datetime) -> None:
    rules = schedule.RotationRules(None, expression)
    assert schedule.next_date(rules, datetime(2027, 1, 1, 8, tzinfo=UTC)) == expected


def test_a_key_is_not_due_for_ever_under_an_override_that_no_key_can_keep() -> None:
    assert schedule.due_age_days(schedule.parse_rules(85, None, None), 90, 24) == 89
    assert schedule.due_age_days(schedule.parse_rules(90, None, None), 90, 24) == 92


def test_a_fleet_drifts_apart_and_no_interval_gets_longer() -> None:
    fleet = [schedule.spread_days(f"/acmecorp/service-{number}", 90, 24) for number in range(1000)]
    shares = {days: fleet.count(days) / len(fleet) for days in set(fleet)}
    assert set(shares) == {82, 83, 84, 85}
    assert all(0.2 < share < 0.3 for share in shares.values()), "no day has much more than a quarter of them"
    # Written down: a later version that spreads otherwise would change every schedule of every fleet.
    names = ("/acmecorp/prod/database/credentials", "/acmecorp/service/bitbucket/credentials", "/a", "")
    assert [schedule.spread_days(name, 90, 24) for name in names] == [85, 85, 84, 83]


@pytest.mark.parametrize(
    ("age", "grace", "least", "standard"),
    [(90, 24, 82, 85), (34, 24, 27, 29), (14, 24, 9, 9), (66, 700, 31, 32), (69, 700, 32, 35), (7, 24, 2, 2)],
)
def test_a_short_interval_loses_a_tenth_at_the_most(age: int, grace: int, least: int, standard: int) -> None:
    found = {schedule.spread_days(f"/secret-{number}", age, grace) for number in range(200)}
    assert found == set(range(least, standard + 1))


@pytest.mark.parametrize("grace", [0, 12, 24, 25, 48, 168, 700])
def test_every_promise_that_leaves_room_for_a_schedule_leaves_room_for_a_spread_one(grace: int) -> None:
    for age in range(schedule.least_key_age_days(grace), 400):
        for number in range(8):
            rules = schedule.parse_rules(schedule.spread_days(f"/secret-{number}", age, grace), None, None)
            assert schedule.check_promise(rules, age, grace) is None
