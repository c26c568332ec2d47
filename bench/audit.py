# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Key ages of a thousand users: one audit against one amazon.aws.iam_access_key_info call for each user."""

from __future__ import annotations

import json
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from demo.old_fleet import REGION, Aws, seed_user

from .record import LOOP, OURS, BenchError, Measured, Row, extrapolated

NAME = "key ages"
ACCOUNT = "account"
_TOOLS = Path(sysconfig.get_path("scripts"))
_INFO: dict[str, Any] = {"region": REGION, "whole_account": True, "service_accounts": "{{ fleet }}"}
_TASKS: dict[str, dict[str, Any]] = {
    OURS: {"evergreen.key_rotation.rotation_info": _INFO},
    ACCOUNT: {"evergreen.key_rotation.rotation_info": {**_INFO, "service_accounts": []}},
    LOOP: {
        "amazon.aws.iam_access_key_info": {"user_name": "{{ item.iam_user }}", "region": REGION},
        "loop": "{{ fleet }}",
        "loop_control": {"label": "{{ item.name }}"},
    },
}


def measure(aws: Aws, measured: Measured, folder: Path, n: int, loop_sizes: tuple[int, ...]) -> list[Row]:
    """Everything about every service account, the credential report alone, and the loop, which is run on fewer."""
    fleet = _seeded(aws, n)
    rows = [_run(measured, folder, side, fleet) for side in (OURS, ACCOUNT)]
    loops = [_run(measured, folder, LOOP, fleet[:size]) for size in loop_sizes]
    return [*rows, *loops, extrapolated(loops, n)]


def throttled(aws: Aws, measured: Measured, folder: Path, n: int, per_second: float) -> Row:
    """The whole audit while IAM takes so many calls a second.

    Raises:
        BenchError: a service account could not be read.
    """
    fleet = _seeded(aws, n)
    aws.remote.knobs(rates={"iam": per_second}, latency_seconds=0.04)
    row = _run(measured, folder, OURS, fleet)
    if "unreadable" in (folder / f"ages-{OURS}.log").read_text():
        raise BenchError(f"not every service account could be read at {per_second} IAM calls a second")
    return replace(row, name=f"{NAME}, IAM {per_second:.0f}/s")


def _seeded(aws: Aws, n: int) -> list[dict[str, Any]]:
    """N users with keys in secrets, and no quotas."""
    aws.remote.reset()
    fleet: list[dict[str, Any]] = [
        {
            "name": f"service-{number:05}",
            "secret_name": f"/acmecorp/service-{number:05}",
            "iam_user": f"service-{number:05}",
            "rotation_strategy": "iam_access_key",
            "rotation_days": 85,
        }
        for number in range(n)
    ]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: seed_user(aws, one["secret_name"], one["iam_user"], 30), fleet))
    return fleet


def _run(measured: Measured, folder: Path, side: str, fleet: list[dict[str, Any]]) -> Row:
    playbook, variables = folder / f"ages-{side}.yml", folder / "ages.json"
    variables.write_text(json.dumps({"fleet": fleet}))
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": python, "tasks": [_TASKS[side]]}
    playbook.write_text(json.dumps([play]))
    tool = str(_TOOLS / "ansible-playbook")
    command = [sys.executable, tool, "-i", "localhost,", str(playbook), "-e", f"@{variables}", "-v"]
    return measured.run(NAME, len(fleet), side, command, folder / f"ages-{side}.log")
