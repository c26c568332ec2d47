# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""release/sanity.py is not satisfied by a run that tested nothing, and knows what must not be built in."""

from __future__ import annotations

import pytest

from release.sanity import shortfall
from release.tree import unwanted

TESTS = ["compile", "empty-init", "pylint"]
LOG = """\
Running sanity test "compile" on Python 3.11
Run command with data: python compile.py
Running sanity test "empty-init"
No tests applicable.
Running sanity test "pylint"
Checking 21 file(s) in context 'collection' (controller) with config: collection.cfg
Checking 68 file(s) in context 'modules' (target) with config: collection.cfg
"""


def test_a_whole_run_lacks_nothing() -> None:
    assert shortfall(LOG, TESTS, 89) == []


@pytest.mark.parametrize(
    ("log", "files", "said"),
    [
        ("", 89, "compile did not run"),
        (LOG.replace('"pylint"', '"yamllint"'), 89, "pylint did not run"),
        (LOG.replace("Run command with data: python compile.py", "No tests applicable."), 89, "compile tested nothing"),
        (LOG.replace("Run command", 'WARNING: Skipping sanity test "compile": Run'), 89, "compile tested nothing"),
        (LOG, 90, "pylint saw 89 of 90 Python files"),
        (LOG.replace("Checking", "Passing"), 0, "pylint saw 0 of 0 Python files"),
    ],
)
def test_what_was_not_tested_is_said(log: str, files: int, said: str) -> None:
    assert said in shortfall(log, TESTS, files)


def test_a_run_without_tests_lacks_them() -> None:
    assert shortfall(LOG, [], 89) == ["ansible-test lists no tests"]


@pytest.mark.parametrize(
    "name",
    [".hypothesis/constants/0", "plugins/modules/__pycache__/x.pyc", "tests/sanity/ignore-2.19.txt", "tests/new/a"],
)
def test_what_must_not_be_built_in_is_found(name: str) -> None:
    assert unwanted(["README.md", "tests/config.yml", name]) == [name]
