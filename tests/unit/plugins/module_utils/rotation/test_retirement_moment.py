# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""When an old key is retired: the grace period, the extension of a key in use, a hold; never beyond its promise."""

from __future__ import annotations

import pytest

from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import World, document
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.retiring import (
    GRACE,
    HOLD,
    HOUR,
    POSTPONED,
    RETIRED,
    USER,
    rotated,
)


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
