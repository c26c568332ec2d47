# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a long module is about is shown to the person, and not among the results."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.progress import Milestones
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.watched import _watch


def test_what_is_shown_meanwhile_is_not_among_the_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads the results as JSON gets nothing else; and what came last, even if no second passed, is shown."""
    path, ended = tmp_path / "progress", threading.Event()
    path.write_text('{"total": 2}\n{"failed": false}\n{"failed": true}\n')
    ended.set()
    with path.open() as file:
        _watch(file, Milestones("run", 0.0), ended)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "run: 2 of 2 done, 1 failed\n")
