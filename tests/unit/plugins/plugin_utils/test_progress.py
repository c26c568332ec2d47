# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A long module says how far it is in a few lines, however many items it has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.progress import Progress
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.progress import QUIET_SECONDS, Milestones


def ended(*failed: bool) -> list[str]:
    return [json.dumps({"failed": one}) for one in failed]


def test_a_thousand_are_told_in_ten_lines() -> None:
    milestones = Milestones("run", 0.0)
    assert milestones.read(['{"total": 1000}'], 0.0) is None
    said = [line for _ in range(1000) if (line := milestones.read(ended(False), 0.0))]
    assert said == [f"run: {number} of 1000 done" for number in range(100, 1001, 100)]


def test_a_few_are_told_one_by_one_and_failures_are_counted() -> None:
    milestones = Milestones("run", 0.0)
    said = [milestones.read(lines, 0.0) for lines in (['{"total": 3}', *ended(False)], ended(True), [], ended(True))]
    assert said == ["run: 1 of 3 done", "run: 2 of 3 done, 1 failed", None, "run: 3 of 3 done, 2 failed"]


@pytest.mark.parametrize(("seconds", "said"), [(QUIET_SECONDS - 1, None), (QUIET_SECONDS, "run: 1 of 1000 done")])
def test_what_takes_long_is_told_between_the_tenths(seconds: float, said: str | None) -> None:
    milestones = Milestones("run", 0.0)
    milestones.read(['{"total": 1000}'], 0.0)
    assert milestones.read(ended(False), seconds) == said
    later = None if said else "run: 1 of 1000 done"
    assert milestones.read([], seconds + QUIET_SECONDS) == later, "nothing new is no news"


def test_what_takes_a_moment_is_not_told_where_somebody_is_patient() -> None:
    milestones = Milestones("run", 10.0, patience=5.0)
    assert milestones.read(['{"total": 2}', *ended(False)], 14.9) is None
    assert milestones.read([], 15.0) == "run: 1 of 2 done"


def test_an_end_without_a_beginning_is_no_news() -> None:
    """The first line may be the one that could not be written."""
    assert Milestones("run", 0.0).read(ended(False), QUIET_SECONDS) is None


def test_what_the_module_writes_is_what_the_plugin_reads(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    progress = Progress(str(path))
    progress.begin(2)
    progress.ended(failed=True)
    assert Milestones("run", 0.0).read(path.read_text().splitlines(), 0.0) == "run: 1 of 2 done, 1 failed"
    Progress(None).begin(2)


def test_a_file_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    """Another user's (become), or a full disk: the rotation that was just made counts all the same."""
    progress = Progress(str(tmp_path))
    progress.begin(1)
    progress.ended(failed=False)
