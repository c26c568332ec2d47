# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""cron() expressions as Secrets Manager takes them: minute 0, any year, UTC. Pure.

Source: Secrets Manager User Guide, rotate-secrets_schedule.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from .errors import ScheduleError

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_DAYS_A_WEEK = 7


@dataclass(frozen=True)
class Cron:
    """A parsed expression: on which days, and at which hours of them (UTC), a window opens."""

    hours: tuple[int, ...]
    months: frozenset[int]
    days_of_month: tuple[str, ...]
    days_of_week: tuple[str, ...]

    def opens_on(self, day: date) -> bool:
        """Say whether a window opens on this day."""
        if day.month not in self.months:
            return False
        if self.days_of_week:
            return any(_weekday_fits(item, day) for item in self.days_of_week)
        return any(_day_fits(item, day) for item in self.days_of_month)

    def openings(self, start: datetime, days: int) -> Iterator[datetime]:
        """Every moment after start, within so many days from it, at which a window opens."""
        for offset in range(days + 1):
            day = start.date() + timedelta(days=offset)
            if self.opens_on(day):
                for hour in self.hours:
                    moment = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
                    if moment > start:
                        yield moment


def parse(expression: str) -> Cron:
    """Read cron(0 H DoM Mon DoW *).

    Raises:
        ScheduleError: it is not one that Secrets Manager accepts.
    """
    match = re.fullmatch(r"cron\(([^()]*)\)", expression)
    fields = match.group(1).upper().split() if match else []
    if len(fields) != 6:
        raise ScheduleError(f"{expression!r} is not cron(0 hour day-of-month month day-of-week *)")
    minute, hour, day_of_month, month, day_of_week, year = fields
    if minute != "0":
        raise ScheduleError(f"the minute of {expression!r} is {minute}; Secrets Manager allows 0 only")
    if year != "*":
        raise ScheduleError(f"the year of {expression!r} is {year}; Secrets Manager allows * only")
    if (day_of_month == "?") == (day_of_week == "?"):
        raise ScheduleError(f"exactly one of day-of-month and day-of-week of {expression!r} must be ?")
    try:
        return Cron(
            hours=tuple(sorted(_numbers(hour, 0, 23, {}))),
            months=frozenset(_numbers(month, 1, 12, _MONTHS)),
            days_of_month=() if day_of_month == "?" else _day_items(day_of_month),
            days_of_week=() if day_of_week == "?" else _weekday_items(day_of_week),
        )
    except ValueError as error:
        raise ScheduleError(f"{expression!r} is malformed: {error}") from None


def _numbers(text: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    """The numbers that a field stands for: lists, ranges, steps, names.

    Raises:
        ValueError: malformed, or out of range.
    """
    found: set[int] = set()
    for item in text.split(","):
        found |= _item_numbers(item, low, high, names)
    return found


def _item_numbers(item: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    match = re.fullmatch(r"(\*|[A-Z0-9]*)(?:-([A-Z0-9]+))?(?:/([0-9]+))?", item)
    if match is None or not item:
        raise ValueError(f"{item or 'an empty item'} is no number, range or step")
    first, last, step = match.groups()
    if not first and step is None:
        raise ValueError(f"{item} has no beginning")
    start = low if first in ("*", "") else _number(first, low, high, names)
    if last is not None:
        end = _number(last, low, high, names)
    else:
        end = high if first in ("*", "") or step is not None else start
    if start > end or (first == "*" and last is not None) or (step is not None and int(step) < 1):
        raise ValueError(f"{item} is no range from low to high with a step of at least 1")
    return set(range(start, end + 1, int(step) if step else 1))


def _number(text: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text, int(text) if text.isdigit() else -1)
    if not low <= value <= high:
        raise ValueError(f"{text} is not from {low} to {high}")
    return value


def _day_items(text: str) -> tuple[str, ...]:
    items = []
    for item in text.split(","):
        if item == "L":
            items.append(item)
        else:
            items.extend(str(number) for number in sorted(_item_numbers(item, 1, 31, {})))
    return tuple(items)


def _weekday_items(text: str) -> tuple[str, ...]:
    """Weekdays as "3" (every Tuesday), "3L" (the last of the month) and "3#2" (the second of the month)."""
    items = []
    for item in text.split(","):
        match = re.fullmatch(r"([A-Z0-9]+?)(L|#[1-5])", item)
        if item == "L":
            items.append(str(_DAYS_A_WEEK))
        elif match:
            items.append(f"{_number(match.group(1), 1, _DAYS_A_WEEK, _WEEKDAYS)}{match.group(2)}")
        else:
            items.extend(str(number) for number in sorted(_item_numbers(item, 1, _DAYS_A_WEEK, _WEEKDAYS)))
    return tuple(items)


def _last_day(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _day_fits(item: str, day: date) -> bool:
    return day.day == _last_day(day) if item == "L" else day.day == int(item)


def _weekday_fits(item: str, day: date) -> bool:
    if day.isoweekday() % _DAYS_A_WEEK + 1 != int(item[0]):
        return False
    if item.endswith("L"):
        return day.day > _last_day(day) - _DAYS_A_WEEK
    if "#" in item:
        return (day.day - 1) // _DAYS_A_WEEK + 1 == int(item[2:])
    return True
