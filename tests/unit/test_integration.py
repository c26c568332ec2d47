# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""release/integration.py is not satisfied by a run that tested nothing, and each module has its target."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from release.integration import CONFIG, config, shortfall, targets
from release.integration import TARGETS as FOLDER

LOG = """\
Running rotation_info integration test role
included: tests/integration/targets/rotation_info/tasks/fleet.yml for testhost
testhost                   : ok=20   changed=3    unreachable=0    failed=0    skipped=0    rescued=1    ignored=0
Running rotation_run integration test role
included: tests/integration/targets/rotation_run/tasks/due.yml for testhost
included: tests/integration/targets/rotation_run/tasks/act.yml for testhost => (item=check)
testhost                   : ok=31   changed=3    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
"""
TARGETS = {"rotation_info": ["fleet.yml"], "rotation_run": ["act.yml", "due.yml"]}


def test_a_whole_run_lacks_nothing() -> None:
    assert shortfall(LOG, TARGETS) == []


@pytest.mark.parametrize(
    ("log", "expected", "said"),
    [
        ("", TARGETS, "rotation_info did not run"),
        (LOG, {**TARGETS, "rotation_topic": []}, "rotation_topic did not run"),
        (LOG.replace("due.yml for", "due.yml skipped for"), TARGETS, "rotation_run left out due.yml"),
        (LOG.replace("testhost  ", "nobody  "), TARGETS, "rotation_info failed"),
        (LOG.replace("failed=0", "failed=1"), TARGETS, "rotation_run failed"),
        ("", {}, "there are no targets"),
    ],
)
def test_what_was_not_tested_is_said(log: str, expected: dict[str, list[str]], said: str) -> None:
    assert said in shortfall(log, expected)


def test_each_module_has_its_target() -> None:
    modules = Path(__file__).resolve().parents[2] / "plugins" / "modules"
    assert list(targets()) == sorted(path.stem for path in modules.glob("*.py"))


def test_the_template_names_all_that_the_targets_must_know() -> None:
    template = yaml.safe_load((FOLDER.parent / f"{CONFIG}.template").read_text())
    assert set(template) == set(config(""))
