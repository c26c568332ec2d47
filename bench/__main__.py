# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a fleet costs, all sides in one run: our modules, the loops that people write, bare scripts as the floor.

Exit code 1: a promise of bench/promises.py is broken, or a side failed.

python -m bench                      everything; about 45 minutes, most of them a thousand rotations
python -m bench schedule quotas      only these of schedule, deploy, quotas, inventory, audit, function, rotations
"""

from __future__ import annotations

import argparse
import os
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

from demo.old_fleet import REGION, Aws
from sandbox.server import running
from sandbox.world import ADMINISTRATOR

from . import audit, deploy, function, inventory, rotations, schedule, storm
from .promises import verdict
from .record import LOOP, OURS, SCRIPT, BenchError, Measured, Row, save, slope_ms, table
from .schedule import AGAIN, FIRST, SIZES, UNPACED, pick

RESULT = Path("build/bench.json")
QUOTA_N, QUOTA_LATENCY, QUOTA_RATE = 300, 0.04, 50.0
HOSTS = 10_000
USERS, USER_LOOPS = 1_000, (20, 60)
SLOW_USERS, SLOW_RATE = 300, 10.0
ROTATIONS, AT_ONCE = 1_000, 100


class Benches:
    """The parts, each on an embedded AWS that it empties first.

    Args:
        aws: that AWS.
        measured: runs the commands.
        folder: scratch.
    """

    def __init__(self, aws: Aws, measured: Measured, folder: Path) -> None:
        self._aws = aws
        self._measured = measured
        self._folder = folder

    def schedule(self) -> list[Row]:
        """N secrets get schedules, and then nothing is to change."""
        rows = schedule.Bench(self._aws, self._measured, self._folder).sizes()
        print(table(rows))
        for name, n in ((FIRST, 100), (FIRST, 1000), (AGAIN, 100), (AGAIN, 1000)):
            ours, loop, script = (pick(rows, name, n, side) for side in (OURS, LOOP, SCRIPT))
            print(
                f"  {name}, N={n}: the loop takes {loop.wall_s / ours.wall_s:.0f} times as long and "
                f"{loop.cpu_s / ours.cpu_s:.0f} times the CPU; a bare script {ours.wall_s - script.wall_s:.2f} s less"
            )
        unpaced = pick(rows, UNPACED, SIZES[-1], OURS)
        print(
            f"  {FIRST}, N={SIZES[-1]}, writes_per_second lifted: the loop takes "
            f"{pick(rows, FIRST, SIZES[-1], LOOP).wall_s / unpaced.wall_s:.0f} times as long"
        )
        for name in (FIRST, AGAIN):
            for side in (OURS, LOOP):
                found = [row for row in rows if (row.name, row.side) == (name, side) and not row.extrapolated]
                print(f"  {name}, {side}: {slope_ms(found):.1f} ms for each further secret")
        return rows

    def deploy(self) -> list[Row]:
        """Service accounts with access keys, through the whole playbook."""
        rows = deploy.measure(self._aws, self._measured, self._folder, USERS)
        print(table(rows))
        return rows

    def quotas(self) -> list[Row]:
        """Attaching under a token bucket."""
        bench = schedule.Bench(self._aws, self._measured, self._folder)
        rows = bench.quotas(QUOTA_N, QUOTA_LATENCY, QUOTA_RATE)
        floor = (QUOTA_N - QUOTA_RATE) / QUOTA_RATE
        for row in rows:
            more = row.more or {}
            took = f"{row.wall_s:.1f} s" if row.wall_s else "died"
            print(
                f"  {row.side:8} {took}, {more['finished']:.0f} of {QUOTA_N} attached, {more['throttled']:.0f} "
                f"throttled calls; the bucket alone takes {floor:.1f} s"
            )
        return rows

    def inventory(self) -> list[Row]:
        """Selecting from ten thousand hosts."""
        rows = inventory.measure(self._measured, self._folder, HOSTS)
        print(table(rows))
        ours, alone = (next(row for row in rows if row.side == side) for side in (OURS, inventory.ALONE))
        print(
            f"  {ours.wall_s - alone.wall_s:.1f} s above the inventory alone; "
            f"{(ours.more or {})['memory_mb']:.0f} MB at the most, workers included"
        )
        return rows

    def audit(self) -> list[Row]:
        """Key ages of a thousand users."""
        rows = audit.measure(self._aws, self._measured, self._folder, USERS, USER_LOOPS)
        print(table(rows))
        ours, account = (next(row for row in rows if row.side == side) for side in (OURS, audit.ACCOUNT))
        loop = pick(rows, audit.NAME, USERS, LOOP)
        slow = audit.throttled(self._aws, self._measured, self._folder, SLOW_USERS, SLOW_RATE)
        print(
            f"  the loop takes {loop.wall_s / ours.wall_s:.0f} times as long as a whole audit of each service account, "
            f"{loop.wall_s / account.wall_s:.0f} times as long as the account's credential report"
        )
        print(
            f"  {SLOW_USERS} service accounts while IAM takes {SLOW_RATE:.0f} calls a second: all read in "
            f"{slow.wall_s:.0f} s, {(slow.more or {})['throttled']:.0f} of {slow.calls} calls throttled"
        )
        return [*rows, slow]

    def function(self) -> list[Row]:
        """A cold start of the Lambda, and the calls of a rotation."""
        rows = function.measure(schedule.built(self._folder), self._folder)
        print(function.told(rows))
        steady = function.steady_state(self._aws)
        print(f"  a steady-state rotation takes {steady.calls} AWS calls at the most, its mail not counted")
        return [*rows, steady]

    def rotations(self) -> list[Row]:
        """A thousand rotations against IAM's rate: on a virtual clock, and through the embedded AWS in real time."""
        rows = rotations.measure(ROTATIONS)
        print(rotations.told(rows), flush=True)
        real = storm.measure(self._aws, self._folder, ROTATIONS, AT_ONCE)
        print(storm.told(real))
        return [*rows, *real]


def main() -> int:
    """Measure, print, and write the raw figures."""
    parts = ("schedule", "deploy", "quotas", "inventory", "audit", "function", "rotations")
    parser = argparse.ArgumentParser(prog="python -m bench", description="What a fleet costs, against other ways.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; all when none is named")
    asked = parser.parse_args()
    unknown = sorted(set(asked.parts) - set(parts))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
    rows: list[Row] = []
    try:
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch, running() as world:
            aws = Aws(world.endpoint)
            benches = Benches(aws, Measured(aws.remote, _environment(world.endpoint)), Path(scratch))
            for part in asked.parts or parts:
                measure: Callable[[], list[Row]] = getattr(benches, part)
                print(f"\n== {part}: {(measure.__doc__ or '').strip()}\n", flush=True)
                rows += measure()
                save(RESULT, rows)
    except BenchError as failed:
        print(f"\nFAILED: {failed}", file=sys.stderr)
        return 1
    print(f"\n{len(rows)} rows in {RESULT}. What they must show:")
    promises = verdict(rows)
    for promise in promises:
        print(promise)
    return 0 if all(promise.holds for promise in promises) else 1


def _environment(endpoint: str) -> dict[str, str]:
    return {
        "PATH": f"{sysconfig.get_path('scripts')}:{os.defpath}",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "ANSIBLE_NOCOLOR": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ADMINISTRATOR[0],
        "AWS_SECRET_ACCESS_KEY": ADMINISTRATOR[1],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


if __name__ == "__main__":
    sys.exit(main())
