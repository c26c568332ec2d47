# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a long module is about is shown to the person, and not among the results."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleUndefinedVariable

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.progress import Milestones
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.watched import Watched, _watch


def test_what_is_shown_meanwhile_is_not_among_the_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the results as JSON gets nothing else; and what came last, even if no second passed, is shown."""
    path, ended = tmp_path / "progress", threading.Event()
    path.write_text('{"total": 2}\n{"failed": false}\n{"failed": true}\n')
    ended.set()
    with path.open() as file:
        _watch(file, Milestones("run", 0.0), ended)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "run: 2 of 2 done, 1 failed\n")


def undefined(value: object) -> object:
    if "{{" in str(value):
        raise AnsibleUndefinedVariable("'label' is undefined")
    return value


@pytest.mark.parametrize(
    ("task_vars", "where"),
    [
        ({"rotation_aws_account": "prod", "rotation_aws_region": "us-east-1"}, " in prod, us-east-1"),
        ({"rotation_aws_account": 123456789012, "rotation_aws_region": "us-east-1"}, " in 123456789012, us-east-1"),
        ({"rotation_aws_region": "us-east-1"}, ""),
        ({"rotation_aws_account": "{{ label }}", "rotation_aws_region": "us-east-1"}, ""),
    ],
)
@pytest.mark.parametrize(("name", "shown"), [("Rotate now", "Rotate now"), (None, "rotation_run")])
def test_a_line_says_where_and_never_ends_the_task(
    task_vars: dict[str, Any], where: str, name: str | None, shown: str
) -> None:
    """A label without quotes is a number; whoever uses the module without the roles has no such variables."""
    task: Any = SimpleNamespace(
        _task=SimpleNamespace(name=name, action="evergreen.key_rotation.rotation_run"),
        _templar=SimpleNamespace(template=undefined),
    )
    assert Watched._doing(task, task_vars) == f"{shown}{where}"
