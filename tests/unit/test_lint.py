# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""`make lint` looks at every file: a linter that finds nothing to look at is content, and so would be its reader."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest
import yaml
from ansiblelint.config import Options
from ansiblelint.file_utils import Lintable, discover_lintables

ROOT = Path(__file__).resolve().parents[2]
LISTED = {
    ("ruff", "check", "--show-files", "."): (".py",),
    ("yamllint", "--list-files", "."): (".yml", ".yaml", ".yamllint"),
}


def lines(*command: str) -> list[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


@pytest.mark.parametrize("command", LISTED, ids=lambda command: command[0])
def test_the_linter_looks_at_all_that_git_tracks(command: tuple[str, ...]) -> None:
    program = Path(sysconfig.get_path("scripts")) / command[0]
    tracked = {name for name in lines("git", "ls-files") if name.endswith(LISTED[command]) and (ROOT / name).exists()}
    seen = {str(Path(ROOT, line).relative_to(ROOT)) for line in lines(str(program), *command[1:])}
    assert len(tracked) > 50
    assert tracked - seen == set()


def test_ansible_lint_looks_at_all_that_ansible_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """And takes each for what it is: a task file that passes for plain YAML is not looked at as tasks."""
    monkeypatch.chdir(ROOT)
    options = Options()
    options.exclude_paths = yaml.safe_load((ROOT / ".ansible-lint").read_text())["exclude_paths"]
    seen = {str(Path(ROOT, name).relative_to(ROOT)) for name in discover_lintables(options)}
    tracked = [name for name in lines("git", "ls-files", "*.yml") if (ROOT / name).exists()]
    kinds = {name: Lintable(name).kind for name in tracked if name in seen}
    for parts, kind in {("roles", "tasks"): "tasks", ("targets", "tasks"): "tasks", ("playbooks",): "playbook"}.items():
        folders = [(name, Path(name).parts[:-1]) for name in tracked]
        wanted = [
            name for name, found in folders if set(parts) <= {*found} and ("tasks" in found) == ("tasks" in parts)
        ]
        assert wanted
        assert {name: kinds.get(name) for name in wanted} == dict.fromkeys(wanted, kind)
