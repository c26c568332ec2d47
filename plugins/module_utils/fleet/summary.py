# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The outcome of a run for one account, and the table that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

FAILED = "FAILED"
_COLUMNS = ("service account", "strategy", "key age", "status")
_Row = dict[str, Any]


def outcome(account: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """What became of each selected service account.

    Args:
        account: as the Select play made it.
        facts: info, schedule, run (each a list of the module's `secrets`, possibly empty), check_mode,
            and reason: what ended the work on the whole account, or "".

    Returns:
        account, reason, rows (name, strategy, age, status, note) and failed: the names of those that failed.
    """
    found = {name: {item["name"]: item for item in facts.get(name) or []} for name in ("info", "schedule", "run")}
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
    return {
        "account": f"{account['aws_account']} ({account['aws_region']})",
        "reason": facts.get("reason") or "",
        "rows": rows,
        "failed": [row["name"] for row in rows if row["status"] == FAILED],
    }


def table(outcomes: Iterable[Mapping[str, Any]]) -> list[str]:
    """One table of all accounts; below a row its note, below an account the reason that ended it."""
    lines: list[str] = []
    for item in outcomes:
        lines.append(f"Account {item['account']}")
        rows = [[row["name"], row["strategy"], row["age"], row["status"]] for row in item["rows"]]
        widths = [max(len(cell) for cell in column) for column in zip(_COLUMNS, *rows, strict=True)]
        lines.append(_line(_COLUMNS, widths))
        lines.append(_line(["-" * width for width in widths], widths))
        for row, cells in zip(item["rows"], rows, strict=True):
            lines.append(_line(cells, widths))
            if row["note"]:
                lines.append(f"      {row['note']}")
        if item["reason"]:
            lines.append(f"  {FAILED}: {item['reason']}")
        lines.append("")
    return lines


def _row(item: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]], facts: Mapping[str, Any]) -> _Row:
    info, schedule, run = entries["info"], entries["schedule"], entries["run"]
    status, note = _status(info, schedule, run, facts)
    key = info.get("current_key") or {}
    return {
        "name": item["name"],
        "strategy": item["rotation_strategy"],
        "age": f"{key['age_days']} d" if key else "",
        "status": status,
        "note": note,
    }


def _status(
    info: Mapping[str, Any], schedule: Mapping[str, Any], run: Mapping[str, Any], facts: Mapping[str, Any]
) -> tuple[str, str]:
    """The last thing that counts, and what a person should know about it."""
    check = bool(facts.get("check_mode"))
    errors = [finding for finding in info.get("findings", []) if finding["severity"] == "error"]
    if errors:
        return FAILED, "; ".join(": ".join(filter(None, (finding["text"], finding["mend"]))) for finding in errors)
    for entry in (schedule, run):
        if entry.get("failed"):
            return FAILED, str(entry["msg"])
    if facts.get("reason"):
        return "not reached", ""
    changes = "; ".join(schedule.get("changes") or [])
    if run.get("changed"):
        return ("would rotate now", str(run["msg"]).partition(": ")[2]) if check else ("rotated", changes)
    if run.get("held_back"):
        return "due, not rotated", str(run["msg"]).partition(": ")[2]
    if schedule.get("changed"):
        return ("would be scheduled" if check else "scheduled"), changes
    warnings = [finding for finding in info.get("findings", []) if finding["severity"] == "warning"]
    return "unchanged", "; ".join(finding["text"] for finding in warnings)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return ("  " + "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))).rstrip()
