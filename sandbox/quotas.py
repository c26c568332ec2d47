# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""How long a call travels, and how many a second AWS takes: token buckets of real seconds, full at first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .answers import Refusal
from .calls import Call
from .faults import throttling
from .world import World


class Quotas:
    """The knobs latency_seconds and rates at work.

    Args:
        world: whose knobs.
        now: monotonic seconds; real ones, because a caller's own pacing is in real time too.
    """

    def __init__(self, world: World, now: Callable[[], float] = time.monotonic) -> None:
        self._world = world
        self._now = now
        self._lock = threading.Lock()
        self._filled: dict[str, tuple[float, float]] = {}
        world.resets.append(self._filled.clear)

    def travel(self) -> None:
        """Let the call take its time; the end of the world cuts it short."""
        if self._world.knobs.latency_seconds > 0:
            self._world.stopping.wait(self._world.knobs.latency_seconds)

    def refusal(self, call: Call) -> Refusal | None:
        """Take a token from each bucket that the call falls under; the throttling error where one is empty."""
        names = (f"{call.service}:{call.operation}", call.service)
        with self._lock:
            for name in names:
                rate = self._world.knobs.rates.get(name)
                if rate is not None and not self._take(name, rate):
                    return throttling(call)
        return None

    def _take(self, name: str, rate: float) -> bool:
        """A bucket holds one second's calls, one at the least."""
        now, size = self._now(), max(1.0, rate)
        left, since = self._filled.get(name, (size, now))
        left = min(size, left + (now - since) * rate)
        taken = left >= 1
        self._filled[name] = (left - 1 if taken else left, now)
        return taken
