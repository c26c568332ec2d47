# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What rotation_info answers is what its documentation says that it answers."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.finding import Finding
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.reading import describe, read_all
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.progress import Progress
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import (
    DocumentFacts,
    Key,
    Secret,
    State,
    Target,
    User,
)
from ansible_collections.evergreen.key_rotation.plugins.modules import rotation_info

NOW = datetime(2026, 3, 1, tzinfo=UTC)
KEYS = (Key("AKIAA", "Active", NOW), Key("AKIAB", "Inactive", NOW))
STATE = State(
    Target("h", "/a", "iam_access_key", 90, 24, iam_user="a", rotation_days=85),
    NOW,
    Secret("arn", "/a", {}, next_rotation=NOW),
    User("a", "arn", {}, KEYS),
    DocumentFacts(access_key_id="AKIAA"),
)


class Reader:
    """Reads one state; another account cannot be read."""

    def read(self, target: Target, _: Any) -> State:
        if target.name == "h":
            return STATE
        raise ValueError


def documented(*path: str) -> set[str]:
    found = yaml.safe_load(rotation_info.RETURN)
    for name in path:
        found = found[name]["contains"]
    return set(found)


def test_each_field_of_an_account_is_documented() -> None:
    entry = describe(STATE)
    assert {*entry, "failed", "msg"} == documented("secrets")
    assert entry["current_key"] is not None
    for field in ("current_key", "other_keys"):
        keys = entry[field] if isinstance(entry[field], list) else [entry[field]]
        assert [set(key) for key in keys] == [documented("secrets", field)]


def test_each_field_of_the_answer_is_documented() -> None:
    other = Target("other", "/b", "noop", 90, 0, rotation_days=85)
    answer: dict[str, Any] = read_all(Reader(), [STATE.target, other], Progress(None))  # type: ignore[arg-type]
    assert {*answer, "account_findings"} == documented()
    assert set(answer["heaviest_day"]) == documented("heaviest_day")
    assert set(answer["secrets"][1]) < documented("secrets")


def test_each_field_of_a_finding_is_documented() -> None:
    fields = set(asdict(Finding("id", "info", "text", "mend")))
    assert fields == documented("secrets", "findings") == documented("account_findings")


def test_each_reading_is_told_and_how(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    other = Target("other", "/b", "noop", 90, 0, rotation_days=85)
    read_all(Reader(), [STATE.target, other], Progress(str(path)))  # type: ignore[arg-type]
    first, *told = [json.loads(line) for line in path.read_text().splitlines()]
    assert first == {"total": 2}
    assert sorted(line["failed"] for line in told) == [False, True]
