# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The outcome of a run for one account, and the table that a person reads. Pure."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FAILED = "FAILED"
NOT_REACHED = "not reached"
_COLUMNS = ("service account", "strategy", "key age", "status")
_LINE_CHARACTERS = 110
_MODULES = ("info", "access", "schedule", "run")
_Row = dict[str, Any]
_MOST_ROWS = 40
_NAMED = 3
_SHARED = (
    NOT_REACHED,
    "rotated",
    "scheduled",
    "changed",
    "unchanged",
    "would rotate now",
    "would be scheduled",
    "would change",
)
"""Of a large account those of one of these share a row; whatever needs a person by itself keeps its own."""


def outcome(account: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What became of each selected service account.

    Args:
        account: as the Select play made it.
        facts: info, access, schedule, run (each a list of the module's `secrets`, possibly empty; of two entries of
            one name the later one counts), check_mode, reason: what ended the work on the whole account, or "", again:
            the command that runs the playbook again, without its --limit, and limit: the run's own --limit (or "") if
            this account is the only one, else None.

    Returns:
        account, reason, rows (name, strategy, age, status, note), failed: the names of those that failed, verdict: one
        sentence when anything failed, else "", and again: the command that goes on with what was not done.
    """
    found = {name: {item["name"]: item for item in facts.get(name) or []} for name in _MODULES}
    rows = [
        _row(item, {name: entries.get(item["name"], {}) for name, entries in found.items()}, facts)
        for item in account.get("service_accounts", [])
    ]
    rows += [
        {
            "name": item["name"],
            "strategy": "",
            "age": "",
            "status": "exempt",
            "note": f"until {item['until']}: {item['reason']}",
        }
        for item in account.get("exempt", [])
    ]
    failed = [row["name"] for row in rows if row["status"] == FAILED]
    left = [row["name"] for row in rows if row["status"] in (FAILED, NOT_REACHED)]
    reason = facts.get("reason") or ""
    return {
        "account": f"{account['aws_account']} ({account['aws_region']})",
        "reason": reason,
        "rows": rows,
        "failed": failed,
        "verdict": f"not done: {len(left)} of {len(rows)} service accounts" if left or reason else "",
        "again": _again(facts, left, all_left=len(left) == len(rows)) if left or reason else "",
    }


def table(outcomes: Iterable[Mapping[str, Any]]) -> list[str]:
    """One table of all accounts; below a row its note, below an account the reason that ended it and the way out."""
    lines: list[str] = []
    for item in outcomes:
        lines.append(f"Account {item['account']}")
        shown = _folded(item["rows"])
        rows = [[row["name"], row["strategy"], row["age"], row["status"]] for row in shown]
        widths = [max(len(cell) for cell in column) for column in zip(_COLUMNS, *rows, strict=True)]
        lines.append(_line(_COLUMNS, widths))
        lines.append(_line(["-" * width for width in widths], widths))
        for row, cells in zip(shown, rows, strict=True):
            lines.append(_line(cells, widths))
            for note in filter(None, row["note"].split("\n")):
                lines += _wrapped(note, "      ")
        if item["verdict"]:
            lines += ["", *_wrapped(f"{FAILED}: {item['reason'] or item['verdict']}", "  ")]
        if item["again"]:
            lines += [
                "  Once that is mended, add the other -e options of this run, and run again:",
                f"  {item['again']}",
            ]
        lines.append("")
    return lines


def _folded(rows: Sequence[_Row]) -> list[_Row]:
    """The rows that are shown: of a large account as few as say the same."""
    if len(rows) <= _MOST_ROWS:
        return list(rows)
    alike: dict[str, list[_Row]] = {}
    own = []
    for row in rows:
        warned = row["status"] == "unchanged" and row["note"]
        if row["status"] in _SHARED and not warned:
            alike.setdefault(row["status"], []).append(row)
        else:
            own.append(row)
    return own + [_together(group) for group in alike.values()]


def _together(group: Sequence[_Row]) -> _Row:
    """One row for all; its note is what they have in common."""
    if len(group) == 1:
        return group[0]
    names = ", ".join(row["name"] for row in group[:_NAMED])
    more = f" and {len(group) - _NAMED} more" if len(group) > _NAMED else ""
    notes = {row["note"] for row in group}
    return {
        **group[0],
        "name": f"{names}{more}",
        "strategy": "",
        "age": "",
        "note": notes.pop() if len(notes) == 1 else "",
    }


def _again(facts: Mapping[str, Any], left: Sequence[str], all_left: bool) -> str:
    """The command that does what is left, and nothing twice."""
    own = facts.get("limit")
    limit = own if all_left and own is not None else ",".join(left)
    return " ".join([str(facts.get("again") or ""), *([f"--limit {shlex.quote(limit)}"] if limit else [])])


def _row(item: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> _Row:
    info = entries["info"]
    status, note = _status(entries, facts)
    key = info.get("current_key") or {}
    # The age was read before the rotation.
    age = f"{'was ' if status == 'rotated' else ''}{key['age_days']} d" if key else ""
    return {
        "name": item["name"],
        "strategy": item["rotation_strategy"],
        "age": age,
        "status": status,
        "note": note,
    }


def _status(entries: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> tuple[str, str]:
    """The last thing that counts, and what a person should know about it."""
    info, access, schedule, run = (entries[name] for name in _MODULES)
    check = bool(facts.get("check_mode"))
    errors = [finding for finding in info.get("findings", []) if finding["severity"] == "error"]
    if errors:
        return FAILED, "\n".join("; ".join(filter(None, (finding["text"], finding["mend"]))) for finding in errors)
    for entry in (access, schedule, run):
        if entry.get("failed"):
            done = [] if check else [*_changes(access), *_attached(schedule), *_changes(run)]
            return FAILED, "\n".join([str(entry["msg"]), *([f"done before that: {'; '.join(done)}"] if done else [])])
    if facts.get("reason"):
        return NOT_REACHED, ""
    closing = _changes(access)
    first = bool(schedule.get("enrolled"))
    attached = [line.removeprefix("attach the ") if first else line for line in _attached(schedule)]
    changes = "\n".join([*closing, *attached])
    why = str(run.get("msg") or "").partition(": ")[2]
    if run.get("due") and (check or run.get("held_back")):
        return ("due, not rotated" if run.get("held_back") else "would rotate now"), "\n".join([*closing, why])
    if run.get("due"):
        return "rotated", "\n".join(filter(None, [changes, why]))
    if first:
        return ("would be scheduled" if check else "scheduled"), changes
    if schedule.get("changed") or access.get("changed"):
        return ("would change" if check else "changed"), changes
    warnings = [finding for finding in info.get("findings", []) if finding["severity"] == "warning"]
    return "unchanged", "\n".join("; ".join((finding["text"], finding["mend"])) for finding in warnings)


def _changes(entry: Mapping[str, Any]) -> list[str]:
    return [str(change) for change in entry.get("changes") or []]


def _attached(schedule: Mapping[str, Any]) -> list[str]:
    """What changed; of a first enrolment, where everything does, only the schedule (--diff shows all)."""
    return _changes(schedule)[-1:] if schedule.get("enrolled") else _changes(schedule)


def _wrapped(text: str, indent: str) -> list[str]:
    """A text in lines that a terminal shows whole; names and ids are never cut."""
    return textwrap.wrap(
        " ".join(text.split()),
        _LINE_CHARACTERS,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return ("  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))).rstrip()
