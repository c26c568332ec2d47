# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Many items at once: a pool of threads, writes paced under AWS's quotas, and no item stops another."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

WRITES_PER_SECOND = 45.0
READERS = 16


class Pace:
    """Spaces calls evenly: at most so many a second, from however many threads.

    Args:
        per_second: calls a second; Secrets Manager's write quotas are 50.
        now: monotonic seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        per_second: float = WRITES_PER_SECOND,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1.0 / per_second
        self._now = now
        self._sleep = sleep
        self._lock = threading.Lock()
        self._next = 0.0

    def wait(self) -> None:
        """Return when the next call may be made."""
        with self._lock:
            now = self._now()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            self._sleep(turn - now)


@dataclass(frozen=True)
class Outcome(Generic[Item, Result]):
    """What became of one item: a result, or the error that ended it."""

    item: Item
    result: Result | None
    error: Exception | None


def run_all(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int = READERS,
    ended: Callable[[bool], None] = lambda failed: None,
) -> list[Outcome[Item, Result]]:
    """Run a function over items, side by side.

    Args:
        function: may raise; that ends its own item only.
        items: in the order in which the outcomes come back.
        workers: threads at most.
        ended: hears of each item, in its thread, whether it failed.
    """

    def guarded(item: Item) -> Outcome[Item, Result]:
        try:
            outcome = Outcome(item, function(item), None)
        except Exception as error:  # the boundary: every kind of failure belongs to its item
            outcome = Outcome(item, None, error)
        ended(outcome.error is not None)
        return outcome

    if not items:
        return []
    with ThreadPoolExecutor(max_workers=max(1, min(workers, len(items)))) as pool:
        return list(pool.map(guarded, items))
