# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Run ansible-test integration on the collection as it is built, against an embedded AWS that starts here.

ansible-test hands no environment variable on, AWS_ENDPOINT_URL least of all: what the targets must know is in an
integration_config.yml that is written here, and each gives it to its modules by module_defaults.

python -m release.integration [TARGET ...]
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from sandbox.server import running
from sandbox.world import ADMINISTRATOR

from .tree import CHECKOUT, PYTHON, ansible_test, track, tree

TARGETS = CHECKOUT / "tests" / "integration" / "targets"
_RAN = re.compile(r"Running (\S+) integration test role")
_RECAP = re.compile(r"^testhost +: ok=([0-9]+) .* failed=([0-9]+)", re.MULTILINE)
LEAST_TASKS = 10
"""A target that runs fewer tasks than the fleet's making alone has tested nothing."""


def targets(folder: Path = TARGETS) -> list[str]:
    """The targets that ansible-test runs: those that are not hidden."""
    aliases = {path.name: path / "aliases" for path in sorted(folder.iterdir())}
    return [name for name, path in aliases.items() if "hidden" not in path.read_text().split()]


def shortfall(log: str, expected: Sequence[str]) -> list[str]:
    """What a run that exited with 0 did not test.

    Args:
        log: what ansible-test integration printed.
        expected: names of the targets that must run.
    """
    parts = _RAN.split(log)
    done = dict(zip(parts[1::2], parts[2::2], strict=True))
    wrong = [f"{target} did not run" for target in expected if target not in done]
    if not expected:
        wrong.append("there are no targets")
    for target, text in done.items():
        recap = _RECAP.search(text)
        if recap is None or int(recap[1]) < LEAST_TASKS or int(recap[2]):
            wrong.append(f"{target} tested nothing" if recap is None or not int(recap[2]) else f"{target} failed")
    return wrong


def main() -> int:
    """Build, copy the targets to it, test, count."""
    began, wanted = time.monotonic(), sys.argv[1:] or targets()
    with running() as world, tree() as (root, _names):
        shutil.copytree(TARGETS.parent, root / "tests" / "integration")
        config = {
            "aws_endpoint_url": world.endpoint,
            "aws_access_key": ADMINISTRATOR[0],
            "aws_secret_key": ADMINISTRATOR[1],
            "aws_region": "us-east-1",
            "checkout": str(CHECKOUT),
            "checkout_python": sys.executable,
        }
        (root / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(config))
        track(root)
        run = ansible_test(root, "integration", "--python", PYTHON, *wanted)
    wrong = shortfall(run.stdout, wanted)
    if run.returncode or wrong:
        print(run.stdout, *wrong, sep="\n- ")
        return 1
    print(
        f"ansible-core {version('ansible-core')} on Python {sys.version.split()[0]}: {len(wanted)} integration targets,"
        f" {sum(int(ok) for ok, _ in _RECAP.findall(run.stdout))} tasks; {time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
