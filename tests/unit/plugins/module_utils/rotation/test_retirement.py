# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Retirement: it looks at how things are; nothing but a due retirement changes anything."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    AwsError,
    BindingError,
    EventError,
    RotationError,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Crash, Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import (
    AWSCURRENT,
    AWSPENDING,
    AWSPREVIOUS,
    SecretState,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World, document

USER = "acmecorp-ai"
GRACE = "key-rotation:grace-period-hours"
HOLD = "key-rotation:hold-until"
HOUR = 3600.0
POSTPONED, RETIRED = "Old access key of acmecorp-ai is still in use", "Old access key of acmecorp-ai retired"


def rotated(age_days: float = 80.0, grace: str | None = None, tags: Any = ()) -> tuple[World, SecretState, Key]:
    """A rotation that just ended: promoted at 2026-01-01 00:00, with a schedule, and no mail yet."""
    world = World()
    secret, old = world.enrol(USER, age_days)
    secret.tags.update(tags)
    if grace is not None:
        secret.tags[GRACE] = grace
    world.rotate(secret)
    world.ses.mails.clear()
    return world, secret, old


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


def test_a_key_in_use_is_postponed_with_one_mail() -> None:
    world, _, old = rotated()
    world.core.sleep(20 * HOUR)
    world.iam.use(old.key_id)
    assert world.advance(16.5) == ["postponed", "postponed", "retired"]
    assert world.ses.subjects() == [POSTPONED, RETIRED]
    assert "bedrock in us-east-1, 2026-01-01 20:00 UTC" in world.ses.bodies()[0]


def use_all_the_time(world: World, key: Key, hours: float) -> list[str]:
    outcomes: list[str] = []
    for _ in range(round(hours)):
        if key.active:
            world.iam.use(key.key_id)
        outcomes += world.advance(1)
    return outcomes


@pytest.mark.parametrize(
    ("age_days", "environment", "hours"),
    [
        (0.0, {}, 168),  # promotion + extension
        (0.0, {"MAX_EXTENSION_HOURS": "48"}, 48),
        (0.0, {"MAX_EXTENSION_HOURS": "0"}, 24),
        (86.0, {}, 66),  # 90 - 1 - 86 = 3 days; at 66 h the next firing would be too late
        (100.0, {}, 24),  # the promise is broken already
    ],
)
def test_a_key_always_in_use_is_given_the_extension_and_never_beyond_its_age(
    age_days: float, environment: dict, hours: float
) -> None:
    world = World(**environment)
    secret, old = world.enrol(USER, age_days)
    world.rotate(secret)
    promoted = world.core.seconds
    outcomes = use_all_the_time(world, old, 200)
    assert outcomes[-1] == "retired"
    assert len(outcomes) == (hours - 24) / 6 + 1
    assert not old.active
    assert set(outcomes[:-1]) <= {"postponed"}
    mails = world.ses.subjects()[1:]
    days = -(-(len(outcomes) - 1) // 4)
    assert mails == [POSTPONED] * days + [RETIRED], "told at the first firing, and then once a day"
    assert world.core.seconds - promoted >= hours * HOUR
    assert "still used lately" in world.ses.bodies()[-1]


@pytest.mark.parametrize("used", [False, True])
def test_without_a_grace_period_the_schedule_is_a_net_that_asks_nobody(used: bool) -> None:
    world, secret, old = rotated(grace="0")
    old.active = True  # as if the deactivation in finishSecret had been lost
    if used:
        world.iam.use(old.key_id)
    assert world.retire(secret, old.key_id) == "waiting"
    world.core.sleep(301)
    assert world.retire(secret, old.key_id) == "retired"
    assert not old.active


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
    ("hold", "age_days", "hours"),
    [
        ("2026-01-20T00:00:00Z", 0.0, 19 * 24),  # outranks the extension
        ("2026-01-01T12:00:00Z", 0.0, 24),  # shorter than the grace period
        ("2027-01-01T00:00:00Z", 80.0, 9 * 24),  # cut to the age rule: 90 - 1 - 80 days
        ("2027-01-01T00:00:00Z", 100.0, 24),
        ("nonsense", 0.0, 24),
    ],
)
def test_a_hold_postpones_but_not_beyond_the_age_rule(hold: str, age_days: float, hours: float) -> None:
    world, secret, old = rotated(age_days, tags={HOLD: hold})
    world.core.seconds = world.core.seconds + (hours - 1) * HOUR
    assert world.retire(secret, old.key_id) == "waiting"
    world.core.sleep(1.01 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"


@pytest.mark.parametrize("tag", [{}, {HOLD: "2026-03-01T00:00:00Z"}])
def test_a_key_that_is_missing_in_the_list_alone_keeps_its_hold(tag: dict) -> None:
    world, secret, old = rotated(0.0, tags=tag)
    world.core.sleep(24.1 * HOUR)
    world.iam.users[USER].keys.remove(old)
    hidden = world.iam.add_user("hidden")
    hidden.keys.append(old)
    assert world.retire(secret, old.key_id) == ("waiting" if tag else "done")


def test_a_longer_grace_period_counts_at_once() -> None:
    world, secret, old = rotated()
    secret.tags[GRACE] = "48"
    world.core.sleep(47 * HOUR)
    assert world.retire(secret, old.key_id) == "waiting"
    world.core.sleep(1.1 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"


def test_the_promotion_is_never_before_the_current_version() -> None:
    """Another key put by hand a moment ago: the grace period counts from then."""
    world, secret, old = rotated()
    world.core.sleep(23 * HOUR)
    world.secrets.put_by_hand(secret, document(USER, world.iam.add_key(USER)))
    world.core.sleep(2 * HOUR)
    assert world.retire(secret, old.key_id) == "waiting"
    world.core.sleep(22.1 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"


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


@pytest.mark.parametrize("hold", [None, "2027-01-01T00:00:00Z"])
@pytest.mark.parametrize("age_days", [40.0, 80.0, 85.0])
def test_neither_use_nor_hold_nor_extension_carries_a_key_past_its_promise(age_days: float, hold: str | None) -> None:
    world = World(MAX_EXTENSION_HOURS="2000")
    secret, old = world.enrol(USER, age_days)
    if hold:
        secret.tags[HOLD] = hold
    world.rotate(secret)
    outcomes = use_all_the_time(world, old, (90 - age_days) * 24)
    assert outcomes[-1] == "retired"
    assert not old.active
    (off,) = [call for call in world.core.calls if call.action == "iam:UpdateAccessKey"]
    assert 88 * 24 < (off.at - old.created) / HOUR <= 90 * 24


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("InternalFailure", 500),
        ("MessageRejected", 400),
        ("TooManyRequestsException", 429),
        ("BadRequestException", 400),
    ],
)
def test_a_mail_that_ses_refuses_holds_neither_a_postponement_nor_a_retirement_up(code: str, status: int) -> None:
    """Down, an unverified sender, throttled, an address that SES will not have."""
    world, _, old = rotated()
    world.core.sleep(20 * HOUR)
    world.iam.use(old.key_id)
    world.core.hooks = [Fault("error", 0, "ses:SendEmail", code=code, status=status)]
    assert world.advance(16.5) == ["postponed", "postponed", "retired"]
    assert not old.active
    assert world.scheduler.schedules == {}
    failures = [line for line in world.lines if line.get("MailFailed")]
    assert [line["error"] for line in failures] == [f"ses:SendEmail failed: {code}"] * 2
