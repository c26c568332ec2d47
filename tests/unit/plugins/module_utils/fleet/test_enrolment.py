# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What is written for a service account, in which order, and what is told of it when one of the writes fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch import Pace
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch_result import Entry, batch_result
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.enrolment import Enrolment
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.progress import Progress
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.settle import Settler, Waiting
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import Secret, State, Target, User

ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/a-AbCdEf"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
TARGET = Target("h", "/a", "iam_access_key", 90, 24, iam_user="a", rotation_days=85)
BINDING = {"key-rotation:secret": ARN, "key-rotation:since": "2026", "key-rotation:function": "f"}
STALE = {"key-rotation:notify-email": "a@x.com", "key-rotation:disposable-keys": "AKIA1"}
SETTINGS = {"key-rotation:grace-period-hours": "24", "key-rotation:max-key-age-days": "90"}
NEW = Secret(ARN, "/a", STALE), User("a", "arn:a", {}, ())
OURS = Secret(ARN, "/a", {**STALE, **SETTINGS}, True, FUNCTION), User("a", "arn:a", BINDING, ())
PRESENT = ["tag_user", "tag_resource", "untag_resource", "rotate_secret"]
NOBODY = Progress(None)
ABSENT = ["cancel_rotate_secret", "untag_user", "untag_resource"]


class Aws:
    """Both clients: takes every write down, and fails at one of them."""

    def __init__(self, failing: str | None) -> None:
        self.writes: list[str] = []
        self._failing = failing

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def write(**_: Any) -> None:
            if name == self._failing:
                raise RuntimeError("no")
            self.writes.append(name)

        return write


def enrol(
    wanted: str, failing: str | None = None, check: bool = False, progress: Progress = NOBODY
) -> tuple[Entry, list[str]]:
    secret, user = NEW if wanted == "present" else OURS
    aws = Aws(failing)
    reader: Any = SimpleNamespace(read=lambda target, _: State(target, datetime(2026, 3, 1, tzinfo=UTC), secret, user))
    settler = Settler(aws, reader, None, Pace(1000.0, lambda: 0.0, lambda _: None), Waiting(1.0, lambda: 0.0, print))
    enrolment = Enrolment(aws, aws, reader, settler, {"iam_access_key": FUNCTION}, wanted, check, progress)
    (entry,) = enrolment.run([TARGET])
    return entry, aws.writes


@pytest.mark.parametrize(("wanted", "writes"), [("present", PRESENT), ("absent", ABSENT)])
def test_what_is_done_is_what_was_announced(wanted: str, writes: list[str]) -> None:
    announced, nothing = enrol(wanted, check=True)
    done, written = enrol(wanted)
    assert (nothing, written) == ([], writes)
    assert done == announced
    assert done.changed


@pytest.mark.parametrize(
    ("wanted", "failing", "lines"),
    [
        ("present", "tag_user", 0),
        ("present", "tag_resource", 1),
        ("present", "untag_resource", 3),
        ("present", "rotate_secret", 5),
        ("absent", "cancel_rotate_secret", 0),
        ("absent", "untag_user", 1),
        ("absent", "untag_resource", 2),
    ],
)
def test_a_failure_tells_what_was_written_before_it(wanted: str, failing: str, lines: int) -> None:
    announced, _ = enrol(wanted, check=True)
    entry, written = enrol(wanted, failing)
    assert entry.failed
    assert "RuntimeError" in entry.msg
    assert entry.changes == announced.changes[:lines]
    assert entry.changed == bool(written) == bool(lines)
    assert batch_result([entry])["changed"] == bool(lines)


@pytest.mark.parametrize("failing", [None, "rotate_secret"])
def test_each_end_is_told_and_how(failing: str | None, tmp_path: Path) -> None:
    path = tmp_path / "progress"
    entry, _ = enrol("present", failing, progress=Progress(str(path)))
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"total": 1}, {"failed": entry.failed}]


def test_a_surprise_after_a_write_tells_of_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the work: what was written is written."""

    def surprise(*_: Any) -> None:
        raise KeyError("value")

    monkeypatch.setattr(Enrolment, "_attach", surprise)
    entry, _ = enrol("present")
    assert (entry.failed, entry.changed, len(entry.changes)) == (True, True, 5)
    assert entry.msg == "unexpected KeyError; please report it"
