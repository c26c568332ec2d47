# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Run ansible-test sanity on the collection as it is built, with the ansible-core of the Python that runs this.

The collection is built, unpacked outside the checkout and tested there: what the build leaves out cannot help, what it
takes along by mistake is seen. Nothing is ignored. Where ansible-test tests nothing it says so in passing and exits
with 0, so what it did is counted.

python -m release.sanity
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from .tree import PYTHON, ansible_test, tree, unwanted

WITHOUT_FILES = {"empty-init", "pslint", "shellcheck"}
"""The collection holds no __init__.py with content, no PowerShell and no shell script."""

_TEST = re.compile(r'Running sanity test "([\w-]+)"')
_PYLINT = re.compile(r"Checking ([0-9]+) file\(s\) in context")


def shortfall(log: str, expected: Sequence[str], python_files: int) -> list[str]:
    """What a run that exited with 0 did not test.

    Args:
        log: what ansible-test sanity -v printed.
        expected: names of the tests that must run.
        python_files: how many the collection holds.
    """
    parts = _TEST.split(log)
    done: Mapping[str, str] = dict(zip(parts[1::2], parts[2::2], strict=True))
    wrong = [f"{test} did not run" for test in expected if test not in done]
    if not expected:
        wrong.append("ansible-test lists no tests")
    for test, text in done.items():
        if "Skipping sanity test" in text or ("No tests applicable" in text and test not in WITHOUT_FILES):
            wrong.append(f"{test} tested nothing")
    seen = sum(int(count) for count in _PYLINT.findall(log))
    if not python_files or seen != python_files:
        wrong.append(f"pylint saw {seen} of {python_files} Python files")
    return wrong


def main() -> int:
    """Build, test, count."""
    began = time.monotonic()
    with tree() as (root, names):
        if found := unwanted(names):
            print(
                "sanity: the built collection holds what it must not; see build_ignore in galaxy.yml:",
                *found,
                sep="\n- ",
            )
            return 1
        tests = ansible_test(root, "sanity", "--list-tests").stdout.splitlines()
        listed = [line for line in tests if re.fullmatch(r"[\w-]+", line)]
        run = ansible_test(root, "sanity", "-v", "--python", PYTHON)
    python_files = sum(name.endswith(".py") for name in names)
    wrong = shortfall(run.stdout, listed, python_files)
    if run.returncode or wrong:
        print(run.stdout, *wrong, sep="\n- ")
        return 1
    print(
        f"ansible-core {version('ansible-core')} on Python {sys.version.split()[0]}: {len(listed)} sanity tests"
        f" of {len(names)} files, {python_files} of them Python; nothing ignored; {time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
