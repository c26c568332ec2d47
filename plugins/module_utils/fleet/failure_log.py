# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Why a rotation failed, in the function's own words: the line that it prints for each outcome."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from .aws import CallError, Client, call, time_of

_REFRESH_SECONDS = 2.0
_LOOK_BACK = timedelta(hours=1)
_LATE = timedelta(minutes=2)
"""A line may be found this much later than its own time says: CloudWatch Logs promises no moment."""
_PATTERN = '"failed"'


class FailureLog:
    """Reads a log group for all rotations in flight, at most every two seconds, each look from just before the last.

    Args:
        logs: boto3 client.
        since: the time at the start of the run, AWS's where it is known; the hour before it is read as well.
        now: monotonic seconds.
    """

    def __init__(self, logs: Client, since: datetime, now: Callable[[], float] = time.monotonic) -> None:
        self._logs = logs
        self._oldest = since - _LOOK_BACK
        self._now = now
        self._lock = threading.Lock()
        self._read_at: dict[str, float] = {}
        self._begins: dict[str, datetime] = {}
        self._errors: dict[str, str] = {}

    def error_of(self, function_name: str, token: str) -> str | None:
        """What the function said when it failed under this token; None: nothing so far, or the log cannot be read."""
        with self._lock:
            last = self._read_at.get(function_name)
            if last is None or self._now() - last >= _REFRESH_SECONDS:
                self._refresh(f"/aws/lambda/{function_name}")
                self._read_at[function_name] = self._now()
            return self._errors.get(token)

    def _refresh(self, group: str) -> None:
        page: dict[str, str] = {}
        begins = self._begins.get(group, self._oldest)
        read_at: datetime | None = None
        while True:
            try:
                answer = call(
                    "logs:FilterLogEvents",
                    self._logs.filter_log_events,
                    logGroupName=group,
                    startTime=int(begins.timestamp() * 1000),
                    filterPattern=_PATTERN,
                    **page,
                )
            except CallError:
                return  # a help to people, never a condition: the labels decide; all of it is read again
            read_at = read_at or time_of(answer)
            for event in answer.get("events", []):
                self._note(event.get("message", ""))
            if not answer.get("nextToken"):
                self._begins[group] = read_at - _LATE
                return
            page = {"nextToken": answer["nextToken"]}

    def _note(self, message: str) -> None:
        try:
            line = json.loads(message)
        except ValueError:
            return
        if not isinstance(line, dict) or line.get("outcome") != "failed":
            return
        token, error = line.get("token"), line.get("error")
        if isinstance(token, str) and isinstance(error, str):
            self._errors[token] = f"{line.get('step', 'a step')}: {error}"
