# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A run: which secrets rotate, and how each outcome is awaited."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.aws import CallError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.errors import StateError, WaitError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.progress import Progress
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.reader import Reader
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.run import Rule, Run
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import (
    DocumentFacts,
    Key,
    Secret,
    State,
    Target,
    User,
)
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.fleet.one_secret import (
    ARN,
    FUNCTION,
    HOUR,
    START,
    TARGET,
    Logs,
    Refused,
    SecretsManager,
    left_behind,
    rotate,
)


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
