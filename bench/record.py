# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What is measured, and how: one row for each side, CPU of the measured processes alone, calls from the journal."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.remote import Remote

from .memory import Memory

OURS, LOOP, SCRIPT = "ours", "loop", "script"


class BenchError(Exception):
    """A side failed, or a figure is not what it must be; the text says which."""


@dataclass(frozen=True)
class Row:
    """One measurement.

    Attributes:
        name: what was done.
        n: with how many secrets, hosts or users.
        side: ours, loop, script, or what else was compared.
        wall_s, cpu_s: seconds; CPU of the measured processes, not of the embedded AWS.
        calls: AWS calls that arrived.
        extrapolated: reckoned from a smaller n, not run.
        more: what else was counted.
    """

    name: str
    n: int
    side: str
    wall_s: float
    cpu_s: float
    calls: int
    extrapolated: bool = False
    more: Mapping[str, float] | None = None


class Measured:
    """Runs commands against one embedded AWS.

    Args:
        remote: its control addresses.
        environment: of the commands.
    """

    def __init__(self, remote: Remote, environment: Mapping[str, str]) -> None:
        self.remote = remote
        self._environment = dict(environment)

    def run(self, name: str, n: int, side: str, command: Sequence[str], log: Path) -> Row:
        """Run one command to its end.

        Raises:
            BenchError: it failed; the text has the end of its output.
        """
        before = len(self.remote.journal())
        began = time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
            memory = Memory(process.pid)
            _, status, usage = os.wait4(process.pid, 0)
        wall, memory_mb = time.monotonic() - began, memory.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise BenchError(f"{name}, {side}, N={n} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
        found = [entry for entry in self.remote.journal()[before:] if entry["service"] != "lambda"]
        more = {
            "writes": float(sum(not is_read(entry["action"]) for entry in found)),
            "throttled": float(sum("hrottl" in (entry["error"] or "") for entry in found)),
            "memory_mb": round(memory_mb, 1),
        }
        return Row(name, n, side, round(wall, 3), round(usage.ru_utime + usage.ru_stime, 3), len(found), more=more)


def is_read(action: str) -> bool:
    """Whether an API operation changes nothing."""
    return action.startswith(("Get", "List", "Describe", "BatchGet")) or action == "GenerateCredentialReport"


def extrapolated(rows: Sequence[Row], n: int) -> Row:
    """What two measured sizes of one side say of a larger one: a straight line, marked so."""
    first, last = rows[0], rows[-1]
    scale = (n - first.n) / (last.n - first.n)

    def line(small: float, large: float) -> float:
        return round(small + (large - small) * scale, 3)

    return Row(
        first.name,
        n,
        first.side,
        line(first.wall_s, last.wall_s),
        line(first.cpu_s, last.cpu_s),
        round(line(first.calls, last.calls)),
        extrapolated=True,
    )


def slope_ms(rows: Sequence[Row]) -> float:
    """Milliseconds of wall time for each further item: least squares over the sizes."""
    mean_n, mean_wall = sum(row.n for row in rows) / len(rows), sum(row.wall_s for row in rows) / len(rows)
    above = sum((row.n - mean_n) * (row.wall_s - mean_wall) for row in rows)
    return 1000 * above / sum((row.n - mean_n) ** 2 for row in rows)


def table(rows: Sequence[Row]) -> str:
    """Rows for people; an extrapolated one has a mark."""
    lines = [f"  {'':34} {'N':>6} {'side':8} {'wall s':>9} {'CPU s':>8} {'calls':>7}"]
    lines += [
        f"  {row.name:34} {row.n:>6} {row.side:8} {row.wall_s:>8.2f}{'*' if row.extrapolated else ' '} "
        f"{row.cpu_s:>8.2f} {row.calls:>7}"
        for row in rows
    ]
    if any(row.extrapolated for row in rows):
        lines.append("  * reckoned from the smaller sizes, not run")
    return "\n".join(lines)


def save(path: Path, rows: Sequence[Row]) -> None:
    """Write the raw figures: a list of objects."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
