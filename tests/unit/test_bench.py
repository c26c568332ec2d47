# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The benchmarks' arithmetic: a straight line, a slope, and promises that can be broken."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from bench.memory import held_kb
from bench.promises import verdict
from bench.record import LOOP, OURS, SCRIPT, Row, extrapolated, is_read, slope_ms
from bench.rotations import NAME, measure
from bench.schedule import AGAIN, BUCKET, CHECK, FIRST, LISTED, UNPACED
from bench.storm import NAME as STORM
from bench.storm import first_tries
from sandbox.rotation import STEPS


def row(name: str, n: int, side: str, wall_s: float, calls: int = 0, **more: float) -> Row:
    return Row(name, n, side, wall_s, wall_s, calls, more={"writes": 0.0, **more})


GOOD = [
    row(AGAIN, 100, OURS, 1.2),
    row(AGAIN, 100, LOOP, 40.0),
    row(AGAIN, 100, SCRIPT, 0.4),
    row(UNPACED, 1000, OURS, 5.0),
    row(FIRST, 1000, LOOP, 440.0),
    row(FIRST, 1000, OURS, 5.0),
    row(AGAIN, 1000, OURS, 3.0, 1000),
    row(LISTED, 1000, OURS, 2.0, 10),
    row(CHECK, 20, OURS, 1.0),
    row(CHECK, 100, OURS, 1.0),
    row(BUCKET, 300, OURS, 8.0, finished=300.0, throttled=0.0),
    row(NAME, 1000, "paced", 2.0, first_try=0.99),
    row(STORM, 1000, "paced", 1900.0, first_try=0.99),
]
BROKEN = {
    "times faster than the loop, 25": row(AGAIN, 100, OURS, 1.7),
    "above the bare script": row(AGAIN, 100, SCRIPT, -0.4),
    "no pace: times faster": row(UNPACED, 1000, OURS, 7.5),
    "less CPU than the loop": row(FIRST, 1000, OURS, 7.5),
    "on a virtual clock": row(NAME, 1000, "paced", 2.0, first_try=0.989),
    "on the embedded AWS": row(STORM, 1000, "paced", 1900.0, first_try=0.989),
    "calls, 1,000 at most": row(AGAIN, 1000, OURS, 3.0, 1001),
    "nothing to change: writes": row(AGAIN, 1000, OURS, 3.0, 1000, writes=1.0),
    "read: list": row(LISTED, 1000, OURS, 2.0, 21),
    "--check": row(CHECK, 100, OURS, 1.0, writes=1.0),
    "not attached": row(BUCKET, 300, OURS, 8.0, finished=299.0, throttled=0.0),
    "throttled calls": row(BUCKET, 300, OURS, 8.0, finished=300.0, throttled=1.0),
}


def test_good_figures_hold() -> None:
    assert {promise.holds for promise in verdict(GOOD)} == {True}


@pytest.mark.parametrize("text", BROKEN)
def test_each_promise_can_be_broken(text: str) -> None:
    worse = BROKEN[text]
    key = worse.name, worse.n, worse.side
    rows = [worse if (item.name, item.n, item.side) == key else item for item in GOOD]
    assert [text in promise.text for promise in verdict(rows) if not promise.holds] == [True]


def test_a_straight_line() -> None:
    rows = [replace(row("loop", n, LOOP, 1 + 0.4 * n, 5 * n)) for n in (20, 100)]
    found = extrapolated(rows, 1000)
    assert (found.wall_s, found.calls, found.extrapolated) == (401.0, 5000, True)
    assert slope_ms(rows) == pytest.approx(400)


@pytest.mark.parametrize(("action", "reads"), [("DescribeSecret", True), ("ListUsers", True), ("RotateSecret", False)])
def test_what_writes(action: str, reads: bool) -> None:
    assert is_read(action) is reads


def test_rotations_that_start_at_once_meet_iams_rate_and_paced_ones_do_not() -> None:
    shares = {item.side: (item.more or {})["first_try"] for item in measure(150)}
    assert shares["paced"] == shares["spread"] == 1
    assert shares["at once"] < 0.9
    assert {item.name for item in measure(3)} == {NAME}


def test_a_first_attempt_is_over_with_its_fourth_step_or_its_first_error() -> None:
    def step(secret: str, name: str, error: str | None = None, ended: bool = True) -> dict[str, object]:
        return {"service": "lambda", "error": error, "ended": ended, "ids": {"SecretId": secret, "Step": name}}

    whole = [step("whole", name) for name in STEPS]
    again = [step("again", "createSecret", "Crash"), *(step("again", name) for name in STEPS)]
    late = [*(step("late", name) for name in STEPS[:3]), step("late", STEPS[3], "Crash")]
    running = [*(step("running", name) for name in STEPS[:3]), step("running", STEPS[3], ended=False)]
    other = [{"service": "iam", "error": None, "ids": {}}]
    tries = first_tries([*whole, *again, *late, *running, *other])
    assert tries == {"whole": "", "again": "createSecret: Crash", "late": "finishSecret: Crash"}


def test_pages_that_a_fork_shares_are_counted_once() -> None:
    """Ansible forks its workers: each would count the whole inventory again."""
    code = "import os, sys; data = b'x' * (80 << 20); os.fork(); os.write(1, b'.'); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == "..", "both are there"
        found = held_kb(process.pid) / 1024
    assert 80 < found < 140
