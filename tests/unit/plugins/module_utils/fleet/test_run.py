# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A run: which secrets rotate, how each outcome is awaited, and what becomes of a failed rotation's label."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.aws import CallError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch import Pace
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.enrolment import Enrolment
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.errors import StateError, WaitError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.failure_log import FailureLog
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.progress import Progress
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.reader import Reader
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.run import Decision, Rotator, Rule, Run
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.settle import Settler, Waiting
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import (
    DocumentFacts,
    Key,
    Secret,
    State,
    Target,
    User,
)
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.names import (
    FUNCTION_TIMEOUT_SECONDS,
    GIVEN_UP,
)

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/a-AbCdEf"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
TARGET = Target("h", "/a", "iam_access_key", 90, 24, iam_user="a", rotation_days=85)


class Refused(Exception):
    """As botocore's ClientError."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}


class SecretsManager:
    """One secret whose rotation ends as it is told, on a clock that only sleeping moves."""

    class meta:
        region_name = "us-east-1"

    def __init__(self, outcome: str = "success", rotation_seconds: float = 3.0) -> None:
        self.now = 0.0
        self.outcome = outcome
        self.rotation_seconds = rotation_seconds
        self.labels = {"AWSCURRENT": "v1"}
        self.created = {"v1": START - HOUR}
        self.last_rotated = START - 1000 * HOUR
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.texts: dict[str, str] = {}
        self.unreadable: set[str] = set()
        self.ends: float | None = None
        self.empty: set[str] = set()
        self.function: str | None = FUNCTION
        self.rotated_at = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def moment(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def describe_secret(self, **_: Any) -> dict[str, Any]:
        if self.ends is not None and self.now >= self.ends and self.outcome == "success":
            pending = self.labels.pop("AWSPENDING", None)
            if pending:
                self.labels.update(AWSCURRENT=pending, AWSPREVIOUS=self.labels["AWSCURRENT"])
                self.last_rotated = self.moment()
        versions: dict[str, list[str]] = {}
        for label, version in self.labels.items():
            versions.setdefault(version, []).append(label)
        return {
            "ARN": ARN,
            "Name": "/a",
            "RotationEnabled": True,
            "RotationLambdaARN": self.function,
            "RotationRules": {"ScheduleExpression": "rate(85 days)", "AutomaticallyAfterDays": 85, "Duration": "2h"},
            "VersionIdsToStages": versions,
            "LastRotatedDate": self.last_rotated,
            "ResponseMetadata": {"HTTPHeaders": {"date": self.moment().strftime("%a, %d %b %Y %H:%M:%S GMT")}},
        }

    def rotate_secret(self, **arguments: Any) -> None:
        self.calls.append(("rotate", arguments))
        self.rotated_at = self.now
        if self.labels.get("AWSPENDING", self.labels["AWSCURRENT"]) != self.labels["AWSCURRENT"]:
            raise Refused("InvalidRequestException", "A previous rotation isn\u2019t complete.")
        token = arguments.get("ClientRequestToken", "test")
        self.labels["AWSPENDING"] = token
        self.created[token] = self.moment()
        self.ends = self.now + self.rotation_seconds

    def get_secret_value(self, **arguments: Any) -> dict[str, Any]:
        version = arguments.get("VersionId", self.labels["AWSCURRENT"])
        if version in self.empty:
            raise Refused("ResourceNotFoundException", "no value")
        if version in self.unreadable:
            raise Refused("AccessDeniedException", "no")
        return {"SecretString": self.texts[version]} if version in self.texts else {}

    def list_secret_version_ids(self, **_: Any) -> dict[str, Any]:
        return {"Versions": [{"VersionId": name, "CreatedDate": made} for name, made in self.created.items()]}

    def update_secret_version_stage(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(("stage", {**arguments, "at": self.now}))
        label, target = arguments["VersionStage"], arguments.get("MoveToVersionId")
        assert self.labels.pop(label, None) == arguments.get("RemoveFromVersionId")
        if target is not None:
            self.labels[label] = target
        return {"Name": "/a"}


class Logs:
    """A function that says why it failed, under any token that is asked for."""

    def __init__(self, service: SecretsManager, error: str | None, failed_token: str | None) -> None:
        self.service = service
        self.error = error
        self.failed_token = failed_token
        self.reads = 0

    def filter_log_events(self, **arguments: Any) -> dict[str, Any]:
        self.reads += 1
        assert arguments["logGroupName"] == "/aws/lambda/f"
        token = self.failed_token or self.service.labels.get("AWSPENDING")
        if self.error is None:
            raise Refused("AccessDeniedException", "no")
        line = f'{{"outcome": "failed", "token": "{token}", "step": "testSecret", "error": "{self.error}"}}'
        return {"events": [{"message": "no json"}, {"message": "[1]"}, {"message": line}]}


def rotate(
    service: SecretsManager,
    error: str | None = None,
    timeout: float = 100.0,
    failed_token: str | None = None,
    meanwhile: Callable[[], None] = lambda: None,
    done: list[str] | None = None,
) -> Any:
    """Decide, let something happen, and rotate."""
    reader = Reader(service, None)
    secret, _ = reader.secret(ARN)
    meanwhile()
    waiting = Waiting(timeout, lambda: service.now, service.sleep)
    pace = Pace(45.0, lambda: service.now, service.sleep)
    logs = FailureLog(Logs(service, error, failed_token), START, lambda: service.now)
    decision = Decision(State(TARGET, START, secret), "asked for")
    return Rotator(Settler(service, reader, logs, pace, waiting)).rotate(decision, [] if done is None else done)


def test_a_rotation_is_awaited_and_the_stored_rules_go_along() -> None:
    service = SecretsManager()
    entry = rotate(service)
    assert (entry.changed, entry.failed, entry.changes) == (True, False, ("rotated: asked for",))
    (call,) = service.calls
    assert call[1]["RotationRules"] == {"ScheduleExpression": "rate(85 days)", "Duration": "2h"}
    assert call[1]["RotationLambdaARN"] == FUNCTION
    assert service.labels["AWSCURRENT"] == call[1]["ClientRequestToken"]


def test_the_functions_own_words_end_the_wait() -> None:
    service = SecretsManager("failure")
    with pytest.raises(StateError, match=r"testSecret: user is gone .Secrets Manager will retry"):
        rotate(service, "user is gone")
    assert service.now < 10


def test_what_was_done_before_a_failure_is_noted() -> None:
    """The label was taken off, and the new rotation was begun: neither may be told as if nothing had happened."""
    service = SecretsManager("failure")
    left_behind(service, "dead")
    done: list[str] = []
    with pytest.raises(WaitError):
        rotate(service, done=done)
    assert done == [
        "took AWSPENDING off version dead, left by a rotation that failed",
        "started a rotation: asked for",
    ]


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


def test_a_failed_entry_tells_what_was_done(tmp_path: Path) -> None:
    service = SecretsManager("failure")
    path = tmp_path / "progress"
    run = Run(service, Logs(service, "user is gone", None), Reader(service, None), 60, 45, Progress(str(path)))
    (entry,) = run.rotate([Target("h", "/a", "noop", 90, 0)], Rule("always"), 1, check_mode=False)
    assert (entry.failed, entry.changed, entry.changes) == (True, True, ("started a rotation: asked for",))
    assert entry.msg.startswith("testSecret: user is gone")
    assert path.read_text() == '{"total": 1}\n{"failed": true}\n'


def test_a_refused_rotation_is_nothing_done() -> None:
    service = SecretsManager()

    def refused(**_: Any) -> None:
        raise Refused("AccessDeniedException", "no")

    service.rotate_secret = refused  # type: ignore[method-assign]
    done: list[str] = []
    with pytest.raises(CallError):
        rotate(service, done=done)
    assert done == []


def test_without_an_outcome_the_deadline_is_named() -> None:
    with pytest.raises(WaitError, match="had not rotated after 30 s; see log group /aws/lambda/f"):
        rotate(SecretsManager("failure"), timeout=30)


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


def left_behind(service: SecretsManager, version: str) -> None:
    """A rotation that failed long ago left AWSPENDING on a version."""
    service.labels["AWSPENDING"] = version
    service.created[version] = START - HOUR


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
    assert entry.changed


def rotated_by_others(service: SecretsManager) -> None:
    """A rotation that this run did not start has ended, and left no trace but its date."""
    service.labels = {"AWSCURRENT": "v2", "AWSPREVIOUS": "v1"}
    service.last_rotated = service.moment()


def test_what_rotated_between_the_decision_and_its_turn_is_not_rotated_again() -> None:
    """Secrets Manager's own retry, or the scheduled window: the item may come half an hour after the decision."""
    service = SecretsManager()
    entry = rotate(service, meanwhile=lambda: rotated_by_others(service))
    assert service.calls == []
    assert (entry.changed, entry.failed, entry.changes) == (False, False, ())
    assert entry.msg == "not rotated: it rotated meanwhile, without this run"


def test_what_rotated_right_after_it_refused_is_not_rotated_again() -> None:
    """Its rotation had begun since the look at the labels, and is over at the next one."""
    service = SecretsManager()
    accept = service.rotate_secret

    def refuse_once(**arguments: Any) -> None:
        if not service.calls:
            service.labels["AWSPENDING"] = "v2"
            try:
                accept(**arguments)
            finally:
                rotated_by_others(service)
        accept(**arguments)

    service.rotate_secret = refuse_once  # type: ignore[method-assign]
    entry = rotate(service)
    assert len(service.calls) == 1
    assert not entry.changed


def test_a_rotation_whose_date_comes_moments_after_its_label_is_seen() -> None:
    service = SecretsManager()

    def sleep(seconds: float) -> None:
        service.now += seconds
        if service.now >= 5:
            service.last_rotated = START

    service.sleep = sleep  # type: ignore[method-assign]
    entry = rotate(service, meanwhile=lambda: service.labels.update(AWSCURRENT="v2", AWSPREVIOUS="v1"))
    assert service.calls == []
    assert not entry.changed


def test_an_edit_by_a_person_meanwhile_is_no_rotation() -> None:
    """It moves AWSCURRENT too, but the key is as old as it was."""
    service = SecretsManager()
    entry = rotate(service, meanwhile=lambda: service.labels.update(AWSCURRENT="v2", AWSPREVIOUS="v1"))
    assert [name for name, _ in service.calls] == ["rotate"]
    assert entry.changes == ("rotated: asked for",)


def test_what_rotated_while_a_label_was_taken_off_is_not_rotated_again() -> None:
    service = SecretsManager()
    left_behind(service, "dead")

    def sleep(seconds: float) -> None:
        service.now += seconds
        if service.calls and service.last_rotated < START:
            rotated_by_others(service)

    service.sleep = sleep  # type: ignore[method-assign]
    entry = rotate(service)
    assert "rotate" not in [name for name, _ in service.calls]
    assert (entry.changed, entry.changes) == (
        True,
        ("took AWSPENDING off version dead, left by a rotation that failed",),
    )


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


def in_grace(hours_ago: int, previous: bool = True) -> State:
    keys = (Key("AKIAOLD", "Active", START - 500 * HOUR), Key("AKIANEW", "Active", START - hours_ago * HOUR))
    labels = {"AWSCURRENT": "v2", "AWSPREVIOUS": "v1"} if previous else {"AWSCURRENT": "v2"}
    secret = Secret(ARN, "/a", {}, True, FUNCTION, labels=labels, last_rotated=START - hours_ago * HOUR)
    return State(TARGET, START, secret, User("a", "arn", {}, keys))


def test_a_previous_key_in_its_grace_period_stops_the_item_with_the_time() -> None:
    with pytest.raises(StateError, match=r"one \(AKIAOLD\) is in its grace period until 2026-03-02T02:00:00\+00:00"):
        Rule("always").decide(in_grace(10))
    known = replace(in_grace(10), document=DocumentFacts("a", "AKIANEW"))
    with pytest.raises(StateError, match=r"one \(AKIAOLD\) is in its grace period"):
        Rule("always").decide(known)
    assert Rule("always").decide(in_grace(25)).reason == "asked for"
    assert Rule("always").decide(in_grace(10, previous=False)).reason == "asked for"


@pytest.mark.parametrize(
    ("before", "rotates"), [(START - 30 * HOUR, True), (START - 28 * HOUR, True), (START - 26 * HOUR, False)]
)
def test_a_resumed_run_rotates_nothing_twice(before: datetime, rotates: bool) -> None:
    given = in_grace(28)
    rule = Rule("last_rotated_before", before + 0 * HOUR)
    assert (rule.decide(given).reason is None) == rotates


def test_a_due_key_that_nobody_would_hear_of_is_only_reported() -> None:
    given = in_grace(25)
    assert given.secret is not None
    never = replace(
        given, target=replace(TARGET, hold_back="set notify_email"), secret=replace(given.secret, last_rotated=None)
    )
    decision = Rule("due").decide(never)
    assert decision.reason is None
    assert decision.held_back == "due, not rotated: it has never rotated; set notify_email"


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
