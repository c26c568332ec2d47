# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Key ages of a thousand users: one audit against one amazon.aws.iam_access_key_info call for each user."""

from __future__ import annotations

import json
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from demo.old_fleet import REGION, Aws, seed_user

from .record import LOOP, OURS, Measured, Row, extrapolated

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
    aws.remote.reset()
    fleet = [
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
    rows = [_run(measured, folder, side, fleet) for side in (OURS, ACCOUNT)]
    loops = [_run(measured, folder, LOOP, fleet[:size]) for size in loop_sizes]
    return [*rows, *loops, extrapolated(loops, n)]


def _run(measured: Measured, folder: Path, side: str, fleet: list[dict[str, Any]]) -> Row:
    playbook, variables = folder / f"ages-{side}.yml", folder / "ages.json"
    variables.write_text(json.dumps({"fleet": fleet}))
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": python, "tasks": [_TASKS[side]]}
    playbook.write_text(json.dumps([play]))
    tool = str(_TOOLS / "ansible-playbook")
    command = [sys.executable, tool, "-i", "localhost,", str(playbook), "-e", f"@{variables}"]
    return measured.run(NAME, len(fleet), side, command, folder / f"ages-{side}.log")
