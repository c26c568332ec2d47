# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Virtual time: real time plus an offset that only grows, and the timers that hang on it."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

Action = Callable[[], None]


class Timer:
    """One action that is due at a moment; cancel() makes it do nothing."""

    def __init__(self, due: float, action: Action) -> None:
        self.due = due
        self.action: Action | None = action

    def cancel(self) -> None:
        """Forget the action; a timer that has fired already is left alone."""
        self.action = None


class Clock:
    """The one source of time of the embedded AWS.

    The offset is also written to a file, because the Lambda processes read it there (they live
    outside this process and must see every jump).

    Args:
        offset_file: where the offset in seconds stands as text; None for a clock without readers.
    """

    def __init__(self, offset_file: Path | None = None) -> None:
        self.offset_file = offset_file
        self._offset = 0.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._busy = 0
        self._jump = threading.Lock()
        self._stopped = False
        self._write()

    def now(self) -> float:
        """Seconds since the epoch, virtual."""
        return time.time() + self._offset

    def utcnow(self) -> datetime:
        """The same moment as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    @property
    def offset(self) -> float:
        """Seconds by which virtual time is ahead of real time."""
        return self._offset

    def call_at(self, due: float, action: Action) -> Timer:
        """Run action once when the clock reaches due (epoch seconds); a past moment fires at once.

        Actions run one after another on the clock's own thread: they must be short, and hand long work to a thread
        that holds working().
        """
        timer = Timer(due, action)
        with self._changed:
            heapq.heappush(self._timers, (due, next(self._order), timer))
            self._changed.notify_all()
        return timer

    @contextmanager
    def working(self) -> Iterator[None]:
        """Mark work in flight (a rotation, an asynchronous invocation): advance() never jumps over it."""
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify_all()

    def spawn(self, action: Action, name: str) -> None:
        """Run action in a daemon thread that counts as work in flight from this moment on."""
        started = threading.Event()

        def run() -> None:
            with self.working():
                started.set()
                action()

        threading.Thread(target=run, name=name, daemon=True).start()
        started.wait()

    def advance(self, seconds: float, idle_timeout: float = 120.0) -> None:
        """Move time forward, stopping at every timer on the way.

        Between two timers all work in flight is waited for, so that nothing sees time jump under it.

        Raises:
            ValueError: seconds is negative.
            TimeoutError: work in flight did not end within idle_timeout real seconds.
        """
        if seconds < 0:
            raise ValueError("time only moves forward")
        with self._jump:
            target = self.now() + seconds
            while True:
                self.wait_idle(idle_timeout)
                with self._changed:
                    due = self._timers[0][0] if self._timers else None
                    stop = target if due is None or due > target else due
                    if stop > self.now():
                        self._offset += stop - self.now()
                        self._write()
                    self._changed.notify_all()
                self._fire()
                if stop == target:
                    self.wait_idle(idle_timeout)
                    return

    def hasten(self, seconds: float) -> None:
        """Move time forward under work in flight: what waits for a deadline meets it sooner.

        Raises:
            ValueError: seconds is negative.
        """
        if seconds < 0:
            raise ValueError("time only moves forward")
        with self._changed:
            self._offset += seconds
            self._write()
            self._changed.notify_all()

    def wait_idle(self, timeout: float = 120.0) -> None:
        """Return once no work is in flight.

        Raises:
            TimeoutError: not within timeout real seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._busy == 0, timeout):
                raise TimeoutError(f"{self._busy} pieces of work still in flight after {timeout:.0f} s")

    def start(self) -> None:
        """Fire timers as real time passes too, on a thread of the clock's own."""
        threading.Thread(target=self._run, name="clock", daemon=True).start()

    def stop(self) -> None:
        """End the thread that start() made."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget every timer (the offset stays: time never moves back)."""
        with self._changed:
            self._timers.clear()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                wait = self._timers[0][0] - self.now() if self._timers else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
            self._fire()

    def _fire(self) -> None:
        """Run what is due; the work counts as in flight, so advance() waits for the other thread's as well."""
        with self.working():
            while True:
                with self._changed:
                    if not self._timers or self._timers[0][0] > self.now():
                        return
                    timer = heapq.heappop(self._timers)[2]
                action, timer.action = timer.action, None
                if action is not None:
                    action()

    def _write(self) -> None:
        if self.offset_file is not None:
            fresh = self.offset_file.with_suffix(".new")
            fresh.write_text(repr(self._offset))
            fresh.replace(self.offset_file)
