# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The whole deploy playbook over service accounts with access keys: each needs two tags and a schedule at first."""

from __future__ import annotations

import json
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from demo.old_fleet import Aws, seed_user

from .record import OURS, Measured, Row

FIRST, AGAIN = "deploy of users with keys", "deploy of users with keys, again"
_TOOLS = Path(sysconfig.get_path("scripts"))


def seed(aws: Aws, folder: Path, n: int) -> Path:
    """N users with old keys in secrets that nobody rotates, in an empty account.

    Returns:
        Their inventory. Its deploys rotate nothing.
    """
    aws.remote.reset()
    names = [f"service-{number:05}" for number in range(n)]
    hosts = {name: {"secret_name": f"/acmecorp/{name}", "iam_user": name} for name in names}
    variables = {
        "aws_account": "acmecorp-prod",
        "aws_region": "us-east-1",
        "notify_from": "alerts@acmecorp.com",
        "notify_email": "platform@acmecorp.com",
        "rotation_strategy": "iam_access_key",
        "rotate_on_enrol": "none",
    }
    inventory = folder / "users.yml"
    inventory.write_text(json.dumps({"all": {"children": {"acmecorp_prod": {"vars": variables, "hosts": hosts}}}}))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: seed_user(aws, f"/acmecorp/{name}", name), names))
    return inventory


def measure(aws: Aws, measured: Measured, folder: Path, n: int) -> list[Row]:
    """The first deploy and one with nothing to change; the functions answer without running."""
    inventory = seed(aws, folder, n)
    aws.remote.knobs(functions_run=False)
    command = [
        *(sys.executable, str(_TOOLS / "ansible-playbook"), "evergreen.key_rotation.deploy", "-i", str(inventory)),
        *(
            "-e",
            f"rotation_package_path={folder / 'rotation.zip'}",
            "-e",
            "ansible_python_interpreter=" + sys.executable,
        ),
    ]
    rows = [measured.run(name, n, OURS, command, folder / "deploy.log") for name in (FIRST, AGAIN)]
    aws.remote.knobs(functions_run=True)
    return rows
