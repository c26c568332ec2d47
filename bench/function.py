# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The Lambda's own CPU: what a cold start imports and makes, against the usual ways of writing it."""

from __future__ import annotations

import subprocess
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from demo.old_fleet import Aws, seed
from demo.playbook import run
from demo.story import Fleet, calls_of_rotations

from .record import OURS, BenchError, Row

NAME, STEADY = "cold start", "steady-state rotation"
RUNS = 5
_PYTHON = Path(__file__).resolve().parent.parent / ".venv-lambda" / "bin" / "python"
_CLIENTS = ("secretsmanager", "iam", "sts", "scheduler", "sesv2")
_USUAL = "\n".join(["import boto3", *(f"boto3.client('{name}', region_name='us-east-1')" for name in _CLIENTS)])
_SESSIONS = "\n".join(
    ["import boto3", *(f"boto3.session.Session(region_name='us-east-1').client('{name}')" for name in _CLIENTS)]
)
_OURS = """
import iam_access_key, composition
made = composition.LazyClients()
made.secretsmanager(), made.iam(), made.iam_create(), made.scheduler(), made.ses(), made.sts("a", "b")
"""
WAYS: Mapping[str, str] = {
    "python": "",
    "botocore": "import botocore.session",
    "import": "import iam_access_key",
    "first": "import composition; composition.LazyClients().secretsmanager()",
    OURS: _OURS,
    "usual": _USUAL,
    "sessions": _SESSIONS,
}
"""Bare Python; botocore alone; our handler imported; and its first client; all six clients of ours; five clients made
as most functions do; a session for each."""
_AROUND = "import resource, time; began = time.monotonic()\n{code}\n" + (
    "used = resource.getrusage(resource.RUSAGE_SELF); print(used.ru_utime + used.ru_stime, time.monotonic() - began)"
)


def measure(package: Path, folder: Path) -> list[Row]:
    """The best of some runs of each way, in the environment that holds what a Lambda holds.

    Args:
        package: the zip that is deployed.
    """
    unpacked = folder / "function"
    with zipfile.ZipFile(package) as archive:
        archive.extractall(unpacked)
    return [_best(name, code, unpacked) for name, code in WAYS.items()]


def _best(name: str, code: str, unpacked: Path) -> Row:
    environment = {"PYTHONPATH": str(unpacked), "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}
    found = []
    for _ in range(RUNS + 1):
        done = subprocess.run(
            [str(_PYTHON), "-c", _AROUND.format(code=code)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BenchError(f"{name} failed:\n{done.stderr[-2000:]}")
        cpu, wall = (float(number) for number in done.stdout.split())
        found.append((cpu, wall))
    cpu, wall = min(found[1:])  # the first one writes the byte code
    return Row(NAME, 1, name, round(wall, 4), round(cpu, 4), 0)


def told(rows: list[Row]) -> str:
    """Milliseconds of CPU above a bare interpreter."""
    bare = next(row.cpu_s for row in rows if row.side == "python")
    return "\n".join(f"  {row.side:9} {1000 * (row.cpu_s - bare):>6.0f} ms CPU" for row in rows if row.side != "python")


def steady_state(aws: Aws) -> Row:
    """The most AWS calls of a rotation whose user has the Inactive key of the one before it.

    Raises:
        BenchError: a deploy failed, or nothing rotated.
    """
    aws.remote.reset()
    seed(aws)
    began = time.monotonic()
    done = run("deploy", aws.endpoint, "-e", "rotation_proof_spacing_seconds=0.5")
    if done.code:
        raise BenchError(f"deploy ended with {done.code}:\n{done.output[-2000:]}")
    aws.remote.advance(25 * 3600)
    retired, journal = Fleet.read(aws), len(aws.remote.journal())
    aws.remote.advance(84 * 86400)
    calls = calls_of_rotations(aws.remote.journal()[journal:], retired)
    if not calls:
        raise BenchError("nothing rotated within 85 days of a deploy")
    most = max(len(made) for made in calls.values())
    return Row(STEADY, len(calls), OURS, round(time.monotonic() - began, 3), 0.0, most)
