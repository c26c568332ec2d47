# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the pictures of the report show, as numbers that the template only places. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

LINE_DAYS = 90
"""The auditors' line: an Active key that is older fails."""
MOST_BARS = 30
"""With more keys than that, a bar for each would be a wall: they are counted instead."""

WIDTH = 760
_LABEL = 190
_RIGHT = 70
_ROW = 26
_BIN_DAYS = 5
_MOST_DAYS = 180
_WEEKS = 14
_COLUMN_HEIGHT = 150
_LOW_COLUMN_HEIGHT = 60
_FEW = 10
"""Columns of so few would only look like much if they were tall."""
_LONGEST_NAME = 26


@dataclass(frozen=True)
class Bar:
    """One bar, placed. past: beyond its line, shown by a hatch and in words as well as by colour."""

    x: float
    y: float
    width: float
    height: float
    label: str
    value: str
    past: bool
    title: str


@dataclass(frozen=True)
class Picture:
    """A chart: bars, ticks (position, text), where the line stands, the height of the canvas, and the axis' height."""

    kind: str
    bars: tuple[Bar, ...]
    ticks: tuple[tuple[float, str], ...]
    line: float
    height: float
    axis: float
    summary: str


def active_keys(report: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Service account and age in days of every Active key, oldest first."""
    found = []
    for account in report["accounts"]:
        for secret in account["secrets"]:
            keys = [secret.get("current_key"), *(secret.get("other_keys") or [])]
            found += [(secret["name"], key["age_days"]) for key in keys if key and key["status"] == "Active"]
    return sorted(found, key=lambda item: (-item[1], item[0]))


def key_ages(report: Mapping[str, Any]) -> Picture:
    """The Active keys against the line: a bar for each in a small fleet, a histogram in a large one."""
    keys = active_keys(report)
    past = sum(age > LINE_DAYS for _name, age in keys)
    summary = f"{len(keys)} Active keys, {past} older than {LINE_DAYS} days"
    if keys:
        summary += f"; the oldest is {keys[0][1]} days old"
    return _bars(keys, summary) if len(keys) <= MOST_BARS else _histogram(keys, summary)


def next_rotations(report: Mapping[str, Any]) -> Picture:
    """How many service accounts rotate in each of the coming weeks."""
    now = moment(report["generated"])
    weeks: Counter[int] = Counter()
    names: dict[int, list[str]] = {}
    off = 0
    for account in report["accounts"]:
        for secret in account["secrets"]:
            upcoming = moment(secret.get("next_rotation_date")) if secret.get("rotation_enabled") else None
            if upcoming is None or now is None:
                off += 1
                continue
            week = -1 if upcoming < now else min((upcoming - now) // timedelta(days=7), _WEEKS - 1)
            weeks[week] += 1
            names.setdefault(week, []).append(secret["name"])
    most = max(weeks.values(), default=1)
    tall = _COLUMN_HEIGHT if most > _FEW else _LOW_COLUMN_HEIGHT
    left = 20.0
    step = (WIDTH - 2 * left) / (_WEEKS + 1)
    bars = []
    for week, count in sorted(weeks.items()):
        height = max(3.0, count / most * tall)
        shown = _few(names[week])
        when = "overdue" if week < 0 else f"week {week + 1}"
        title = f"{when}: {shown}"
        x = left + (week + 1) * step + step * 0.14
        bars.append(Bar(x, 24 + tall - height, step * 0.72, height, "", str(count), week < 0, title))
    ticks = [(left + step / 2, "overdue")]
    for week in range(_WEEKS):
        start = (now + timedelta(days=7 * week)).strftime("%-d %b") if now else ""
        start += "+" if week == _WEEKS - 1 else ""
        ticks.append((left + (week + 1.5) * step, start))
    summary = f"{weeks.total()} service accounts have a date" if weeks else "No rotation is planned"
    summary += f", {weeks[-1]} of them overdue" if weeks[-1] else ""
    summary += (
        f"; {off} {'has' if off == 1 else 'have'} none: rotation is off, or the secret is not there." if off else "."
    )
    axis = 24.0 + tall
    return Picture("columns", tuple(bars), tuple(ticks), 0, axis + 30, axis, summary)


def coming(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Dates of the next rotations, soonest first, each with the service accounts in a few words."""
    days: dict[str, list[str]] = {}
    for account in report["accounts"]:
        for secret in account["secrets"]:
            if secret.get("rotation_enabled") and secret.get("next_rotation_date"):
                days.setdefault(secret["next_rotation_date"][:10], []).append(secret["name"])
    return [(day, _few(sorted(names))) for day, names in sorted(days.items())]


def moment(text: str | None) -> datetime | None:
    """A time of the report."""
    return datetime.fromisoformat(text) if text else None


def _bars(keys: Sequence[tuple[str, int]], summary: str) -> Picture:
    most = max([100, *(math.ceil(age * 1.05) for _name, age in keys)])
    scale = (WIDTH - _LABEL - _RIGHT) / most
    bars = tuple(
        Bar(
            _LABEL,
            30 + number * _ROW,
            max(2.0, age * scale),
            _ROW - 10,
            name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…",
            f"{age} d",
            age > LINE_DAYS,
            f"{name}: {age} days",
        )
        for number, (name, age) in enumerate(keys)
    )
    axis = 30.0 + len(keys) * _ROW
    step = 30 if most <= 400 else 90 if most <= 1000 else 365
    ticks = tuple((_LABEL + day * scale, str(day)) for day in range(0, most + 1, step))
    return Picture("bars", bars, ticks, _LABEL + LINE_DAYS * scale, axis + 26, axis, summary)


def _histogram(keys: Sequence[tuple[str, int]], summary: str) -> Picture:
    bins: Counter[int] = Counter(min(max(age - 1, 0) // _BIN_DAYS, _MOST_DAYS // _BIN_DAYS) for _name, age in keys)
    most = max(bins.values())
    left, number = 20.0, _MOST_DAYS // _BIN_DAYS + 1
    step = (WIDTH - 2 * left) / number
    bars = []
    for place, count in sorted(bins.items()):
        height = max(3.0, count / most * _COLUMN_HEIGHT)
        first, last = place * _BIN_DAYS + (place > 0), (place + 1) * _BIN_DAYS
        days = f"over {_MOST_DAYS}" if place == number - 1 else f"{first} to {last}"
        x, y = left + place * step + 1, 34 + _COLUMN_HEIGHT - height
        past = first > LINE_DAYS
        bars.append(Bar(x, y, step - 2, height, "", str(count), past, f"{days} days: {count} keys"))
    ticks = [(left + day / _BIN_DAYS * step, str(day)) for day in range(0, _MOST_DAYS + 1, 30)]
    ticks[-1] = (ticks[-1][0], f"{_MOST_DAYS}+")
    axis = 34.0 + _COLUMN_HEIGHT
    return Picture("columns", tuple(bars), tuple(ticks), left + LINE_DAYS / _BIN_DAYS * step, axis + 26, axis, summary)


def _few(names: Sequence[str]) -> str:
    more = len(names) - 5
    return ", ".join(names[:5]) + (f" and {more} more" if more > 0 else "")
