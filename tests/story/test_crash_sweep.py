# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The smallest complete crash sweep: the function's process is killed before and after each of its AWS calls."""

from __future__ import annotations

import re
import subprocess
import sys

from demo.playbook import CHECKOUT

STEADY_STATE_CALLS, RETIREMENT_CALLS = 20, 9
"""At least; the sweep finds the calls by itself, and this keeps it from finding none."""


def test_no_crash_loses_a_key():
    # A process of its own: moto is global, and this folder's embedded AWS is running.
    done = subprocess.run(
        [sys.executable, "-m", "chaos.embedded", "--quick"],
        check=False,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = re.findall(r"^same token +(kill before|kill after) +(\d+) +(\d+)$", done.stdout, re.MULTILINE)
    assert [row[0] for row in rows] == ["kill before", "kill after"], done.stdout
    assert all(int(steady) >= STEADY_STATE_CALLS and int(retire) >= RETIREMENT_CALLS for _, steady, retire in rows)
