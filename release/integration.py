# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Run ansible-test integration on the collection as it is built, against embedded AWSs that start here.

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
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from sandbox.server import running
from sandbox.world import ADMINISTRATOR

from .tree import CHECKOUT, PYTHON, ansible_test, track, tree

TARGETS = CHECKOUT / "tests" / "integration" / "targets"
CONFIG = "integration_config.yml"
_RAN = re.compile(r"Running (\S+) integration test role")
_RECAP = re.compile(r"^testhost +: ok=([0-9]+) .* failed=([0-9]+)", re.MULTILINE)


def targets(folder: Path = TARGETS) -> dict[str, list[str]]:
    """The targets that ansible-test runs, those that are not hidden, with the files of tasks that each includes."""
    return {
        path.name: sorted(tasks.name for tasks in path.glob("tasks/*.yml") if tasks.name != "main.yml")
        for path in sorted(folder.iterdir())
        if "hidden" not in (path / "aliases").read_text().split()
    }


def shortfall(log: str, expected: Mapping[str, Sequence[str]]) -> list[str]:
    """What a run that exited with 0 did not test.

    Args:
        log: what ansible-test integration printed.
        expected: the targets that must run, with the files of tasks that each must include.
    """
    parts = _RAN.split(log)
    done = dict(zip(parts[1::2], parts[2::2], strict=True))
    wrong = [f"{target} did not run" for target in expected if target not in done]
    if not expected:
        wrong.append("there are no targets")
    for target, text in done.items():
        recap = _RECAP.search(text)
        if recap is None or int(recap[2]):
            wrong.append(f"{target} failed")
        left_out = [
            name for name in expected.get(target, ()) if f"/targets/{target}/tasks/{name} for testhost" not in text
        ]
        wrong += [f"{target} left out {name}" for name in left_out]
    return wrong


def config(endpoint: str) -> dict[str, str]:
    """What the targets must know; integration_config.yml.template says it to people."""
    return {
        "aws_endpoint_url": endpoint,
        "aws_access_key": ADMINISTRATOR[0],
        "aws_secret_key": ADMINISTRATOR[1],
        "aws_region": "us-east-1",
        "checkout": str(CHECKOUT),
        "checkout_python": sys.executable,
    }


def run(wanted: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """Test targets on a build, against an embedded AWS of their own; gives what was said, and what is wrong."""
    with running() as world, tree() as (root, _names):
        shutil.copytree(TARGETS.parent, root / "tests" / "integration")
        (root / "tests" / "integration" / CONFIG).write_text(json.dumps(config(world.endpoint)))
        track(root)
        home = root.parents[2] / "home"
        home.mkdir()
        done = ansible_test(root, "integration", "--python", PYTHON, *wanted, home=home)
    wrong = shortfall(done.stdout, wanted)
    return done.stdout, wrong or ([f"ansible-test ended with {done.returncode}"] if done.returncode else [])


def main() -> int:
    """Run the targets, half of them beside the other half, and count."""
    began, known = time.monotonic(), targets()
    unknown = sorted(set(sys.argv[1:]) - set(known))
    if unknown:
        print(f"no target {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    wanted = [(name, known[name]) for name in sys.argv[1:] or known]
    halves = [dict(wanted[first::2]) for first in range(min(2, len(wanted)))]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        results = list(pool.map(run, halves))
    for log, wrong in results:
        if wrong:
            print(log, *wrong, sep="\n- ")
    if any(wrong for _, wrong in results):
        return 1
    tasks = sum(int(ok) for log, _ in results for ok, _ in _RECAP.findall(log))
    print(
        f"ansible-core {version('ansible-core')} on Python {sys.version.split()[0]}: {len(wanted)} integration targets,"
        f" {tasks} tasks; {time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
