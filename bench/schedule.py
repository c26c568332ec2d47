# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Schedules for N secrets: our module, the loop that people write today, and a bare boto3 pool as the floor."""

from __future__ import annotations

import json
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.package import build
from demo.old_fleet import REGION, Aws
from judge.boundary import passing_function

from .record import LOOP, OURS, SCRIPT, BenchError, Measured, Row, extrapolated

FIRST, AGAIN = "attach schedules", "nothing to change"
UNPACED, LISTED, CHECK = f"{FIRST}, unpaced", f"{AGAIN}, list", "--check, all differ"
SIZES = (20, 100, 300, 1000)
LOOP_SIZES = (20, 100)
DAYS = 85
BUCKET = "token bucket"
VALUE = '{"password": "one that stays"}'
_TOOLS = Path(sysconfig.get_path("scripts"))

_TASKS: Mapping[str, dict[str, Any]] = {
    OURS: {
        "evergreen.key_rotation.rotation_schedule": {
            "region": REGION,
            "service_accounts": "{{ fleet }}",
            "functions": {"noop": "{{ function }}"},
            "read": "{{ read }}",
            "writes_per_second": "{{ pace }}",
        }
    },
    LOOP: {
        "community.aws.secretsmanager_secret": {
            "region": REGION,
            "name": "{{ item.secret_name }}",
            "secret": VALUE,
            "rotation_lambda": "{{ function }}",
            "rotation_interval": "{{ item.rotation_days }}",
        },
        "loop": "{{ fleet }}",
        "loop_control": {"label": "{{ item.name }}"},
    },
}


class Bench:
    """One embedded AWS, emptied before each first run; its functions answer without running.

    Args:
        aws: that AWS.
        measured: runs the commands.
        folder: for playbooks and inventories.
    """

    def __init__(self, aws: Aws, measured: Measured, folder: Path) -> None:
        self._aws = aws
        self._measured = measured
        self._folder = folder

    def seed(self, n: int) -> None:
        """N secrets that nobody rotates, and a function; leaves fleet.json for every side."""
        self._aws.remote.reset()
        self._aws.remote.knobs(functions_run=False)
        client = self._aws.client("secretsmanager")
        fleet = [
            {
                "name": f"database-{number:05}",
                "secret_name": f"/acmecorp/database-{number:05}",
                "rotation_strategy": "noop",
                "rotation_days": DAYS,
            }
            for number in range(n)
        ]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda one: client.create_secret(Name=one["secret_name"], SecretString=VALUE), fleet))
        function = passing_function(self._aws)
        (self._folder / "fleet.json").write_text(
            json.dumps({"fleet": fleet, "function": function, "read": "describe", "pace": 45})
        )

    def command(self, side: str, *more: str) -> list[str]:
        """How a side is run."""
        fleet = self._folder / "fleet.json"
        if side == SCRIPT:
            function = json.loads(fleet.read_text())["function"]
            return [sys.executable, str(Path(__file__).parent / "pool_script.py"), str(fleet), function]
        playbook = self._folder / f"{side}.yml"
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [_TASKS[side]]}
        play["vars"] = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        playbook.write_text(json.dumps([play]))
        tool = [sys.executable, str(_TOOLS / "ansible-playbook"), "-i", "localhost,", str(playbook), "-e", f"@{fleet}"]
        return [*tool, *more]

    def run(self, name: str, n: int, side: str, *more: str) -> Row:
        """One measured run."""
        return self._measured.run(name, n, side, self.command(side, *more), self._folder / f"{side}.log")

    def sizes(self) -> list[Row]:
        """Every size and side, first and again; our list mode again as well."""
        rows: list[Row] = []
        for n in SIZES:
            for side in (OURS, SCRIPT, *((LOOP,) if n in LOOP_SIZES else ())):
                self.seed(n)
                rows += [self.run(FIRST, n, side), self.run(AGAIN, n, side)]
                if side == OURS:
                    rows.append(self.run(LISTED, n, side, "-e", "read=list"))
                    rows.append(self.check(n))
            if n == SIZES[-1]:
                self.seed(n)
                rows.append(self.run(UNPACED, n, OURS, "-e", "pace=100000"))
        loops = {name: [row for row in rows if row.side == LOOP and row.name == name] for name in (FIRST, AGAIN)}
        rows += [extrapolated(loops[name], n) for name in loops for n in SIZES if n not in LOOP_SIZES]
        return sorted(rows, key=lambda row: (row.name, row.n, row.side))

    def check(self, n: int) -> Row:
        """A check run on schedules that all differ: it says so, and writes nothing."""
        return self.run(CHECK, n, OURS, "--check", "-e", json.dumps({"fleet": self._earlier()}))

    def _earlier(self) -> list[dict[str, Any]]:
        fleet = json.loads((self._folder / "fleet.json").read_text())["fleet"]
        return [{**one, "rotation_days": DAYS - 1} for one in fleet]

    def quotas(self, n: int, latency_seconds: float, per_second: float) -> list[Row]:
        """The first run with every call under way for a while, and a token bucket on RotateSecret."""
        rows = []
        for side in (OURS, SCRIPT):
            self.seed(n)
            self._aws.remote.knobs(latency_seconds=latency_seconds, rates={"secretsmanager:RotateSecret": per_second})
            rows.append(self._survivor(n, side))
            self._aws.remote.knobs(latency_seconds=0.0, rates={})
        return rows

    def _survivor(self, n: int, side: str) -> Row:
        """A side under quotas: the bare script stops at its first throttled call that retries did not save."""
        try:
            row = self.run(BUCKET, n, side)
        except BenchError:
            if side == OURS:
                raise
            row = Row(BUCKET, n, side, 0.0, 0.0, 0)
        rotated = [entry["error"] for entry in self._aws.remote.journal() if entry["action"] == "RotateSecret"]
        done = rotated.count(None)
        return replace(row, more={**(row.more or {}), "finished": done, "throttled": len(rotated) - done})


def pick(rows: Sequence[Row], name: str, n: int, side: str) -> Row:
    """The row of a name, size and side."""
    return next(row for row in rows if (row.name, row.n, row.side) == (name, n, side))


def built(folder: Path) -> Path:
    """The zip that a deploy packages."""
    path = folder / "rotation.zip"
    path.write_bytes(build())
    return path
