# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the figures of one run must show. Each promise has a bound, what was found, and whether that holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .audit import NAME as KEY_AGES
from .function import STEADY
from .inventory import ALONE
from .inventory import NAME as SELECT
from .record import LOOP, OURS, SCRIPT, Row
from .rotations import NAME as ROTATIONS
from .schedule import AGAIN, BUCKET, CHECK, FIRST, LISTED, UNPACED, pick
from .storm import NAME as STORM
from .storm import PACED


@dataclass(frozen=True)
class Promise:
    """One line of the verdict."""

    text: str
    found: float
    holds: bool

    def __str__(self) -> str:
        return f"  {'holds ' if self.holds else 'BROKEN'} {self.text}: {self.found:g}"


def verdict(rows: Sequence[Row]) -> list[Promise]:
    """The promises that the measured parts decide."""
    names = {row.name for row in rows}
    parts: dict[str, Callable[[Sequence[Row]], Iterator[Promise]]] = {
        AGAIN: _schedules,
        BUCKET: _bucket,
        SELECT: _select,
        KEY_AGES: _audit,
        STEADY: _steady,
        ROTATIONS: _rotations,
    }
    return [promise for name, judge in parts.items() if name in names for promise in judge(rows)]


def _schedules(rows: Sequence[Row]) -> Iterator[Promise]:
    again, loop, script = (pick(rows, AGAIN, 100, side) for side in (OURS, LOOP, SCRIPT))
    yield _least("N=100, nothing to change: times faster than the loop, 25 at least", 25, loop.wall_s / again.wall_s)
    yield _most("N=100, nothing to change: s above the bare script, 1.5 at most", 1.5, again.wall_s - script.wall_s)
    first, loop = pick(rows, UNPACED, 1000, OURS), pick(rows, FIRST, 1000, LOOP)
    yield _least("N=1,000, first run, no pace: times faster than the loop, 60 at least", 60, loop.wall_s / first.wall_s)
    paced = pick(rows, FIRST, 1000, OURS)
    yield _least("N=1,000, first run: times less CPU than the loop, 60 at least", 60, loop.cpu_s / paced.cpu_s)
    again, listed = pick(rows, AGAIN, 1000, OURS), pick(rows, LISTED, 1000, OURS)
    yield _most("N=1,000, nothing to change: calls, 1,000 at most", 1000, again.calls)
    yield _most("N=1,000, nothing to change: writes, none", 0, _more(again, "writes"))
    yield _most("N=1,000, nothing to change, read: list: calls, 20 at most", 20, listed.calls)
    yield _most(
        "--check where all differ: writes, none", 0, max(_more(row, "writes") for row in rows if row.name == CHECK)
    )


def _bucket(rows: Sequence[Row]) -> Iterator[Promise]:
    ours = next(row for row in rows if (row.name, row.side) == (BUCKET, OURS))
    yield _most("token bucket: not attached, none", 0, ours.n - _more(ours, "finished"))
    yield _most("token bucket: throttled calls, none", 0, _more(ours, "throttled"))


def _select(rows: Sequence[Row]) -> Iterator[Promise]:
    ours, alone = (next(row for row in rows if (row.name, row.side) == (SELECT, side)) for side in (OURS, ALONE))
    yield _most(f"{ours.n:,} hosts: s above the inventory alone, 10 at most", 10, ours.wall_s - alone.wall_s)
    yield _most(f"{ours.n:,} hosts: MB, 300 at most", 300, _more(ours, "memory_mb"))


def _audit(rows: Sequence[Row]) -> Iterator[Promise]:
    ours = next(row for row in rows if (row.name, row.side) == (KEY_AGES, OURS))
    yield _least(
        "key ages: times faster than the loop, 25 at least", 25, pick(rows, KEY_AGES, ours.n, LOOP).wall_s / ours.wall_s
    )


def _steady(rows: Sequence[Row]) -> Iterator[Promise]:
    yield _most("a steady-state rotation: calls, 20 at most", 20, next(row.calls for row in rows if row.name == STEADY))


def _rotations(rows: Sequence[Row]) -> Iterator[Promise]:
    for name, where in ((ROTATIONS, "a virtual clock"), (STORM, "the embedded AWS")):
        paced = next(row for row in rows if (row.name, row.side) == (name, PACED))
        text = f"{paced.n:,} rotations under IAM's rate, paced, on {where}: % at the first try, 99 at least"
        yield _least(text, 99, 100 * _more(paced, "first_try"))


def _more(row: Row, name: str) -> float:
    return (row.more or {})[name]


def _least(text: str, bound: float, found: float) -> Promise:
    return Promise(text, round(found, 2), found >= bound)


def _most(text: str, bound: float, found: float) -> Promise:
    return Promise(text, round(found, 2), found <= bound)
