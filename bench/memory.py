# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The memory of a process with all that it starts, while it runs. Linux only: it reads /proc."""

from __future__ import annotations

import threading
from pathlib import Path

_EVERY_SECONDS = 0.1


class Memory:
    """Samples the memory of a process and its descendants until it is told to stop.

    Args:
        pid: that process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._ended = threading.Event()
        self._most_kb = 0
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """The most that all of them held together, in MB."""
        self._ended.set()
        self._thread.join()
        return self._most_kb / 1024

    def _sample(self) -> None:
        while not self._ended.wait(_EVERY_SECONDS):
            self._most_kb = max(self._most_kb, held_kb(self._pid))


def held_kb(pid: int) -> int:
    """Kilobytes of a process and its descendants; 0 for those that have ended.

    Of what several processes share, as forks do, each has its part (Pss): the sum is what the machine must have.
    """
    try:
        pages = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = [
            child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = next((int(line.split()[1]) for line in pages.splitlines() if line.startswith("Pss:")), 0)
    return own + sum(held_kb(int(child)) for child in children)
