# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Looks for secret values in everything that leaves the functions: lines, mails, errors, returns."""

from __future__ import annotations

import json
import traceback

from tests.unit.memory.invariants import MARK
from tests.unit.memory.world import World


class Scanner:
    """Knows every secret value that a run ever made, and looks for each of them.

    Attributes:
        scanned: how many texts were looked at.
        leaks: what was found: where, and never the value.
    """

    def __init__(self) -> None:
        self.scanned = 0
        self.leaks: list[str] = []
        self._values: set[str] = set()

    def learn(self, world: World) -> None:
        """Take in the values that a world holds; each of them must carry the mark that the scan is quick with.

        Raises:
            AssertionError: a value without the mark: the scan would miss it.
        """
        values = {key.secret for user in world.iam.users.values() for key in user.keys}
        for secret in world.secrets.secrets.values():
            values |= {version.text for version in secret.versions.values() if version.text}
        for value in values - self._values:
            assert MARK in value, "a secret value without a mark"
            self._values.add(value)

    @property
    def values(self) -> int:
        """How many different values the run made."""
        return len(self._values)

    def look(self, place: str, found: object) -> None:
        """Scan one thing.

        Args:
            place: what it is, for the report.
            found: text, an exception (with its whole trace as Lambda would print it), or anything JSON knows.
        """
        self.scanned += 1
        if isinstance(found, BaseException):
            text = "".join(traceback.format_exception(found))
        else:
            text = found if isinstance(found, str) else json.dumps(found, default=str)
        if MARK in text or any(value in text for value in self._suspects(text)):
            self.leaks.append(f"a secret value in {place}")

    def _suspects(self, text: str) -> set[str]:
        """Values short enough to stand in the text; all carry the mark, so that this is a second opinion only."""
        return {value for value in self._values if len(value) <= len(text)} if len(self._values) < 64 else set()
