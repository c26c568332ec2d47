# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The action plugin takes nothing away from the module that it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path


def test_a_long_run_may_go_on_in_the_background(tmp_path: Path) -> None:
    """With async the file would be gone before the module writes to it: then it runs without."""
    options = {"service_accounts": [], "region": "us-east-1", "access_key": "x", "secret_key": "y"}
    done = subprocess.run(
        [
            *(sys.executable, str(Path(sys.executable).parent / "ansible"), "localhost", "-B", "60", "-P", "1"),
            *("-m", "evergreen.key_rotation.rotation_run", "-a", json.dumps(options)),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "ANSIBLE_LOCALHOST_WARNING": "false", "ANSIBLE_ASYNC_DIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ansible_job_id" in done.stdout
