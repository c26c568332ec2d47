# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Real ansible-playbook runs against an embedded AWS."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from sandbox.world import ADMINISTRATOR

CHECKOUT = Path(__file__).resolve().parent.parent
INVENTORY = CHECKOUT / "inventory" / "acmecorp.yml"


@dataclass(frozen=True)
class Run:
    """One finished run."""

    code: int
    output: str

    @property
    def changed(self) -> int:
        """The recap's changed, over all hosts."""
        return sum(int(count) for count in re.findall(r"changed=(\d+)", self.output))

    @property
    def summary(self) -> str:
        """What the Summary play printed: the lines that are meant for a person."""
        start = self.output.find("PLAY [Summary")
        end = self.output.find("PLAY RECAP", start)
        lines = self.output[start:end].splitlines() if start >= 0 else []
        furniture = re.compile(r"(PLAY|TASK) \[|(ok|skipping|changed): \[|included: |$")
        return "\n".join(line for line in lines if not furniture.match(line))


def run(
    name: str,
    endpoint: str,
    *arguments: str,
    inventory: Path = INVENTORY,
    environment: dict[str, str] | None = None,
    folder: Path = CHECKOUT,
) -> Run:
    """Run one of the collection's playbooks.

    Args:
        name: e.g. deploy; or the path of a playbook that imports one.
        arguments: as a person would type them, e.g. --check.
        environment: variables over the usual ones.
        folder: where the person stands.
    """
    tools = Path(sysconfig.get_path("scripts"))
    variables = {
        "PATH": f"{tools}:{os.defpath}",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "ANSIBLE_NOCOLOR": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ADMINISTRATOR[0],
        "AWS_SECRET_ACCESS_KEY": ADMINISTRATOR[1],
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **(environment or {}),
    }
    command = [
        sys.executable,
        str(tools / "ansible-playbook"),
        name if name.endswith(".yml") else f"evergreen.key_rotation.{name}",
        "-i",
        str(inventory),
        *arguments,
    ]
    done = subprocess.run(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=folder
    )
    return Run(done.returncode, done.stdout)
