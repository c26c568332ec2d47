# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A fleet of old keys rotated through the embedded AWS and the deployed zip while IAM takes ten calls a second.

Paced is the rotate playbook as it is delivered. At once is RotateSecret for each, as a script would; each of those
rotations is a process of about 50 MB that starts on this machine's cores, so there are fewer of them:
bench/rotations.py has a thousand at once, without processes.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from demo.old_fleet import Aws
from demo.playbook import run
from sandbox.rotation import STEPS

from . import deploy
from .record import BenchError, Row

NAME = "rotations on the embedded AWS, IAM 10/s, first try"
PACED, AT_ONCE = "paced", "at once"
IAM_CALLS_PER_SECOND = 10.0
KEY_WORKS_AFTER_SECONDS = 5.0
_STARTS_PER_SECOND = 45.0
_END_SECONDS = 600.0


def measure(aws: Aws, folder: Path, paced: int, at_once: int) -> list[Row]:
    """Both ways, each on a fleet of its own that was deployed without a quota."""
    return [_measured(aws, folder, PACED, paced), _measured(aws, folder, AT_ONCE, at_once)]


def told(rows: list[Row]) -> str:
    """For people."""
    return "\n".join(
        f"  {row.side:8} N={row.n}: {(row.more or {})['first_try']:.1%} at the first try, {row.wall_s:.0f} s, "
        f"{row.calls} IAM calls, {(row.more or {})['throttled']:.0f} of them throttled"
        for row in rows
    )


def first_tries(journal: list[dict[str, Any]]) -> dict[str, str]:
    """Of the journal's rotations, each secret whose first attempt is over: the step that failed and why, or nothing.

    An attempt has the four steps in order; after a step that failed, the service begins with the first one again.
    """
    steps: dict[str, list[str]] = {}
    for entry in journal:
        if entry["service"] == "lambda" and entry["ids"].get("Step") in STEPS and entry["ended"]:
            said = f"{entry['ids']['Step']}: {entry['error']}" if entry["error"] else ""
            steps.setdefault(entry["ids"]["SecretId"], []).append(said)
    failed = {secret: next(filter(None, said[: len(STEPS)]), "") for secret, said in steps.items()}
    return {secret: why for secret, why in failed.items() if why or len(steps[secret]) >= len(STEPS)}


def _measured(aws: Aws, folder: Path, side: str, n: int) -> Row:
    inventory = _deployed(aws, folder, n)
    before = len(aws.remote.journal())
    aws.remote.knobs(
        rates={"iam": IAM_CALLS_PER_SECOND},
        latency_seconds=0.05,
        key_visible_after_seconds=KEY_WORKS_AFTER_SECONDS,
    )
    began = time.monotonic()
    said = ""
    if side == PACED:
        done = run("rotate", aws.endpoint, inventory=inventory)
        said = f", rotate with {done.code}:\n{done.output[-2000:]}" if done.code else ""
    else:
        _all_at_once(aws, n)
    _wait(aws, before, n)  # rotate goes by the labels: the last step may still run
    wall = time.monotonic() - began
    aws.remote.knobs(rates={}, latency_seconds=0.0, key_visible_after_seconds=0.0)
    journal = aws.remote.journal()[before:]
    tries = first_tries(journal)
    failed = {secret: why for secret, why in tries.items() if why}
    if len(tries) != n or (said and not failed):
        raise BenchError(f"{side}: {len(tries)} of {n} rotations ended{said}")
    if side == PACED:
        print("".join(f"  {secret}: {why}\n" for secret, why in failed.items()), end="")
    calls = [entry["error"] for entry in journal if entry["service"] == "iam"]
    more = {"first_try": 1 - len(failed) / n, "throttled": float(sum("hrottl" in (error or "") for error in calls))}
    return Row(NAME, n, side, round(wall, 1), 0.0, len(calls), more=more)


def _deployed(aws: Aws, folder: Path, n: int) -> Path:
    """N old keys, each with its schedule, none rotated yet."""
    inventory = deploy.seed(aws, folder, n)
    done = run("deploy", aws.endpoint, "-e", f"rotation_package_path={folder / 'rotation.zip'}", inventory=inventory)
    if done.code:
        raise BenchError(f"deploy of {n} ended with {done.code}:\n{done.output[-2000:]}")
    aws.remote.advance(1)  # which waits for the tests that attaching starts: they hold AWSPENDING
    return inventory


def _all_at_once(aws: Aws, n: int) -> None:
    """Start every rotation, as fast as RotateSecret's own quota lets anybody."""
    client = aws.client("secretsmanager")
    for number in range(n):
        client.rotate_secret(SecretId=f"/acmecorp/service-{number:05}")
        time.sleep(1 / _STARTS_PER_SECOND)


def _wait(aws: Aws, before: int, n: int) -> None:
    """Until each first attempt is over.

    Raises:
        BenchError: some are not, after ten minutes.
    """
    deadline = time.monotonic() + _END_SECONDS
    while (over := len(first_tries(aws.remote.journal()[before:]))) < n:
        if time.monotonic() > deadline:
            raise BenchError(f"{over} of {n} first attempts were over after {_END_SECONDS:.0f} s")
        time.sleep(1)
