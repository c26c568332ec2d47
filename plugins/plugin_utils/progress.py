# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Shows how far a long module is, in a few lines: at each tenth, and where that takes long, twice a minute. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable

QUIET_SECONDS = 30.0
_STEPS = 10


class Milestones:
    """Turns the lines of a progress file into lines for people.

    Args:
        doing: begins each line, e.g. "rotation_run acmecorp-prod".
        now: monotonic seconds at the beginning.
        patience: seconds from the beginning in which nothing is said.
    """

    def __init__(self, doing: str, now: float, patience: float = 0.0) -> None:
        self._doing = doing
        self._from = now + patience
        self._said_at = now
        self._said = 0
        self._total = 0
        self._done = 0
        self._failed = 0

    def read(self, lines: Iterable[str], now: float) -> str | None:
        """Take what was added to the file.

        Args:
            lines: whole lines.
            now: monotonic seconds.

        Returns:
            A line to show; None: nothing new that is worth one.
        """
        for line in lines:
            entry = json.loads(line)
            self._total = entry.get("total", self._total)
            self._done += "failed" in entry
            self._failed += entry.get("failed", False)
        if self._done == self._said or not self._total or now < self._from:
            return None
        tenth = self._done * _STEPS // self._total > self._said * _STEPS // self._total
        if not tenth and now - self._said_at < QUIET_SECONDS:
            return None
        self._said, self._said_at = self._done, now
        failed = f", {self._failed} failed" if self._failed else ""
        return f"{self._doing}: {self._done} of {self._total} done{failed}"
