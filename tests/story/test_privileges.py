# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Nothing that the deployed roles may do is superfluous: each right is taken away in turn, and something fails."""

from __future__ import annotations

import re
import subprocess
import sys

from demo.playbook import CHECKOUT

LEAST_ROWS = {"key-rotation-iam-access-key": 30, "key-rotation-noop": 10, "key-rotation-retirement": 6}
"""The command finds the rights by itself, and this keeps it from finding none."""


def test_every_right_is_needed_and_every_guard_keeps_something_out():
    # A process of its own: moto is global, and this folder's embedded AWS is running.
    done = subprocess.run(
        [sys.executable, "-m", "chaos.privileges"],
        check=False,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^\| (key-rotation-\S+) \| ([^|]+) \| ([^|]+) \|$", done.stdout, re.MULTILINE)
    found = {role: sum(row[0] == role for row in rows) for role in LEAST_ROWS}
    assert all(found[role] >= least for role, least in LEAST_ROWS.items()), found
    documented = (CHECKOUT / "docs" / "permissions.md").read_text()
    new = [row for row in rows if f"| {' | '.join(row)} |" not in documented]
    assert new == [], "run: python -m chaos.privileges --docs docs/permissions.md"
    slots = [without for _, taken, without in rows if taken.endswith("iam:DeleteAccessKey")]
    assert [without.count("slot: ") for without in slots] == [4]
