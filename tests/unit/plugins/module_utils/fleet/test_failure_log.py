# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The log of a run is read once: each look begins a little before the last one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.failure_log import FailureLog

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Logs:
    """A log group on a clock of its own, in pages of one event; a line may arrive later than it was written."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.begins: list[datetime] = []
        self.lines: list[tuple[float, float, str]] = []
        self.refuses = False
        self.later_pages: float | None = 0.0
        """Seconds that pass before each further page; None: they are refused."""

    def fails(self, token: str, written: float, arrives: float | None = None) -> None:
        line = json.dumps({"outcome": "failed", "token": token, "step": "setSecret", "error": f"{token} is gone"})
        self.lines.append((written, written if arrives is None else arrives, line))

    def filter_log_events(self, **asked: Any) -> dict[str, Any]:
        if self.refuses or ("nextToken" in asked and self.later_pages is None):
            raise PermissionError
        begins = datetime.fromtimestamp(asked["startTime"] / 1000, UTC)
        if "nextToken" not in asked:
            self.begins.append(begins)
        found = [
            line
            for written, arrives, line in self.lines
            if arrives <= self.seconds and START + timedelta(seconds=written) >= begins
        ]
        page = int(asked.get("nextToken", 0))
        self.seconds += (self.later_pages or 0.0) if page else 0.0
        more = {"nextToken": str(page + 1)} if page + 1 < len(found) else {}
        date = (START + timedelta(seconds=self.seconds)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        events = [{"message": line} for line in found[page : page + 1]]
        return {"events": events, **more, "ResponseMetadata": {"HTTPHeaders": {"date": date}}}


def log(logs: Logs) -> FailureLog:
    return FailureLog(logs, START, lambda: logs.seconds)


def test_each_look_begins_two_minutes_before_the_last_one_and_nothing_is_forgotten() -> None:
    logs = Logs()
    failures = log(logs)
    logs.fails("old", -1800)
    logs.fails("older", -1700)
    assert failures.error_of("f", "older") == "setSecret: older is gone"
    for seconds in (600, 1200):
        logs.seconds = seconds
        failures.error_of("f", "none")
    assert [(begins - START).total_seconds() for begins in logs.begins] == [-3600, -120, 480]
    assert failures.error_of("f", "old") == "setSecret: old is gone"


def test_a_line_that_arrives_late_is_found() -> None:
    logs = Logs()
    failures = log(logs)
    logs.fails("late", 590, arrives=690)
    for seconds in range(0, 690, 30):
        logs.seconds = seconds
        assert failures.error_of("f", "late") is None
    logs.seconds = 690
    assert failures.error_of("f", "late") == "setSecret: late is gone"


def test_what_could_not_be_read_is_read_with_the_next_look() -> None:
    logs = Logs()
    failures = log(logs)
    logs.fails("t", 10)
    logs.seconds, logs.refuses = 600, True
    assert failures.error_of("f", "t") is None
    logs.seconds, logs.refuses = 1200, False
    assert failures.error_of("f", "t") == "setSecret: t is gone"


def test_what_is_written_while_page_after_page_is_read_is_found() -> None:
    """The next look begins before the first page, not before the last one."""
    logs = Logs()
    failures = log(logs)
    logs.fails("first", -20)
    logs.fails("second", -10)
    logs.later_pages = 300.0
    assert failures.error_of("f", "second") is not None
    logs.fails("meanwhile", 30)
    logs.seconds += 5
    assert failures.error_of("f", "meanwhile") is not None


def test_a_log_of_which_only_the_first_page_was_read_is_read_again() -> None:
    logs = Logs()
    failures = log(logs)
    logs.fails("first", 0)
    logs.fails("second", 0)
    logs.seconds, logs.later_pages = 600, None
    assert failures.error_of("f", "second") is None
    logs.seconds, logs.later_pages = 605, 0.0
    assert failures.error_of("f", "second") is not None


def test_two_functions_have_a_log_each() -> None:
    logs = Logs()
    failures = log(logs)
    logs.seconds = 600
    failures.error_of("f", "t")
    failures.error_of("g", "t")
    assert [(begins - START).total_seconds() for begins in logs.begins] == [-3600, -3600]
