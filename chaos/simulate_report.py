# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The simulation's table: one column per setting, the assumptions beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .simulate_fleet import Result
from .simulate_settings import PROMISE_DAYS, Rates, Setting, assumptions
from .simulate_world import OURS, PROWLER_FAILS

ENROLLED_OLD = "too old already when enrolled"


@dataclass(frozen=True)
class Column:
    """One setting's run."""

    setting: Setting
    accounts: int
    years: float
    days_between: int
    result: Result


def broken_promises(result: Result) -> list[str]:
    """What must not be: keys of ours that passed the promise, and wedged secrets."""
    found = []
    if result.violations[OURS]:
        found.append(f"{result.violations[OURS]} keys passed {PROMISE_DAYS} days while Active")
    if result.wedged:
        found.append(f"{len(result.wedged)} secrets are wedged")
    if left := result.counts["orphan keys after the last rotation"]:
        found.append(f"{left} orphan keys are left after the last rotation")
    return found


def _sum(counter: Counter[str], start: str) -> int:
    return sum(number for name, number in counter.items() if name.startswith(start))


def table(columns: Sequence[Column]) -> list[list[str]]:
    """Rows of cells: what, then one figure per column."""
    rows: list[list[str]] = [["", *(column.setting.name for column in columns)]]

    def row(what: str, figure: Callable[[Column], object]) -> None:
        cells = [figure(column) for column in columns]
        rows.append([what, *(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)])

    def of(name: str) -> Callable[[Column], object]:
        return lambda column: column.result.counts[name]

    def section(title: str, pick: Callable[[Result], Counter[str]], start: str = "", skip: str = "\0") -> None:
        names = sorted({name for column in columns for name in pick(column.result) if name.startswith(start)})
        for name in names:
            if not name.startswith(skip):
                row(f"  {title}{name.removeprefix(start)}", lambda column, name=name: pick(column.result)[name])  # type: ignore[misc]

    row("service accounts", lambda column: column.accounts)
    row("years", lambda column: f"{column.years:g}")
    row("days between rotations", lambda column: column.days_between)
    row("grace, quiet, extension (hours)", _hours)
    row("deploy runs every (days)", lambda column: column.setting.pipeline_days)
    row(f"keys past {PROMISE_DAYS} days while Active (must be 0)", lambda column: column.result.violations[OURS])
    row(f"  {PROWLER_FAILS}", of(PROWLER_FAILS))
    row("oldest Active key ever, no person in the way (days)", lambda column: f"{column.result.oldest_days:.1f}")
    row("wedged secrets (must be 0)", lambda column: len(column.result.wedged))
    row(
        f"keys past {PROMISE_DAYS} days while people stood in the way",
        lambda column: _sum(column.result.violations, "people"),
    )
    section("", lambda result: result.violations, "people: ")
    row("keys past it already when enrolled", lambda column: column.result.violations[ENROLLED_OLD])
    row("rotations", of("rotations"))
    row("  that needed a retry", of("rotations that needed a retry"))
    row("attempts", of("attempts"))
    section("failed: ", lambda result: result.counts, "failed attempts: ")
    row("alarms: a rotation failed four times", of("alarms: a rotation failed four times"))
    row("AWS calls per rotation, all included", _calls)
    row("orphan keys ever", of("orphan keys ever"))
    row("orphan keys at the end", of("orphan keys at the end"))
    row("orphan keys after one more rotation (must be 0)", of("orphan keys after the last rotation"))
    section("slot freed: ", lambda result: result.counts, "slot freed: ")
    row("retirements fired", lambda column: _sum(column.result.counts, "retirement: "))
    section("", lambda result: result.counts, "retirement: ")
    row("mails", lambda column: _sum(column.result.counts, "mails: "))
    section("", lambda result: result.counts, "mails: ")
    row("consumers' outages, people's mistakes left out", _own_outages)
    section("", lambda result: result.outages, skip="people")
    row("consumers' outages by people's mistakes", lambda column: _sum(column.result.outages, "people"))
    row("failed uses, people's mistakes left out", _own_uses)
    row("acts of people and their deploys", lambda column: _sum(column.result.counts, "people: "))
    section("", lambda result: result.counts, "people: ")
    row("weather", lambda column: "")
    section("", lambda result: result.weather)
    return rows


def _hours(column: Column) -> str:
    setting = column.setting
    return f"{setting.grace_period_hours}, {setting.quiet_hours}, {setting.max_extension_hours}"


def _calls(column: Column) -> str:
    return f"{column.result.weather['calls'] / max(1, column.result.counts['rotations']):.1f}"


def _own_outages(column: Column) -> int:
    return column.result.outages.total() - _sum(column.result.outages, "people")


def _own_uses(column: Column) -> int:
    return column.result.failed_uses.total() - _sum(column.result.failed_uses, "people")


def as_text(columns: Sequence[Column], rates: Rates) -> str:
    """The table and the assumptions, for a terminal."""
    rows = table(columns)
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
        if number == 0:
            lines.append("  ".join("-" * width for width in widths))
    words = assumptions(rates)
    width = max(len(what) for what, _ in words)
    return "\n".join([*lines, "", "Assumptions", *(f"  {what.ljust(width)}  {figure}" for what, figure in words)])


def as_markdown(columns: Sequence[Column], rates: Rates) -> str:
    """The same for the docs."""
    rows = table(columns)
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += [
        "| " + " | ".join([row[0].replace("  ", "… ", 1) if row[0].startswith("  ") else row[0], *row[1:]]) + " |"
        for row in body
    ]
    lines += [
        "",
        "| assumed | figure |",
        "|---|---|",
        *(f"| {what} | {figure} |" for what, figure in assumptions(rates)),
    ]
    return "\n".join(lines)
