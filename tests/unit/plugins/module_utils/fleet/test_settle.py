# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""An AWSPENDING that was left behind: which one, when it is taken off, and what is never taken for one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.aws import CallError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch import Pace
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.enrolment import Enrolment
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.errors import StateError, WaitError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.failure_log import FailureLog
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.reader import Reader
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.settle import Settler, Waiting
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import State
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.names import (
    FUNCTION_TIMEOUT_SECONDS,
    GIVEN_UP,
)
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.fleet.one_secret import (
    ARN,
    FUNCTION,
    START,
    TARGET,
    Logs,
    Refused,
    SecretsManager,
    left_behind,
    rotate,
)


def test_a_label_that_was_taken_off_is_noted_although_what_follows_fails() -> None:
    service = SecretsManager()
    left_behind(service, "dead")
    service.texts["dead"] = "{}"

    def label_once(**arguments: Any) -> dict[str, Any]:
        if "MoveToVersionId" in arguments:
            raise Refused("AccessDeniedException", "no")
        return SecretsManager.update_secret_version_stage(service, **arguments)

    service.update_secret_version_stage = label_once  # type: ignore[method-assign]
    done: list[str] = []
    with pytest.raises(CallError):
        rotate(service, done=done)
    assert done == ["took AWSPENDING off version dead, left by a rotation that failed"]


@pytest.mark.parametrize(("empty", "least"), [({"dead"}, 10), (set(), 75)])
def test_a_label_is_taken_off_once_four_steps_are_over_and_its_key_can_be_promoted_no_more(
    empty: set[str], least: float
) -> None:
    service = SecretsManager()
    service.empty = empty
    service.labels["AWSPENDING"] = "dead"
    service.created["dead"] = START - timedelta(seconds=250)
    entry = rotate(service)
    assert [name for name, _ in service.calls] == ["stage", *([] if empty else ["stage"]), "rotate"]
    assert service.calls[0][1]["RemoveFromVersionId"] == "dead"
    assert least <= service.rotated_at <= least + 5
    assert service.labels.get(GIVEN_UP) == (None if empty else "dead"), "a key that is stored is said to be dead"
    assert entry.changes[0] == "took AWSPENDING off version dead, left by a rotation that failed"


@pytest.mark.parametrize(("empty", "least"), [({"dead"}, 0), (set(), 65)])
def test_a_rotation_that_said_it_failed_is_not_waited_for(empty: set[str], least: float) -> None:
    service = SecretsManager()
    service.empty = empty
    service.labels["AWSPENDING"] = "dead"
    service.created["dead"] = START - timedelta(seconds=5)
    rotate(service, "user is gone", failed_token="dead")
    assert [name for name, _ in service.calls] == ["stage", *([] if empty else ["stage"]), "rotate"]
    assert least <= service.rotated_at <= least + 1


@pytest.mark.parametrize(
    "refusal",
    [
        Refused("ResourceNotFoundException", "Secrets Manager can't find the specified secret version: dead."),
        Refused("InvalidParameterException", "The staging label AWSPENDING isn't attached to version dead."),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
def test_a_label_that_goes_by_itself_meanwhile_is_no_failure(refusal: Refused, at_once: bool) -> None:
    """Secrets Manager takes the version of its own test away, between the look and the write."""
    service = SecretsManager()
    left_behind(service, "dead")
    tried: list[float] = []

    def gone(**_: Any) -> None:
        tried.append(service.now)
        if at_once or len(tried) > 1:
            service.labels.pop("AWSPENDING", None)
        raise refusal

    service.update_secret_version_stage = gone  # type: ignore[method-assign]
    entry = rotate(service)
    assert entry.changes == ("rotated: asked for",), "what others did is not told as our doing"
    assert len(tried) == (1 if at_once else 2)
    assert len(set(tried)) == len(tried), "no loop without a pause"


def test_a_label_that_may_not_be_moved_is_a_failure() -> None:
    service = SecretsManager()
    left_behind(service, "dead")

    def refused(**_: Any) -> None:
        raise Refused("AccessDeniedException", "no")

    service.update_secret_version_stage = refused  # type: ignore[method-assign]
    with pytest.raises(CallError, match="AccessDenied"):
        rotate(service)


@pytest.mark.parametrize("older", [None, "dead before"])
def test_a_version_is_marked_as_given_up_only_once_no_attempt_at_it_can_be_alive(older: str | None) -> None:
    """The mark moves on from an older version; the next rotation takes its word for it, and deletes the key."""
    service = SecretsManager()
    left_behind(service, "dead")
    if older is not None:
        service.labels[GIVEN_UP] = older
    rotate(service)
    off, mark = (arguments for name, arguments in service.calls if name == "stage")
    assert mark["VersionStage"] == GIVEN_UP
    assert (mark["MoveToVersionId"], mark.get("RemoveFromVersionId")) == ("dead", older)
    assert mark["at"] - off["at"] >= FUNCTION_TIMEOUT_SECONDS
    assert service.rotated_at >= mark["at"]


@pytest.mark.parametrize("label", ["AWSCURRENT", "LIVE", GIVEN_UP])
def test_a_version_that_has_a_label_by_then_is_not_marked(label: str) -> None:
    """Its attempt promoted it within the wait: its key is in use, and must never pass for one of a dead attempt."""
    service = SecretsManager()
    left_behind(service, "dead")

    def sleep(seconds: float) -> None:
        service.now += seconds
        if "AWSPENDING" not in service.labels and not service.rotated_at:
            service.labels[label] = "dead"

    service.sleep = sleep  # type: ignore[method-assign]
    rotate(service)
    assert [arguments["VersionStage"] for name, arguments in service.calls if name == "stage"] == ["AWSPENDING"]


def document(key_id: str, password: str = "") -> str:
    return json.dumps({"USER_NAME": "a", "AWS_ACCESS_KEY_ID": key_id, "password": password})


EDITED = {"v1": document("AKIANEW", "new"), "v0": document("AKIANEW")}
ROLLED_BACK = {"v1": document("AKIANEW"), "v0": document("AKIAOLD")}


@pytest.mark.parametrize("texts", [EDITED, {}, {"v1": '{"password": "new"}', "v0": '{"password": "old"}'}])
def test_an_edit_right_after_the_move_is_cleared_like_any_label_that_was_left(texts: dict[str, str]) -> None:
    """AWSPENDING is on AWSPREVIOUS' version, which names AWSCURRENT's key, or none: nobody rolls back."""
    service = SecretsManager()
    service.texts = texts
    left_behind(service, "v0")
    service.labels["AWSPREVIOUS"] = "v0"
    entry = rotate(service)
    assert [name for name, _ in service.calls] == ["stage", "rotate"]
    assert service.calls[0][1]["RemoveFromVersionId"] == "v0"
    assert GIVEN_UP not in service.labels, "AWSPREVIOUS' version was current"
    assert entry.changes[0] == "took AWSPENDING off version v0, left by a rotation that failed"


@pytest.mark.parametrize(
    ("texts", "empty", "unreadable", "expected"),
    [
        (ROLLED_BACK, set(), set(), True),
        (EDITED, set(), set(), False),
        ({}, set(), set(), False),
        (ROLLED_BACK, {"v0"}, set(), True),
        (ROLLED_BACK, {"v1"}, set(), True),
        (EDITED, set(), {"v0"}, True),
        (EDITED, set(), {"v1"}, True),
    ],
)
def test_a_roll_back_holds_another_key_than_the_current_one(
    texts: dict[str, str], empty: set[str], unreadable: set[str], expected: bool
) -> None:
    """What cannot be read is never a reason to take a roll-back's lock away."""
    service = SecretsManager()
    service.texts, service.empty, service.unreadable = texts, empty, unreadable
    assert Reader(service, None).is_roll_back(ARN, "v0") is expected


def test_a_retry_of_the_service_that_succeeds_is_enough() -> None:
    service = SecretsManager()
    service.labels["AWSPENDING"] = "retry"
    service.created["retry"] = START
    service.ends = 10.0
    entry = rotate(service)
    assert service.calls == []
    assert service.labels["AWSCURRENT"] == "retry"
    assert (entry.changed, entry.changes) == (False, ()), "what others did is not told as our doing"


def test_a_roll_back_is_left_alone() -> None:
    service = SecretsManager()
    service.texts = ROLLED_BACK
    left_behind(service, "v0")
    service.labels["AWSPREVIOUS"] = "v0"
    with pytest.raises(StateError, match="a roll-back of /a holds AWSPENDING"):
        rotate(service)
    assert service.calls == []


def test_an_endless_earlier_rotation_meets_the_deadline() -> None:
    service = SecretsManager()
    service.labels["AWSPENDING"] = "young"
    service.created["young"] = START
    with pytest.raises(WaitError, match=r"an earlier rotation of it .version young. is not over"):
        rotate(service, timeout=20)


@pytest.mark.parametrize("function", [FUNCTION, None])
def test_a_schedule_is_attached_although_a_failed_rotation_left_its_label(function: str | None) -> None:
    service = SecretsManager()
    service.function, service.empty = function, {"dead"}
    service.labels["AWSPENDING"] = "dead"
    service.created["dead"] = START - timedelta(seconds=250)
    reader = Reader(service, None)
    secret, _ = reader.secret(ARN)
    logs = FailureLog(Logs(service, None, None), START, lambda: service.now)
    pace = Pace(45.0, lambda: service.now, service.sleep)
    settler = Settler(service, reader, logs, pace, Waiting(100.0, lambda: service.now, service.sleep))
    enrolment = Enrolment(service, None, reader, settler, {"iam_access_key": FUNCTION})
    done: list[str] = []
    enrolment._attach(State(TARGET, START, secret), ARN, {"AutomaticallyAfterDays": 85}, done)
    assert [name for name, _ in service.calls] == ["rotate", "stage", "rotate"]
    assert done == ["took AWSPENDING off version dead, left by a rotation that failed"]
