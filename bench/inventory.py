# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Ten thousand hosts: what selecting the service accounts costs above Ansible's own reading of the inventory."""

from __future__ import annotations

import json
import sys
import sysconfig
from pathlib import Path

from .record import OURS, Measured, Row

NAME = "select"
ALONE = "alone"
ACCOUNTS = 20
_TOOLS = Path(sysconfig.get_path("scripts"))
_PLAYBOOKS = Path(__file__).resolve().parent.parent / "playbooks"


def measure(measured: Measured, folder: Path, n: int) -> list[Row]:
    """ansible-inventory --list alone, and a playbook that selects and makes the runners but does no work."""
    inventory = folder / "fleet.yml"
    inventory.write_text(json.dumps(_inventory(n)))
    playbook = folder / "select.yml"
    playbook.write_text(json.dumps(_plays()))
    tools = {
        ALONE: ["ansible-inventory", "-i", str(inventory), "--list"],
        OURS: ["ansible-playbook", "-i", str(inventory), str(playbook)],
    }
    return [
        measured.run(NAME, n, side, [sys.executable, str(_TOOLS / tool), *rest], folder / f"{side}.log")
        for side, (tool, *rest) in tools.items()
    ]


def _inventory(n: int) -> dict[str, object]:
    """So many service accounts in twenty AWS accounts; JSON is YAML."""
    children = {}
    for account in range(ACCOUNTS):
        hosts = {
            f"service-{number:05}": {
                "secret_name": f"/acmecorp/service-{number:05}",
                "iam_user": f"service-{number:05}",
            }
            for number in range(account, n, ACCOUNTS)
        }
        label = f"account_{account:02}"
        variables = {
            "aws_account": label,
            "aws_account_id": f"{100000000000 + account}",
            "aws_region": "us-east-1",
            "notify_from": "alerts@acmecorp.com",
            "rotation_strategy": "iam_access_key",
            "notify_email": "platform@acmecorp.com",
        }
        children[label] = {"vars": variables, "hosts": hosts}
    return {"all": {"children": children}}


def _plays() -> list[dict[str, object]]:
    common = {"connection": "local", "gather_facts": False}
    python = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    select = {"ansible.builtin.include_tasks": str(_PLAYBOOKS / "tasks" / "select.yml"), "run_once": True}
    seen = {"ansible.builtin.debug": {"msg": "{{ rotation_account.service_accounts | length }}"}}
    return [
        {"hosts": "all:localhost", "any_errors_fatal": True, "vars": python, "tasks": [select], **common},
        {"hosts": "rotation_runners", "vars": python, "tasks": [seen], **common},
    ]
