# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""When rotation windows open and close: the rules of Secrets Manager, and the cron fields that Scheduler shares.

Pure. Written without a look at the collection's own evaluator, so that one can be tested against the other.

Source: Secrets Manager User Guide, "Schedule expressions"; API Reference, RotationRulesType.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

HOUR = 3600.0
DAY = 86_400.0
MAX_EXPRESSION = 256
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {"SUN": 1, "MON": 2, "TUE": 3, "WED": 4, "THU": 5, "FRI": 6, "SAT": 7}
_RATE = re.compile(r"rate\((\d+) (minute|minutes|hour|hours|day|days)\)")
_CRON = re.compile(r"cron\(([^()]*)\)")
_DURATION = re.compile(r"([0-9]{1,3})h")
_SEARCH_DAYS = 366 * 8
"""How far ahead a day is looked for: the longest gap of a yearly cron, a leap day over a century, is 8 years."""


class ExpressionError(ValueError):
    """The rules or the expression are not what AWS accepts; its text says what is wrong."""


@dataclass(frozen=True)
class Window:
    """A rotation window, epoch seconds; a rotation starts in [start, end)."""

    start: float
    end: float

    @property
    def on_or_before(self) -> float:
        """What DescribeSecret gives as NextRotationDate: the last second of the window."""
        return self.end - 1


@dataclass(frozen=True)
class Cron:
    """Cron fields as sets; days are decided by one of two fields, the other is '?'."""

    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    day_of_month: str
    """Empty when day_of_week decides."""
    day_of_week: str

    def on_day(self, day: datetime) -> bool:
        """Whether it fires on the UTC day that holds this moment."""
        if day.month not in self.months:
            return False
        if self.day_of_month:
            return any(_month_day(part, day) for part in self.day_of_month.split(","))
        return any(_week_day(part, day) for part in self.day_of_week.split(","))

    def moments(self, after: float) -> Iterator[float]:
        """Every firing at or after a moment (epoch seconds), in order."""
        first = datetime.fromtimestamp(after, UTC)
        midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
        for ahead in range(_SEARCH_DAYS):
            day = midnight + timedelta(days=ahead)
            if self.on_day(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        moment = day.replace(hour=hour, minute=minute).timestamp()
                        if moment >= after:
                            yield moment


def parse_rate(text: str) -> float:
    """The interval of a rate() expression in seconds.

    Raises:
        ExpressionError: it is none, or its unit does not fit its number.
    """
    found = _RATE.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise ExpressionError(f"{text!r} is no rate(value unit)")
    if (int(found[1]) == 1) != (not found[2].endswith("s")):
        raise ExpressionError(f"{text!r}: 1 takes a singular unit, every other value a plural one")
    return int(found[1]) * {"minute": 60.0, "hour": HOUR, "day": DAY}[found[2].rstrip("s")]


def parse_cron(text: str) -> Cron:
    """Read cron(minutes hours day-of-month month day-of-week year).

    Raises:
        ExpressionError: a field is out of range, or both or neither day field is '?'.
    """
    found = _CRON.fullmatch(text)
    fields = found[1].split(" ") if found else []
    if len(fields) != 6 or "" in fields:
        raise ExpressionError(f"{text!r} is no cron expression of six fields")
    minutes, hours, day, month, weekday, year = fields
    if (day == "?") == (weekday == "?"):
        raise ExpressionError(f"{text!r}: exactly one of day-of-month and day-of-week must be ?")
    if year != "*":
        raise ExpressionError(f"{text!r}: the year must be *")
    cron = Cron(
        _numbers(minutes, 0, 59),
        _numbers(hours, 0, 23),
        _numbers(month, 1, 12, {name.upper(): number for name, number in _MONTHS.items()}),
        "" if day == "?" else day,
        "" if weekday == "?" else weekday.upper(),
    )
    for part in day.split(",") if day != "?" else []:
        if part != "L" and not re.fullmatch(r"([1-9]|[12]\d|3[01])W|LW", part):
            _numbers(part, 1, 31)
    for part in cron.day_of_week.split(",") if cron.day_of_week else []:
        if not re.fullmatch(r"L|([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)(L|#[1-5])", part):
            _numbers(part, 1, 7, _DAYS)
    return cron


def check_rules(rules: Mapping[str, Any]) -> None:
    """Refuse RotationRules that Secrets Manager refuses.

    Args:
        rules: AutomaticallyAfterDays (days), ScheduleExpression, Duration ("3h").

    Raises:
        ExpressionError: with what is wrong.
    """
    days, expression = rules.get("AutomaticallyAfterDays"), rules.get("ScheduleExpression")
    if (days is None) == (expression is None):
        raise ExpressionError("give exactly one of AutomaticallyAfterDays and ScheduleExpression")
    if days is not None and not 1 <= int(days) <= 1000:
        raise ExpressionError("RotationRules.AutomaticallyAfterDays must be within 1-1000.")
    if expression is not None:
        _check_expression(expression)
    duration = rules.get("Duration")
    if duration is None:
        return
    found = _DURATION.fullmatch(duration)
    if found is None or not 1 <= int(found[1]) <= 24:
        raise ExpressionError(f"Duration {duration!r} is no whole number of hours from 1h to 24h")
    length = int(found[1]) * HOUR
    for opens, following in _openings(rules):
        if opens + length > min(following, _next_midnight(opens)):
            raise ExpressionError(f"Duration {duration} reaches into the next window or past the next UTC midnight")


def next_window(rules: Mapping[str, Any], basis: float, now: float) -> Window:
    """The window of the first rotation after basis that is not over yet.

    Args:
        rules: as check_rules() accepts them.
        basis: epoch seconds of the last rotation, or of the moment when the schedule began.
        now: epoch seconds.
    """
    expression = rules.get("ScheduleExpression")
    if expression and expression.startswith("cron"):
        for start in parse_cron(expression).moments(basis):
            window = Window(start, start + _length(rules, start))
            if window.end > now and start > basis:
                return window
        raise ExpressionError(f"{expression!r} never fires")
    interval = parse_rate(expression) if expression else int(rules["AutomaticallyAfterDays"]) * DAY
    step = HOUR if interval < DAY or interval % DAY else DAY
    start = (basis + interval) // step * step
    while start + _length(rules, start) <= now:
        start += step
    return Window(start, start + _length(rules, start))


def retry_window(rules: Mapping[str, Any], now: float) -> Window:
    """The window in which a rotation that was given up is tried again: the next one of a cron, else the next day's
    (or hour's, where the schedule counts hours)."""
    expression = rules.get("ScheduleExpression") or ""
    if expression.startswith("cron"):
        return next_window(rules, now, now)
    step = HOUR if _hourly(rules) else DAY
    start = now // step * step + step
    return Window(start, start + _length(rules, start))


def equivalent_days(rules: Mapping[str, Any], basis: float) -> int:
    """AutomaticallyAfterDays as DescribeSecret computes it: whole days from a rotation to the next, at least 1."""
    if rules.get("AutomaticallyAfterDays") is not None:
        return int(rules["AutomaticallyAfterDays"])
    expression = rules["ScheduleExpression"]
    if expression.startswith("rate"):
        return max(1, int(parse_rate(expression) // DAY))
    moments = parse_cron(expression).moments(basis)
    return max(1, round((-next(moments) + next(moments)) / DAY))


def _check_expression(text: str) -> None:
    if len(text) > MAX_EXPRESSION:
        raise ExpressionError(f"a schedule expression has at most {MAX_EXPRESSION} characters")
    if text.startswith("rate"):
        seconds = parse_rate(text)
        if "minute" in text or not 4 * HOUR <= seconds <= 999 * DAY:
            raise ExpressionError(f"{text!r}: a rate is from 4 hours to 999 days")
        return
    cron = parse_cron(text)
    fields = text[len("cron(") : -1].split(" ")
    if fields[0] != "0":
        raise ExpressionError(f"{text!r}: minutes must be 0")
    gaps = [later - sooner for sooner, later in zip(sorted(cron.hours), sorted(cron.hours)[1:], strict=False)]
    gaps += [min(cron.hours) + 24 - max(cron.hours)] if len(cron.hours) > 1 else []
    if gaps and min(gaps) < 4:
        raise ExpressionError(f"{text!r}: rotations must be at least 4 hours apart")
    if next(cron.moments(0.0), None) is None:
        raise ExpressionError(f"{text!r} never fires")


def _openings(rules: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """Openings of windows, each with the following one: enough of them to see every case."""
    expression = rules.get("ScheduleExpression") or ""
    if expression.startswith("cron"):
        moments = parse_cron(expression).moments(0.0)
        before = next(moments)
        for _, moment in zip(range(24), moments, strict=False):
            yield before, moment
            before = moment
        return
    interval = parse_rate(expression) if expression else int(rules["AutomaticallyAfterDays"]) * DAY
    yield 0.0, interval


def _length(rules: Mapping[str, Any], start: float) -> float:
    """Seconds that a window stays open."""
    if rules.get("Duration"):
        return int(rules["Duration"][:-1]) * HOUR
    return HOUR if _hourly(rules) else _next_midnight(start) - start


def _hourly(rules: Mapping[str, Any]) -> bool:
    expression = rules.get("ScheduleExpression") or ""
    if expression.startswith("rate"):
        return "hour" in expression
    return bool(expression) and len(parse_cron(expression).hours) > 1


def _next_midnight(moment: float) -> float:
    return moment // DAY * DAY + DAY


def _numbers(text: str, least: int, most: int, names: Mapping[str, int] | None = None) -> frozenset[int]:
    """Values of one cron field made of * , - and /."""

    def number(word: str) -> int:
        value = (names or {}).get(word.upper(), int(word) if word.isdecimal() else -1)
        if not least <= value <= most:
            raise ExpressionError(f"{word!r} is not from {least} to {most}")
        return value

    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        if slash and (not step.isdecimal() or int(step) == 0):
            raise ExpressionError(f"{part!r}: the step after / must be a whole number above 0")
        if span == "*":
            first, last = least, most
        elif "-" in span:
            first, last = (number(word) for word in span.split("-", 1))
        else:
            first = number(span)
            last = most if slash else first
        if first > last:
            raise ExpressionError(f"{part!r} runs backwards")
        values.update(range(first, last + 1, int(step) if slash else 1))
    return frozenset(values)


def _month_day(part: str, day: datetime) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if part == "L":
        return day.day == last
    if part.endswith("W"):
        wanted = last if part == "LW" else min(int(part[:-1]), last)
        return day.day == _nearest_working_day(day.year, day.month, wanted, last)
    return day.day in _numbers(part, 1, 31)


def _nearest_working_day(year: int, month: int, day: int, last: int) -> int:
    weekday = calendar.weekday(year, month, day)  # Monday is 0
    if weekday == calendar.SATURDAY:
        return day - 1 if day > 1 else day + 2
    if weekday == calendar.SUNDAY:
        return day + 1 if day < last else day - 2
    return day


def _week_day(part: str, day: datetime) -> bool:
    number = day.isoweekday() % 7 + 1  # Sunday is 1
    last = calendar.monthrange(day.year, day.month)[1]
    name, _, nth = part.partition("#")
    if nth:
        return number in _numbers(name, 1, 7, _DAYS) and (day.day - 1) // 7 + 1 == int(nth)
    if part == "L":
        return number == _DAYS["SAT"]
    if part.endswith("L"):
        return number in _numbers(part[:-1], 1, 7, _DAYS) and day.day + 7 > last
    return number in _numbers(part, 1, 7, _DAYS)
