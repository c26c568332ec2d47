# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Making room: each rule both ways, and what no rule may touch."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import SlotError
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import (
    AWSCURRENT,
    AWSPENDING,
    AWSPREVIOUS,
    SecretState,
    VersionState,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import World, document
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.room import (
    HOUR,
    USER,
    extra_key,
    frees,
    version_naming,
)

DISPOSABLE = "key-rotation:disposable-keys"


@pytest.fixture
def world() -> World:
    """Enrolled a day ago, with one old key."""
    world = World()
    world.enrol(USER)
    world.core.sleep(24 * HOUR)
    return world


@pytest.fixture
def secret(world: World) -> SecretState:
    return next(iter(world.secrets.secrets.values()))


@pytest.mark.parametrize(
    ("label", "version_age", "rule"),
    [(AWSPREVIOUS, 200 * HOUR, "is_spent"), (None, 200 * HOUR, "is_spent"), (None, 121, "is_spent"), (None, 119, None)],
)
def test_rule_a_an_inactive_key_that_the_secret_knows(
    world: World, secret: SecretState, label: str | None, version_age: float, rule: str | None
) -> None:
    version_naming(world, secret, extra_key(world, 300, active=False), version_age, label)
    assert frees(world, secret) == rule


@pytest.mark.parametrize(("age_hours", "rule"), [(300, "is_spent"), (0.04, None)])
def test_rule_a_a_young_previous_key_stays_while_its_attempt_may_run(
    world: World, secret: SecretState, age_hours: float, rule: str | None
) -> None:
    version_naming(world, secret, extra_key(world, age_hours, active=False), 119 if rule is None else 121, AWSPREVIOUS)
    assert frees(world, secret) == rule


def test_rule_a_an_old_key_stays_while_the_version_that_took_it_up_again_is_young(
    world: World, secret: SecretState
) -> None:
    version_naming(world, secret, extra_key(world, 300, active=False), 119, AWSPREVIOUS)
    assert frees(world, secret) is None


def test_rule_a_a_young_key_stays_while_any_version_that_names_it_is_young(world: World, secret: SecretState) -> None:
    key = extra_key(world, 0.04, active=False)
    version_naming(world, secret, key, 130, AWSPREVIOUS)
    version_naming(world, secret, key, 100)
    assert frees(world, secret) is None


@pytest.mark.parametrize(
    ("disposable", "used_hours_ago", "active", "rule"),
    [
        (True, None, False, "is_spent"),
        (True, 1, False, "is_spent"),
        (True, None, True, None),
        (False, 30 * 24 + 1, False, "is_spent"),
        (False, 30 * 24 - 1, False, None),
        (False, None, False, None),
        (False, 30 * 24 + 1, True, None),
    ],
)
def test_rule_a_a_foreign_key_only_if_inactive_and_given_up_or_forgotten(
    world: World,
    secret: SecretState,
    disposable: bool,
    used_hours_ago: float | None,
    active: bool,
    rule: str | None,
) -> None:
    key = extra_key(world, 2000, active, used_hours_ago)
    if disposable:
        secret.tags[DISPOSABLE] = key.key_id
    assert frees(world, secret) == rule


@pytest.mark.parametrize(
    ("hours_since_promotion", "used_hours_ago", "rule"),
    [
        (169, None, "is_overdue"),
        (169, 13, "is_overdue"),
        (169, 11, None),
        (167, None, None),
        (25, None, None),
    ],
)
def test_rule_b_a_previous_key_whose_retirement_is_long_over(
    world: World, secret: SecretState, hours_since_promotion: float, used_hours_ago: float | None, rule: str | None
) -> None:
    """The clock moves and no schedule fires: each of its firings was lost."""
    world.rotate(secret)
    old = world.iam.keys(USER)[0]
    world.core.sleep(hours_since_promotion * HOUR)
    if used_hours_ago is not None:
        old.used = world.core.seconds - used_hours_ago * HOUR
    world.ses.mails.clear()
    assert frees(world, secret) == rule
    assert world.ses.subjects() == (["Old access key of acmecorp-ai retired"] if rule else [])


@pytest.mark.parametrize(("role", "rule"), [("arn:aws:iam::123456789012:role/r", None), ("", "is_overdue")])
def test_rule_b_only_what_was_asked_for_can_be_over(role: str, rule: str | None) -> None:
    """Without a schedule nothing is overdue, unless none can be made: then there is no grace period either."""
    world = World(RETIREMENT_ROLE_ARN=role, GRACE_PERIOD_HOURS="0")
    secret, old = world.enrol(USER)
    world.rotate(secret)
    world.scheduler.schedules.clear()
    old.active = True  # as if the deactivation in finishSecret had been lost
    world.core.sleep(1000 * HOUR)
    assert frees(world, secret) == rule
    assert (old.deleted is None) == (rule is None)
    assert len(world.scheduler.schedules) == (rule is None)


def test_rule_b_respects_a_hold(world: World, secret: SecretState) -> None:
    world.rotate(secret)
    world.iam.keys(USER)[0].created = world.core.seconds
    world.core.sleep(169 * HOUR)
    secret.tags["key-rotation:hold-until"] = "2026-02-01T00:00:00Z"
    assert frees(world, secret) is None


@pytest.mark.parametrize(
    ("age_hours", "used_hours_ago", "named", "rule"),
    [
        (23, None, False, "is_orphan"),
        (12.01, None, False, "is_orphan"),
        (11.99, None, False, None),
        (0.04, None, False, None),
        (25, None, False, None),
        (23, 1, False, None),
        (23, None, True, None),
    ],
)
def test_rule_c_an_orphan(
    world: World, secret: SecretState, age_hours: float, used_hours_ago: float | None, named: bool, rule: str | None
) -> None:
    key = extra_key(world, age_hours, used_hours_ago=used_hours_ago)
    if named:
        version_naming(world, secret, key, 60)
    assert frees(world, secret) == rule


def test_rule_c_a_young_key_is_named_with_the_time_and_the_way_out(world: World, secret: SecretState) -> None:
    key = extra_key(world, 2)
    token = world.secrets.start_rotation(secret)
    with pytest.raises(SlotError) as caught:
        world.step(secret, token, "createSecret")
    text = str(caught.value)
    assert f"{key.key_id} of {USER} was made 2026-01-01 22:00 UTC and is in no version" in text
    assert "From 2026-01-02 10:00 UTC on, unless it is used" in text
    assert "delete it" in text


@pytest.mark.parametrize("since", [None, "", "yesterday", "2026-13-01T00:00:00Z"])
def test_rule_c_needs_to_know_when_the_enrolment_was(world: World, secret: SecretState, since: str | None) -> None:
    tags = world.iam.users[USER].tags
    del tags["key-rotation:since"]
    if since is not None:
        tags["key-rotation:since"] = since
    extra_key(world, 20)
    assert frees(world, secret) is None


@pytest.mark.parametrize("current", ["placeholder", "inactive", "gone"])
def test_nothing_is_deleted_unless_the_current_key_is_active(world: World, secret: SecretState, current: str) -> None:
    version_naming(world, secret, extra_key(world, 300, active=False), 200 * HOUR, AWSPREVIOUS)
    if current == "inactive":
        world.iam.keys(USER)[0].active = False
    else:
        if current == "gone":
            world.iam.keys(USER)[0].deleted = world.core.seconds
        text = document(USER, None) if current == "placeholder" else str(secret.text())
        world.secrets.put_by_hand(secret, text)
        if current == "placeholder":
            secret.labels.pop(AWSPREVIOUS, None)
        else:
            extra_key(world, 1)
    assert frees(world, secret) is None


def test_the_current_key_is_spared_whichever_other_version_names_it(world: World, secret: SecretState) -> None:
    current = world.iam.keys(USER)[0]
    version_naming(world, secret, current, 400 * HOUR, AWSPREVIOUS)
    secret.tags[DISPOSABLE] = current.key_id
    other = extra_key(world, 20)
    assert frees(world, secret) == "is_orphan"
    assert other.deleted is not None
    assert current.deleted is None
    assert current.active


def test_an_inactive_key_that_the_pending_version_names_is_spared(world: World, secret: SecretState) -> None:
    """Another attempt stores it, between our look at the labels and our look at the keys."""
    key = extra_key(world, 300, active=False)
    version_naming(world, secret, key, 200 * HOUR)
    token = world.secrets.start_rotation(secret)
    version_id = next(version.version_id for version in secret.versions.values() if version.text == document(USER, key))

    def take_the_label(call: Any, when: str) -> None:
        if call.action == "iam:ListAccessKeys" and when == "before":
            secret.labels[AWSPENDING] = version_id

    world.core.hooks = [take_the_label]
    with pytest.raises(SlotError):
        world.step(secret, token, "createSecret")
    assert key.deleted is None


def test_a_list_that_shows_a_deleted_key_makes_no_harm(world: World, secret: SecretState) -> None:
    """Three keys: the deleted one is deleted again, which is success, and the others are judged as ever."""
    gone = extra_key(world, 300, active=False)
    version_naming(world, secret, gone, 200 * HOUR, AWSPREVIOUS)
    gone.deleted = world.core.seconds
    extra_key(world, 20)
    world.iam.listed_after_seconds = 30
    assert frees(world, secret) == "is_spent"
    assert len(world.iam.keys(USER)) == 2
    assert [line["rule"] for line in world.lines if "SlotFreed" in line] == ["is_spent", "is_orphan"]


def test_the_error_names_the_keys_their_age_last_use_and_the_way_out(world: World, secret: SecretState) -> None:
    foreign = extra_key(world, 72, used_hours_ago=2)
    token = world.secrets.start_rotation(secret)
    with pytest.raises(SlotError) as caught:
        world.step(secret, token, "createSecret")
    text = str(caught.value)
    current = world.iam.keys(USER)[0]
    assert f"{current.key_id}: AWSCURRENT's, Active, 101 days old, never used" in text
    assert f"{foreign.key_id}: Active, 3 days old, last used 2026-01-01 22:00 UTC by bedrock" in text
    assert "delete the key that nothing uses" in text
    assert "disposable_keys" in text


def test_a_blocked_slot_in_the_grace_period_says_until_when(world: World, secret: SecretState) -> None:
    world.rotate(secret)
    token = world.secrets.start_rotation(secret)
    with pytest.raises(SlotError, match="in its grace period until 2026-01-03 00:00 UTC"):
        world.step(secret, token, "createSecret")


@pytest.mark.parametrize("hours", [1, 30])
def test_a_missing_retirement_is_asked_for_again(world: World, secret: SecretState, hours: float) -> None:
    world.rotate(secret)
    world.scheduler.schedules.clear()
    world.core.sleep(hours * HOUR)
    old = world.iam.keys(USER)[0]
    token = world.secrets.start_rotation(secret)
    with pytest.raises(SlotError):
        world.step(secret, token, "createSecret")
    (schedule,) = world.scheduler.schedules.values()
    assert schedule.event["AccessKeyId"] == old.key_id
    assert abs(schedule.next_firing - (world.core.seconds + 24 * HOUR)) < 30, "when it was promoted away is not known"
    world.secrets.end_rotation(secret, token)
    del secret.labels[AWSPENDING]
    world.advance(30)
    assert not old.active


def test_the_retirement_of_a_key_that_lost_its_label_is_asked_for_too(world: World, secret: SecretState) -> None:
    """A person who edits the document moves AWSPREVIOUS off the old key's version: the key still has to go."""
    world.rotate(secret)
    old = world.iam.keys(USER)[0]
    current = secret.versions[secret.labels[AWSCURRENT]]
    edited = VersionState(world.secrets.token(), world.core.seconds, current.text)
    secret.versions[edited.version_id] = edited
    secret.labels |= {AWSPREVIOUS: current.version_id, AWSCURRENT: edited.version_id}
    world.scheduler.schedules.clear()
    world.core.sleep(48 * HOUR)
    token = world.secrets.start_rotation(secret)
    with pytest.raises(SlotError):
        world.step(secret, token, "createSecret")
    (schedule,) = world.scheduler.schedules.values()
    assert schedule.event["AccessKeyId"] == old.key_id
    world.secrets.end_rotation(secret, token)
    del secret.labels[AWSPENDING]
    world.advance(30)
    assert not old.active


def test_what_cannot_be_read_is_never_a_yes(world: World, secret: SecretState) -> None:
    """Each read of the evidence fails once: nothing is deleted then."""
    extra_key(world, 20)
    for action in ("iam:GetAccessKeyLastUsed", "secretsmanager:ListSecretVersionIds", "iam:ListAccessKeys"):
        fault = Fault("error", action=action)
        world.core.hooks = [fault]
        token = secret.labels.get(AWSPENDING) or world.secrets.start_rotation(secret)
        with pytest.raises(Exception, match="failed: InternalFailure"):
            world.step(secret, token, "createSecret")
        assert fault.struck
        assert len(world.iam.keys(USER)) == 2
    assert AWSCURRENT in secret.labels


def test_a_rotation_within_the_grace_period_waits_for_its_end(world: World, secret: SecretState) -> None:
    """Two Active keys, both ours: refused however often it is tried, and done once the old one is retired."""
    world.rotate(secret)
    old, new = world.iam.keys(USER)
    token = world.secrets.start_rotation(secret)
    for _ in range(3):
        with pytest.raises(SlotError, match="in its grace period until"):
            world.step(secret, token, "createSecret")
        assert (old.active, new.active, world.iam.keys(USER)) == (True, True, [old, new])
        assert world.current_key(secret) is new
        assert world.advance(7) == []
    assert world.advance(4) == ["retired"]
    world.rotate(secret, token)
    assert old.deleted is not None
    assert new.active
    assert world.current_key(secret) not in (old, new)


def test_without_grace_a_rotation_may_follow_at_once_but_not_take_a_key_of_a_minute_ago(
    world: World, secret: SecretState
) -> None:
    secret.tags["key-rotation:grace-period-hours"] = "0"
    world.rotate(secret)
    world.rotate(secret)
    assert [key.active for key in world.iam.keys(USER)] == [False, True]
    token = world.secrets.start_rotation(secret)
    with pytest.raises(SlotError, match="none may safely make room"):
        world.step(secret, token, "createSecret")
    assert [key.active for key in world.iam.keys(USER)] == [False, True]
    world.core.sleep(180)
    world.rotate(secret, token)
