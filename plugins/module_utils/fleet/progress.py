# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""How far a long module is: a line in a file for each item that ends, which the action plugin reads meanwhile."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path


class Progress:
    """Writes such a file, from any thread.

    Args:
        path: the file; None: nobody reads along.
    """

    def __init__(self, path: str | None) -> None:
        self._path = Path(path) if path else None
        self._lock = threading.Lock()

    def begin(self, total: int) -> None:
        """Say how many there are."""
        self._write({"total": total})

    def ended(self, failed: bool) -> None:
        """Say that one has ended, and how."""
        self._write({"failed": failed})

    def _write(self, line: dict[str, object]) -> None:
        if self._path is None:
            return
        # Another user's file (become), a full disk: what is shown never decides about the work.
        with suppress(OSError), self._lock, self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
