# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Virtual time: timers fire in order, work in flight is waited for, real time counts too."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.clock import Clock


@pytest.fixture
def clock() -> Iterator[Clock]:
    made = Clock()
    yield made
    made.stop()


def test_timers_fire_in_order_at_their_own_moment(clock: Clock) -> None:
    start, fired = clock.now(), []
    for seconds in (300, 100, 200, 5000):
        clock.call_at(start + seconds, lambda due=seconds: fired.append((due, round(clock.now() - start))))
    clock.advance(1000)
    assert fired == [(100, 100), (200, 200), (300, 300)]


def test_a_timer_set_by_a_timer_fires_in_the_same_advance(clock: Clock) -> None:
    start, fired = clock.now(), []

    def every_hour() -> None:
        fired.append(round((clock.now() - start) / 3600))
        clock.call_at(clock.now() + 3600, every_hour)

    clock.call_at(start + 3600, every_hour)
    clock.advance(4 * 3600 + 60)
    assert fired == [1, 2, 3, 4]


def test_advance_never_jumps_over_work_in_flight(clock: Clock) -> None:
    start, seen = clock.now(), []

    def work() -> None:
        time.sleep(0.3)
        seen.append(round(clock.now() - start))

    clock.call_at(start + 100, lambda: clock.spawn(work, "work"))
    clock.call_at(start + 200, lambda: seen.append(-1))
    clock.advance(1000)
    assert seen == [100, -1]


def test_work_that_never_ends_is_said(clock: Clock) -> None:
    release = threading.Event()
    clock.spawn(release.wait, "stuck")
    with pytest.raises(TimeoutError, match="1 pieces of work still in flight"):
        clock.advance(10, idle_timeout=0.2)
    release.set()
    clock.advance(10)


def test_time_can_be_hastened_under_work_in_flight(clock: Clock) -> None:
    start, release, seen = clock.now(), threading.Event(), []

    def work() -> None:
        release.wait(10)
        seen.append(round(clock.now() - start))

    clock.spawn(work, "waits for a deadline")
    clock.hasten(40)
    release.set()
    clock.wait_idle(10)
    assert seen == [40]


def test_time_only_moves_forward(clock: Clock) -> None:
    for move in (clock.advance, clock.hasten):
        with pytest.raises(ValueError, match="only moves forward"):
            move(-1)


def test_cancelled_and_cleared_timers_do_nothing(clock: Clock) -> None:
    fired: list[str] = []
    clock.call_at(clock.now() + 10, lambda: fired.append("cancelled")).cancel()
    clock.call_at(clock.now() + 20, lambda: fired.append("kept"))
    clock.advance(15)
    clock.advance(15)
    clock.call_at(clock.now() + 10, lambda: fired.append("cleared"))
    clock.clear()
    clock.advance(60)
    assert fired == ["kept"]


def test_timers_fire_as_real_time_passes(clock: Clock) -> None:
    clock.start()
    later, past = threading.Event(), threading.Event()
    clock.call_at(clock.now() + 3600, threading.Event().set)
    clock.call_at(clock.now() + 0.2, later.set)
    clock.call_at(clock.now() - 5, past.set)
    assert past.wait(5)
    assert later.wait(5)


def test_the_offset_stands_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    clock = Clock(file)
    assert float(file.read_text()) == 0
    clock.advance(86400)
    assert float(file.read_text()) == pytest.approx(86400, abs=5)
    assert clock.offset == float(file.read_text())
