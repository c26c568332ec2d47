# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Strategy iam_access_key: from the proof to the promotion, and what is told afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    ProofError,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Crash, Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import SecretState
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World, document

USER = "acmecorp-ai"
GRACE = "key-rotation:grace-period-hours"
PUT = "secretsmanager:PutSecretValue"
CREATE = "iam:CreateAccessKey"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def enrolled(world: World) -> tuple[SecretState, Key]:
    return world.enrol(USER, port=5432)


def pending(world: World, secret: SecretState, steps: int = 1) -> str:
    token = world.secrets.start_rotation(secret)
    for step in STEPS[:steps]:
        world.step(secret, token, step)
    return token


def test_the_proof_outlives_a_key_that_is_slow_and_flickers(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    world.iam.working_after_seconds = 15
    token = pending(world, secret)
    world.iam.refusals = [False] * 8 + [True]
    world.step(secret, token, "testSecret")
    assert world.core.actions()[-3:] == ["sts:GetCallerIdentity"] * 3


def test_a_pending_key_of_another_user_is_refused(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    world.iam.add_user(f"{USER}-2")
    other = world.iam.add_key(f"{USER}-2")
    token = world.secrets.start_rotation(secret)
    secret.versions[token].text = document(USER, other, port=5432)
    for step in ("testSecret", "finishSecret"):
        with pytest.raises(ProofError, match="belongs to"):
            world.step(secret, token, step)


def test_a_pending_key_that_stopped_working_is_not_promoted(world: World, enrolled: Any) -> None:
    secret, old = enrolled
    token = pending(world, secret, 3)
    world.iam.keys(USER)[-1].active = False
    with pytest.raises(ProofError, match="stopped working"):
        world.step(secret, token, "finishSecret")
    assert world.current_key(secret) is old
    assert world.scheduler.schedules == {}


def test_the_retirement_is_written_before_the_move(world: World, enrolled: Any) -> None:
    secret, old = enrolled
    token = pending(world, secret, 3)
    began = world.core.seconds
    world.step(secret, token, "finishSecret")
    tail = world.core.actions()[-3:]
    assert tail == ["scheduler:CreateSchedule", "secretsmanager:UpdateSecretVersionStage", "ses:SendEmail"]
    request = next(iter(world.scheduler.schedules.values())).request
    assert request["Name"] == f"retire-{old.key_id}"
    assert request["GroupName"] == "key-rotation"
    assert request["ScheduleExpression"] == "rate(6 hours)"
    assert request["Target"]["Arn"] == "arn:aws:lambda:us-east-1:123456789012:function:rotation-iam_access_key"
    assert json.loads(request["Target"]["Input"]) == {
        "Action": "retire",
        "SecretId": secret.arn,
        "AccessKeyId": old.key_id,
    }
    assert 0 <= request["StartDate"].timestamp() - began - 24 * 3600 < 5
    # Until the next firing is due, and no longer: its dead letter must not wait for a day.
    assert request["Target"]["RetryPolicy"] == {"MaximumEventAgeInSeconds": 6 * 3600, "MaximumRetryAttempts": 185}
    assert "DeadLetterConfig" not in request["Target"]


def test_a_retirement_that_never_reaches_the_function_goes_to_the_queue_and_a_late_retry_keeps_it() -> None:
    queue = "arn:aws:sqs:us-east-1:123456789012:key-rotation-dead-letters"
    world = World(RETIREMENT_DEAD_LETTER_ARN=queue)
    secret, _ = world.enrol(USER)
    token = pending(world, secret, 3)
    world.core.hooks = [Fault("crash", action="secretsmanager:UpdateSecretVersionStage")]
    with pytest.raises(Crash):
        world.step(secret, token, "finishSecret")
    (schedule,) = world.scheduler.schedules.values()
    assert schedule.request["Target"]["DeadLetterConfig"] == {"Arn": queue}
    # As an older version of the function wrote it.
    schedule.request["Target"] = {"Arn": "x", "RoleArn": "y", "Input": "{}"}
    world.step(secret, token, "finishSecret")
    (schedule,) = world.scheduler.schedules.values()
    assert schedule.request["Target"]["DeadLetterConfig"] == {"Arn": queue}


def test_a_late_retry_does_not_shorten_the_grace_period(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    token = pending(world, secret, 3)
    world.core.hooks = [Fault("crash", action="secretsmanager:UpdateSecretVersionStage")]
    with pytest.raises(Crash):
        world.step(secret, token, "finishSecret")
    world.core.sleep(3600)
    world.step(secret, token, "finishSecret")
    start = next(iter(world.scheduler.schedules.values())).request["StartDate"]
    assert start.timestamp() - world.core.seconds > 23.99 * 3600


@pytest.mark.parametrize("grace", ["24", "0"])
def test_the_old_key_stays_through_its_grace_period(world: World, enrolled: Any, grace: str) -> None:
    secret, old = enrolled
    secret.tags[GRACE] = grace
    world.rotate(secret)
    assert old.active == (grace != "0")
    body = world.ses.bodies()[0]
    assert ("stays Active until 2026-01-02 00:00 UTC" if old.active else "is Inactive now") in body
    assert old.key_id in body
    assert len(world.scheduler.schedules) == 1, "without a grace period the schedule is a net"


def test_a_mail_after_a_crash_names_the_true_end(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    token = pending(world, secret, 3)
    world.core.hooks = [Fault("crash", action="ses:SendEmail")]
    with pytest.raises(Crash):
        world.step(secret, token, "finishSecret")
    world.core.sleep(5 * 3600)
    world.rotate(secret, token)
    assert "stays Active until 2026-01-02 00:00 UTC" in world.ses.bodies()[0]


@pytest.mark.parametrize("kind", ["error", "timeout"])
def test_a_failing_mail_decides_nothing(world: World, enrolled: Any, kind: Any) -> None:
    secret, old = enrolled
    world.core.hooks = [Fault(kind, 0, "ses:SendEmail")]
    world.rotate(secret)
    assert world.current_key(secret) is not old
    assert sum(line.get("MailFailed", 0) for line in world.lines) == 1


@pytest.mark.parametrize(
    ("tag", "field", "environment", "to"),
    [
        (None, "a@acmecorp.com", {}, ["a@acmecorp.com"]),
        ("b@acmecorp.com", "a@acmecorp.com", {}, ["b@acmecorp.com"]),
        ("nonsense", "a@acmecorp.com", {}, ["a@acmecorp.com"]),
        (None, "A <a@acmecorp.com>", {}, []),
        (None, None, {}, []),
        (None, "a@acmecorp.com", {"NOTIFY_FROM": ""}, []),
    ],
)
def test_who_is_told(tag: str | None, field: str | None, environment: dict, to: list[str]) -> None:
    world = World(**environment)
    secret, _ = world.enrol(USER, NOTIFY_EMAIL=field)
    if tag is not None:
        secret.tags["key-rotation:notify-email"] = tag
    world.rotate(secret)
    assert [mail["Destination"]["ToAddresses"] for mail in world.ses.mails] == ([to] if to else [])


def test_the_team_is_told_once(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    token = world.rotate(secret)
    for step in STEPS:
        world.step(secret, token, step)
    assert len(world.ses.mails) == 1


def test_a_replay_after_the_end_does_not_undo_what_a_person_did(world: World, enrolled: Any) -> None:
    secret, old = enrolled
    secret.tags[GRACE] = "0"
    token = world.rotate(secret)
    old.active = True
    world.step(secret, token, "finishSecret")
    assert old.active


def test_a_replay_finishes_what_a_crash_left_without_grace(world: World, enrolled: Any) -> None:
    secret, old = enrolled
    secret.tags[GRACE] = "0"
    token = pending(world, secret, 3)
    world.core.hooks = [Fault("crash", action="iam:UpdateAccessKey")]
    with pytest.raises(Crash):
        world.step(secret, token, "finishSecret")
    assert old.active
    world.rotate(secret, token)
    assert not old.active


def test_a_placeholder_gets_its_first_key(world: World) -> None:
    user = world.iam.add_user(USER, "/division/")
    secret = world.secrets.add("/new", document(USER, None))
    user.tags = {"key-rotation:secret": secret.arn}
    world.rotate(secret)
    assert world.current_key(secret) is not None
    assert world.scheduler.schedules == {}, "there is no old key to retire"


def test_a_tag_that_makes_no_sense_is_told(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    secret.tags[GRACE] = "soon"
    world.rotate(secret)
    assert {line["tag"] for line in world.lines if line.get("TagIgnored")} == {GRACE}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("error", 0, "ses:SendEmail", code="InternalFailure", status=500), "InternalFailure"),  # down
        (Fault("timeout", 0, "ses:SendEmail"), "ReadTimeoutError"),
        (Fault("error", 0, "ses:SendEmail", code="MessageRejected", status=400), "MessageRejected"),  # unverified
        (Fault("error", 0, "ses:SendEmail", code="AccountSuspendedException", status=400), "AccountSuspendedException"),
        (Fault("error", 0, "ses:SendEmail", code="TooManyRequestsException", status=429), "TooManyRequestsException"),
        (Fault("error", 0, "ses:SendEmail", code="LimitExceededException", status=400), "LimitExceededException"),
        (Fault("error", 0, "ses:SendEmail", code="BadRequestException", status=400), "BadRequestException"),  # address
        (Fault("error", 0, "ses:SendEmail", code="AccessDeniedException", status=403), "AccessDeniedException"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("grace", ["24", "0"])
def test_whatever_ses_says_the_rotation_succeeds_and_the_failure_is_counted(
    world: World, enrolled: Any, fault: Fault, error: str, grace: str
) -> None:
    secret, old = enrolled
    secret.tags[GRACE] = grace
    world.core.hooks = [replace(fault)]
    token = world.rotate(secret)
    assert world.current_key(secret) is not old
    assert old.active == (grace == "24")
    (line,) = [line for line in world.lines if "MailFailed" in line]
    assert (line["MailFailed"], line["error"]) == (1, f"ses:SendEmail failed: {error}")
    assert (line["step"], line["token"]) == ("finishSecret", token)
    assert line["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "MailFailed", "Unit": "Count"}]


@pytest.mark.parametrize(
    "address", ["A <a@acmecorp.com>", "a@acmecorp.com, b@acmecorp.com", "platform", "a@b.c\nBcc: d@e.f"]
)
def test_a_bad_address_in_the_document_is_counted_and_never_shown(world: World, address: str) -> None:
    secret, old = world.enrol(USER, NOTIFY_EMAIL=address)
    world.rotate(secret)
    assert world.current_key(secret) is not old
    assert "ses:SendEmail" not in world.core.actions()
    (line,) = [line for line in world.lines if line.get("MailFailed")]
    assert line["error"] == "NOTIFY_EMAIL is not one plain address"
    assert address not in str(world.lines)


def test_without_grace_the_old_key_goes_only_once_its_successor_is_stored_proven_and_current(
    world: World, enrolled: Any
) -> None:
    secret, old = enrolled
    secret.tags[GRACE] = "0"
    world.rotate(secret)
    wanted = ("secretsmanager:PutSecretValue", "sts:GetCallerIdentity", "secretsmanager:UpdateSecretVersionStage")
    actions = world.core.actions()
    off = actions.index("iam:UpdateAccessKey")
    assert all(action in actions[:off] for action in wanted)
    assert not set(wanted) & set(actions[off:])
    assert "iam:DeleteAccessKey" not in actions
    assert (old.active, old.deleted) == (False, None)
