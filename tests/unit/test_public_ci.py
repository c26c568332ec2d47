# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The workflows run what .ci/run runs, with pinned actions and few rights; pre-commit runs what `make lint` runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text()
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def targets() -> dict[str, list[str]]:
    """The Makefile's targets, with what they need."""
    return {name: needs.split() for name, needs in re.findall(r"^([a-z-]+):([^#\n]*)", MAKEFILE, re.MULTILINE)}


def recipe(target: str) -> list[str]:
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, f"no recipe of {target}"
    return [line.strip() for line in found[1].splitlines()]


def made(workflow: Any) -> set[str]:
    """The make targets that a workflow runs, by name or from its matrix."""
    found: set[str] = set()
    for job in workflow["jobs"].values():
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job["steps"]:
            for name in re.findall(r"^make (\S+)$", step.get("run", ""), re.MULTILINE):
                found |= set(matrix["target"]) if name == '"$TARGET"' else {name}
    return found


def wrong_pins(text: str) -> list[str]:
    """The actions of a workflow that are not pinned to a commit with its version beside it."""
    return [line for line in re.findall(r"uses: (.*)", text) if not PINNED.fullmatch(line.strip())]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_target_that_a_workflow_names_exists(path: Path) -> None:
    named = made(yaml.safe_load(path.read_text()))
    assert named
    assert named <= set(targets())


def test_the_public_runs_what_a_pull_request_must_pass() -> None:
    run = re.findall(r"^make (\S+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    wanted = {part for name in run for part in (targets()["test"] if name == "test" else [name])}
    assert {"lint", "unit", "story", "build"} <= wanted
    assert made(yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())) - {"environment"} == wanted


def test_the_required_job_waits_for_every_other() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    required = jobs.pop("required")
    assert set(required["needs"]) == set(jobs)
    assert required["steps"][0]["run"] == f'test "$RESULTS" = "{" ".join(["success"] * len(jobs))}"'


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_and_rights_are_few(path: Path) -> None:
    text = path.read_text()
    assert wrong_pins(text) == []
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert all(not job.get("permissions") for job in workflow["jobs"].values())
    assert "pull_request_target" not in text
    checkouts = [step for job in workflow["jobs"].values() for step in job["steps"] if "checkout@" in str(step)]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (f"uses: actions/checkout@{'a' * 40} # v6.0.2", 0),
        (f"uses: actions/checkout@{'a' * 40}", 1),
        (f"uses: actions/checkout@{'a' * 40} # v6", 1),
        ("uses: actions/checkout@v6.0.2", 1),
        ("uses: actions/checkout@main", 1),
    ],
)
def test_a_wrong_pin_is_found(line: str, wrong: int) -> None:
    """The test can fail."""
    assert len(wrong_pins(f"      - {line}\n")) == wrong


def test_pre_commit_runs_what_make_lint_runs() -> None:
    """The same commands in the same order, and no version beside those of requirements/tools.txt."""
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert [repository["repo"] for repository in repositories] == ["local"]
    assert [hook["entry"] for hook in repositories[0]["hooks"]] == recipe("lint")
