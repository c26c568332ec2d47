# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Rotation rules: what Secrets Manager accepts, how long a key lives under them, and the age rule. Pure.

The age rule: a key must be Inactive before it breaks the promise (max_key_age_days), so between two rotations there
is room for the grace period, one day of rotation window and three days of retries:

    days = max_key_age_days - ceil(grace in days) - 1 - 3          (90 with 24 h of grace gives 85)

By default each secret rotates up to three days sooner than that, by a hash of its name (spread_days).

An override may use up the room for window and retries, with a warning that names what is left; it may not go
further. The limit is where the auditors' check fails: an Active key of max_key_age_days + 1 full days.
Source: Secrets Manager API Reference, RotationRulesType; Prowler, iam_rotate_access_key_90_days.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from ..rotation.names import RETRY_DAYS, WINDOW_DAYS
from . import cron
from .errors import ScheduleError

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MOST_DAYS = 1000
_MOST_RATE_DAYS = 999
_LEAST_GAP_HOURS = 4
_MOST_EXPRESSION = 256
_HOURS_A_DAY = 24
_MOST_SPREAD_DAYS = 3

# Gaps of a cron expression are measured over years that hold a leap day, from a fixed date: the answer never depends
# on the day of the run.
_SPAN_START = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
_SPAN_DAYS = 4 * 365 + 1


@dataclass(frozen=True)
class RotationRules:
    """When a secret rotates: exactly one of the first two, and how long its window is open.

    Attributes:
        automatically_after_days: 1 to 1000 days.
        schedule_expression: rate(...) or cron(...), UTC.
        duration: the window as Secrets Manager writes it, "3h"; None leaves it to the service.
    """

    automatically_after_days: int | None
    schedule_expression: str | None
    duration: str | None = None

    def to_api(self) -> dict[str, object]:
        """As RotateSecret's RotationRules."""
        rules: dict[str, object] = {}
        if self.schedule_expression is not None:
            rules["ScheduleExpression"] = self.schedule_expression
        else:
            rules["AutomaticallyAfterDays"] = self.automatically_after_days
        if self.duration is not None:
            rules["Duration"] = self.duration
        return rules

    def __str__(self) -> str:
        text = self.schedule_expression or f"every {self.automatically_after_days} days"
        return f"{text}, window {self.duration}" if self.duration else text


def parse_rules(days: int | None, expression: str | None, window: str | None) -> RotationRules:
    """Check a schedule as Secrets Manager would.

    Args:
        days: days between rotations, or None.
        expression: rate(...) or cron(...), or None.
        window: "Nh", or None.

    Raises:
        ScheduleError: both or neither given, or malformed, or a window that does not fit.
    """
    if (days is None) == (expression is None):
        raise ScheduleError("give exactly one of rotation_days and schedule_expression")
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise ScheduleError(f"{days} days between rotations; Secrets Manager takes 1 to {MOST_DAYS}")
    rules = RotationRules(days, expression, window)
    shortest, _longest = gaps(rules)
    if shortest < timedelta(hours=_LEAST_GAP_HOURS):
        raise ScheduleError(f"{rules} rotates more often than every {_LEAST_GAP_HOURS} hours")
    if window is not None:
        _check_window(rules, window, shortest)
    return rules


def gaps(rules: RotationRules) -> tuple[timedelta, timedelta]:
    """The shortest and the longest time between two openings of the window.

    Raises:
        ScheduleError: a malformed expression, or one that hardly ever fires.
    """
    expression = rules.schedule_expression
    if expression is None:
        gap = timedelta(days=rules.automatically_after_days or 0)
        return gap, gap
    if len(expression) > _MOST_EXPRESSION:
        raise ScheduleError(f"a schedule expression has at most {_MOST_EXPRESSION} characters")
    if expression.startswith("rate("):
        gap = _rate(expression)
        return gap, gap
    openings = list(cron.parse(expression).openings(_SPAN_START, _SPAN_DAYS))
    between = [later - earlier for earlier, later in pairwise(openings)]
    if not between:
        raise ScheduleError(f"{expression!r} does not fire twice in four years")
    return min(between), max(between)


def next_date(rules: RotationRules, after: datetime) -> datetime:
    """When the next window opens if the last rotation (or the schedule's beginning) was at this moment.

    Raises:
        ScheduleError: a malformed expression, or one that hardly ever fires.
    """
    expression = rules.schedule_expression
    if expression is not None and not expression.startswith("rate("):
        for moment in cron.parse(expression).openings(after.astimezone(UTC), _SPAN_DAYS):
            return moment
        raise ScheduleError(f"{expression!r} does not fire within four years")
    return after + gaps(rules)[0]


def whole_days(hours: int) -> int:
    """So many hours in days, rounded up."""
    return math.ceil(hours / _HOURS_A_DAY)


def standard_days(max_key_age_days: int, grace_period_hours: int) -> int:
    """Days between rotations by the age rule; below 1 when the promise leaves no room."""
    return max_key_age_days - whole_days(grace_period_hours) - WINDOW_DAYS - RETRY_DAYS


def spread_days(secret_name: str, max_key_age_days: int, grace_period_hours: int) -> int:
    """Days between rotations by the age rule, up to three fewer: the same for a secret each time, different for others.

    A fleet that is brought in on one day would otherwise rotate on one day for ever, and share IAM's rate then. A
    short interval loses a tenth at the most, and none gets as short as its grace period.
    """
    standard = standard_days(max_key_age_days, grace_period_hours)
    most = max(0, min(_MOST_SPREAD_DAYS, standard // 10, standard - _least_days(grace_period_hours)))
    return standard - int.from_bytes(hashlib.sha256(secret_name.encode()).digest()[:4]) % (most + 1)


def least_key_age_days(grace_period_hours: int) -> int:
    """The smallest max_key_age_days whose schedule by the age rule is longer than the grace period and one day."""
    return _least_days(grace_period_hours) + whole_days(grace_period_hours) + WINDOW_DAYS + RETRY_DAYS


def slack_days(rules: RotationRules, max_key_age_days: int, grace_period_hours: int) -> int:
    """Full days that window and retries may take before an Active key is max_key_age_days + 1 days old."""
    longest = math.ceil(gaps(rules)[1] / DAY)
    return max_key_age_days + 1 - longest - whole_days(grace_period_hours)


def due_age_days(rules: RotationRules, max_key_age_days: int, grace_period_hours: int) -> int:
    """The age at retirement, in days, beyond which a key has too little of its promise left.

    This is a day before max_key_age_days, so that a rotation whose date was put off can still be tried again, and so
    can the retirement after it. Not more, or a rotation as scheduled could be due, whose key was made in an attempt
    of the day before. It is later under an override that even a new key could not keep (rotation_days: 90): there
    rotating once more would mend nothing, and every run would rotate again.
    """
    longest = math.ceil(gaps(rules)[1] / DAY)
    return max(max_key_age_days - 1, longest + WINDOW_DAYS + whole_days(grace_period_hours))


def check_promise(rules: RotationRules, max_key_age_days: int, grace_period_hours: int) -> str | None:
    """Check a schedule against the age rule.

    Returns:
        None, or a warning that names the slack.

    Raises:
        ScheduleError: the shortest gap is not longer than grace + one day, or the longest breaks the promise.
    """
    shortest, _longest = gaps(rules)
    if shortest <= timedelta(hours=grace_period_hours) + DAY:
        raise ScheduleError(
            f"{rules} rotates again after {_in_words(shortest)}, which is not longer than the grace period of "
            f"{grace_period_hours} h and one day: the previous key would still be Active; rotate less often or "
            "lower grace_period_hours"
        )
    standard = standard_days(max_key_age_days, grace_period_hours)
    slack = slack_days(rules, max_key_age_days, grace_period_hours)
    if slack < 0:
        raise ScheduleError(
            f"{rules} lets a key reach {max_key_age_days + 1 - slack} days with its grace period of "
            f"{grace_period_hours} h, but max_key_age_days is {max_key_age_days}; rotate at least every "
            f"{standard} days, which is what leaving the override out gives"
        )
    if slack < WINDOW_DAYS + RETRY_DAYS + 1:
        return (
            f"{rules} leaves {slack} {'day' if slack == 1 else 'days'} of slack for the rotation window and retries "
            f"before a key is older than {max_key_age_days} days; without the override it would be every {standard} "
            f"days, with {WINDOW_DAYS + RETRY_DAYS + 1}"
        )
    return None


def _least_days(grace_period_hours: int) -> int:
    """The fewest whole days that are longer than the grace period and one day."""
    return grace_period_hours // _HOURS_A_DAY + 2


def _rate(expression: str) -> timedelta:
    match = re.fullmatch(r"rate\(([0-9]{1,5}) (hour|day)s?\)", expression)
    if match is None:
        raise ScheduleError(f"{expression!r} is not rate(N days) or rate(N hours)")
    gap = int(match.group(1)) * (HOUR if match.group(2) == "hour" else DAY)
    if not timedelta(hours=_LEAST_GAP_HOURS) <= gap <= _MOST_RATE_DAYS * DAY:
        raise ScheduleError(f"{expression!r} is not from {_LEAST_GAP_HOURS} hours to {_MOST_RATE_DAYS} days")
    return gap


def _check_window(rules: RotationRules, window: str, shortest: timedelta) -> None:
    match = re.fullmatch(r"([0-9]{1,3})h", window)
    hours = int(match.group(1)) if match else 0
    if not 1 <= hours <= _HOURS_A_DAY:
        raise ScheduleError(f"rotation window {window!r} is not 1h to 24h")
    if hours * HOUR > shortest:
        raise ScheduleError(f"rotation window {window} reaches into the next window of {rules}; make it shorter")
    expression = rules.schedule_expression
    if expression is not None and expression.startswith("cron("):
        latest = max(cron.parse(expression).hours)
        if latest + hours > _HOURS_A_DAY:
            raise ScheduleError(
                f"rotation window {window} from {latest}:00 UTC reaches past midnight UTC; make it at most "
                f"{_HOURS_A_DAY - latest}h"
            )


def _in_words(gap: timedelta) -> str:
    number, unit = (gap // DAY, "day") if gap % DAY == timedelta() else (gap // HOUR, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"
