# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""release/integration.py is not satisfied by a run that tested nothing, and each module has its target."""

from __future__ import annotations

from pathlib import Path

import pytest

from release.integration import shortfall, targets

LOG = """\
Running rotation_info integration test role
testhost                   : ok=20   changed=3    unreachable=0    failed=0    skipped=0    rescued=1    ignored=0
Running rotation_run integration test role
testhost                   : ok=31   changed=3    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
"""
TARGETS = ["rotation_info", "rotation_run"]


def test_a_whole_run_lacks_nothing() -> None:
    assert shortfall(LOG, TARGETS) == []


@pytest.mark.parametrize(
    ("log", "expected", "said"),
    [
        ("", TARGETS, "rotation_info did not run"),
        (LOG, [*TARGETS, "rotation_topic"], "rotation_topic did not run"),
        (LOG.replace("ok=31", "ok=4 "), TARGETS, "rotation_run tested nothing"),
        (LOG.replace("testhost", "nobody"), TARGETS, "rotation_info tested nothing"),
        (LOG.replace("failed=0", "failed=1"), TARGETS, "rotation_run failed"),
        ("", [], "there are no targets"),
    ],
)
def test_what_was_not_tested_is_said(log: str, expected: list[str], said: str) -> None:
    assert said in shortfall(log, expected)


def test_each_module_has_its_target() -> None:
    modules = Path(__file__).resolve().parents[2] / "plugins" / "modules"
    assert targets() == sorted(path.stem for path in modules.glob("*.py"))
