# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Retirement: it looks at how things are; nothing but a due retirement changes anything."""

from __future__ import annotations

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    AwsError,
    BindingError,
    EventError,
    RotationError,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Crash, Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import (
    AWSCURRENT,
    AWSPENDING,
    AWSPREVIOUS,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.retiring import (
    GRACE,
    HOUR,
    RETIRED,
    USER,
    rotated,
)


def test_due_is_retired_once() -> None:
    world, secret, old = rotated()
    world.core.sleep(24.1 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"
    assert not old.active
    assert world.ses.subjects() == [RETIRED]
    assert world.scheduler.schedules == {}
    assert world.retire(secret, old.key_id) == "not_due"
    assert world.ses.subjects() == [RETIRED]


def test_what_cannot_be_told_in_the_time_that_is_left_is_left_to_the_next_firing() -> None:
    world, secret, old = rotated()
    world.core.sleep(24.1 * HOUR)
    world.core.latency_seconds = 5.0  # eight calls before the key would be made Inactive
    with pytest.raises(RotationError, match=f"too little of the function's time-out is left to retire {old.key_id}"):
        world.retire(secret, old.key_id)
    assert old.active
    world.core.latency_seconds = 0.05
    assert world.retire(secret, old.key_id) == "retired"
    assert world.ses.subjects() == [RETIRED]


@pytest.mark.parametrize(
    ("hours", "outcome"), [(0, "waiting"), (23.9, "waiting"), (24.01, "retired"), (2000, "retired")]
)
def test_early_events_change_nothing(hours: float, outcome: str) -> None:
    world, secret, old = rotated()
    world.core.sleep(hours * HOUR)
    assert world.retire(secret, old.key_id) == outcome
    assert old.active == (outcome == "waiting")


def test_without_a_schedule_nothing_is_due() -> None:
    world, secret, old = rotated()
    world.scheduler.schedules.clear()
    world.core.sleep(1000 * HOUR)
    assert world.retire(secret, old.key_id) == "not_due"
    assert old.active


@pytest.mark.parametrize("label", [AWSCURRENT, AWSPENDING])
def test_a_key_that_a_label_moved_back_to_stays_and_so_does_its_schedule(label: str) -> None:
    world, secret, old = rotated()
    version = secret.labels[AWSPREVIOUS]
    if label == AWSCURRENT:
        secret.move(AWSCURRENT, version)
    else:
        secret.labels[AWSPENDING] = version
    world.core.sleep(1000 * HOUR)
    assert world.retire(secret, old.key_id) == "in_use"
    assert old.active
    assert len(world.scheduler.schedules) == 1
    if label == AWSCURRENT:
        secret.move(AWSCURRENT, secret.labels[AWSPREVIOUS])
    else:
        del secret.labels[AWSPENDING]
    assert world.retire(secret, old.key_id) == "retired"


def test_the_current_key_is_never_retired() -> None:
    world, secret, _ = rotated()
    current = world.current_key(secret)
    assert current is not None
    world.core.sleep(1000 * HOUR)
    assert world.retire(secret, current.key_id) == "not_due"
    assert current.active


@pytest.mark.parametrize("forged", ["AKIAFORGEDFORGED0001", "another users"])
def test_a_key_that_no_version_names_is_refused(forged: str) -> None:
    world, secret, _ = rotated()
    if forged == "another users":
        world.iam.add_user("other")
        forged = world.iam.add_key("other").key_id
    world.core.sleep(1000 * HOUR)
    with pytest.raises(EventError, match="no version of"):
        world.retire(secret, forged)
    assert all(key.active for key in world.iam.keys(USER))


def test_a_key_of_an_older_version_is_known() -> None:
    world, secret, old = rotated()
    world.secrets.put_by_hand(secret, secret.text())
    world.secrets.put_by_hand(secret, secret.text())
    assert old.key_id not in str(secret.text(AWSPREVIOUS))
    world.core.sleep(24.1 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"


@pytest.mark.parametrize("tag", [None, "arn:other"])
def test_an_unbound_user_is_left_alone(tag: str | None) -> None:
    world, secret, old = rotated()
    world.iam.users[USER].tags = {"key-rotation:secret": tag} if tag else {}
    world.core.sleep(25 * HOUR)
    with pytest.raises(BindingError):
        world.retire(secret, old.key_id)
    assert old.active


def test_a_secret_without_a_value_is_refused() -> None:
    world, secret, old = rotated()
    secret.labels.clear()
    with pytest.raises(EventError, match="no current value"):
        world.retire(secret, old.key_id)


@pytest.mark.parametrize("gone", [False, True])
def test_while_the_current_key_does_not_work_the_old_one_stays(gone: bool) -> None:
    world, secret, old = rotated()
    current = world.current_key(secret)
    assert current is not None
    current.active = False
    current.deleted = world.core.seconds if gone else None
    world.core.sleep(25 * HOUR)
    assert world.retire(secret, old.key_id) == "current_key_not_working"
    assert old.active
    assert len(world.scheduler.schedules) == 1
    assert any("RetirementBlocked" in line for line in world.lines)


def test_an_inactive_key_only_ends_its_schedule() -> None:
    world, _, old = rotated(grace="0")
    assert not old.active
    assert world.advance(1) == ["done"]
    assert world.scheduler.schedules == {}
    assert world.ses.mails == []


def test_a_key_that_is_gone_only_ends_its_schedule() -> None:
    world, _, old = rotated()
    old.deleted = world.core.seconds
    assert world.advance(25) == ["done"]
    assert world.scheduler.schedules == {}


@pytest.mark.parametrize(
    "action",
    [
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "iam:GetUser",
        "scheduler:GetSchedule",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
    ],
)
def test_what_cannot_be_read_is_never_a_yes(action: str) -> None:
    world, secret, old = rotated()
    world.core.sleep(25 * HOUR)
    fault = Fault("error", action=action)
    world.core.hooks = [fault]
    with pytest.raises(AwsError, match=action):
        world.retire(secret, old.key_id)
    assert fault.struck
    assert old.active
    assert len(world.scheduler.schedules) == 1


def test_a_failing_mail_does_not_hold_a_retirement_up() -> None:
    world, secret, old = rotated()
    world.core.hooks = [Fault("error", 0, "ses:SendEmail")]
    world.core.sleep(25 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"
    assert world.scheduler.schedules == {}


def test_a_schedule_that_could_not_be_ended_ends_at_its_next_firing() -> None:
    world, _, old = rotated()
    world.core.hooks = [Fault("error", 1, "scheduler:DeleteSchedule")]
    failures: list[Exception] = []
    assert world.advance(24.5, failures.append) == []
    assert not old.active
    assert isinstance(failures[0], RotationError)
    assert world.advance(6) == ["done"]
    assert world.ses.subjects() == [RETIRED]


@pytest.mark.parametrize("lost", [1, 3])
def test_a_lost_firing_is_made_up_for_by_the_next(lost: int) -> None:
    world, _, old = rotated()
    for _ in range(lost):
        assert world.scheduler.next_due(world.core.seconds + 100 * HOUR) is not None
    assert old.active
    assert world.advance(6.1) == ["retired"]
    assert not old.active
    assert world.ses.subjects() == [RETIRED]


def test_without_grace_a_crash_after_the_move_that_nobody_repeats_is_made_good() -> None:
    """The service takes the rotation for complete: AWSCURRENT has moved. The schedule is all that is left."""
    world = World()
    secret, old = world.enrol(USER)
    secret.tags[GRACE] = "0"
    world.core.hooks = [Fault("crash", action="iam:UpdateAccessKey")]
    token = world.secrets.start_rotation(secret)
    for step in STEPS[:3]:
        world.step(secret, token, step)
    with pytest.raises(Crash):
        world.step(secret, token, "finishSecret")
    world.core.hooks = []
    assert world.secrets.end_rotation(secret, token)
    assert old.active
    assert world.advance(0.2) == ["retired"]
    assert not old.active
    assert world.ses.subjects() == [RETIRED]


def test_the_old_key_is_inactive_for_a_whole_period_before_it_is_deleted() -> None:
    world, secret, old = rotated()
    assert world.advance(24.1) == ["retired"]
    assert (old.active, old.deleted) == (False, None)
    assert world.advance(84 * 24) == []
    assert (old.active, old.deleted) == (False, None)
    old.active = True  # a consumer broke, and somebody switched it on again: it is there still
    assert world.iam.works(old.key_id, old.secret)
    old.active = False
    world.rotate(secret)
    assert old.deleted is not None
