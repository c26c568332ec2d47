# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Histories that broke the design once; each was found by the chaos commands and is kept as a test of its own."""

from __future__ import annotations

import contextlib
import json

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import RotationError, SlotError
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Act, Crash, Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.invariants import settled
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import (
    AWSCURRENT,
    AWSPENDING,
    AWSPREVIOUS,
    SecretState,
    VersionState,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World, document
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.room import (
    HOUR,
    MINUTES,
    USER,
    rotate_with_retries,
)

GRACE = "key-rotation:grace-period-hours"
POSTPONED = "Old access key of acmecorp-ai is still in use"
MOVE = "secretsmanager:UpdateSecretVersionStage"


def rotated(age_days: float = 40.0) -> tuple[World, SecretState, Key, Key]:
    """A rotation that just ended; the key before, and the one that AWSCURRENT names now."""
    world = World()
    secret, old = world.enrol(USER, age_days)
    world.core.sleep(60)
    world.rotate(secret)
    newer = world.current_key(secret)
    assert newer is not None
    world.ses.mails.clear()
    return world, secret, old, newer


def edit(world: World, secret: SecretState, **fields: str) -> None:
    """A person's PutSecretValue."""
    world.secrets.put_by_hand(secret, json.dumps({**json.loads(secret.text() or ""), **fields}))


def switched_off(world: World) -> float:
    """When the one key was made Inactive."""
    (off,) = [call for call in world.core.calls if call.action == "iam:UpdateAccessKey"]
    return off.at


def blocked(world: World, secret: SecretState, *pauses_hours: float) -> None:
    """A rotation finds no key that may make room, however often it is tried."""
    token = world.secrets.start_rotation(secret)
    for pause in (0.0, *pauses_hours):
        world.advance(pause)
        with pytest.raises(SlotError):
            world.step(secret, token, "createSecret")


def test_a_lost_race_of_two_attempts_leaves_a_key_older_than_the_winners() -> None:
    """createSecret of token A and of a new token B run side by side, IAM lets a third key through, B wins.

    A's key is in an unlabelled version and a moment OLDER than AWSCURRENT's: rule (d), which asked for a newer one,
    never took it away, and every later rotation was refused.
    """
    world = World()
    secret, _ = world.enrol(USER)
    world.rotate(secret)
    world.advance(85 * 24)

    def attempt_a_stores_its_key() -> None:
        loser = world.iam.add_key(USER, age_days=1 / 86_400)
        version = VersionState(world.secrets.token(), world.core.seconds, document(USER, loser))
        secret.versions[version.version_id] = version

    world.core.hooks = [Act(attempt_a_stores_its_key, action="iam:CreateAccessKey", when="after")]
    world.rotate(secret)
    world.advance(85 * 24)
    rotate_with_retries(world, secret, MINUTES)
    world.advance(85 * 24)
    settled(world, secret, USER)


def test_a_second_attempt_of_one_token_keeps_its_key_from_a_new_token() -> None:
    """Token A stores a key and fails; an hour later its retry is about to move AWSCURRENT when token B begins.

    A's version is unlabelled then, an hour old, and IAM reports no use of its key yet: rule (d), which asked for the
    version's age, took the attempt for dead and deleted the key. A moved AWSCURRENT onto it.
    """
    world = World()
    secret, _ = world.enrol(USER)
    world.core.sleep(60)
    world.iam.working_after_seconds = 1000
    token = world.secrets.start_rotation(secret)
    world.step(secret, token, "createSecret")
    with pytest.raises(RotationError, match="did not work"):
        world.step(secret, token, "testSecret")
    world.core.sleep(HOUR)
    for step in STEPS[:3]:
        world.step(secret, token, step)

    def another_rotation_begins() -> None:
        del secret.labels[AWSPENDING]
        world.iam.keys(USER)[-1].used = None
        with contextlib.suppress(SlotError):
            world.step(secret, world.secrets.start_rotation(secret), "createSecret")

    world.core.hooks = [Act(another_rotation_begins, action=MOVE)]
    world.step(secret, token, "finishSecret")
    assert secret.labels[AWSCURRENT] == token
    assert world.current_key(secret) is not None, "AWSCURRENT names a deleted key"


def test_an_edit_between_the_move_and_the_end_does_not_wedge_the_secret() -> None:
    """The function dies right after the move; before the retry a person edits the value and keeps its key.

    AWSPREVIOUS and AWSPENDING are on one version then, which passed for a roll-back: every step, every retry and every
    new rotation was refused.
    """
    world = World()
    secret, _ = world.enrol(USER)
    token = world.secrets.start_rotation(secret)
    for step in STEPS[:3]:
        world.step(secret, token, step)
    world.core.hooks = [Fault("crash", action="ses:SendEmail")]
    with pytest.raises(Crash):
        world.step(secret, token, "finishSecret")
    world.core.hooks = []
    edit(world, secret, NOTIFY_EMAIL="new@acmecorp.com")
    assert secret.labels[AWSPENDING] == secret.labels[AWSPREVIOUS] == token
    world.advance(1)
    with pytest.raises(RotationError, match="AWSPENDING is taken off"):
        world.step(secret, token, "createSecret")
    assert AWSPENDING not in secret.labels, "every later rotation is refused"
    world.advance(85 * 24)
    world.rotate(secret)
    assert "new@acmecorp.com" in (secret.text() or "")


def test_a_label_moved_back_leaves_the_newer_key_its_grace_period() -> None:
    """A person moves AWSCURRENT back by label 23 hours after the promotion, and a rotation follows.

    The newer key is AWSPREVIOUS' now, and its promotion was reckoned from the older version's date: rule (b) took its
    retirement for long over and deleted it, current until five minutes ago.
    """
    world, secret, _, newer = rotated()
    world.core.sleep(10 * HOUR)
    world.iam.use(newer.key_id)
    world.core.sleep(13 * HOUR)
    secret.move(AWSCURRENT, secret.labels[AWSPREVIOUS])
    world.core.sleep(300)
    moved = world.core.seconds
    blocked(world, secret, 1, 22)
    assert newer.active
    del secret.labels[AWSPENDING]
    assert "retired" in world.advance(2)
    assert switched_off(world) - moved > 24 * HOUR
    world.rotate(secret)
    assert newer.deleted is not None


def test_a_key_made_by_hand_is_not_taken_for_an_orphan_before_iam_reports_its_use() -> None:
    """A person makes a key three minutes before a rotation and uses it at once; IAM reports that hours later.

    Rule (c) took any key that was never used and two minutes old for a crashed attempt's, and deleted it.
    """
    world = World()
    secret, _ = world.enrol(USER)
    world.core.sleep(24 * HOUR)
    by_hand = world.iam.add_key(USER)
    made = world.core.seconds
    world.core.sleep(180)
    blocked(world, secret, 1, 3)
    by_hand.used, by_hand.used_by = made, "bedrock"
    del secret.labels[AWSPENDING]
    blocked(world, secret, 1, 12, 72)
    assert by_hand.active
    assert by_hand.deleted is None


def rolled_back_and_edited() -> tuple[World, SecretState, Key]:
    """AWSCURRENT moved back an hour after a rotation, then an edit: the newer key is in an unlabelled version."""
    world, secret, _, newer = rotated()
    world.core.sleep(HOUR)
    secret.move(AWSCURRENT, secret.labels[AWSPREVIOUS])
    edit(world, secret, NOTIFY_EMAIL="new@acmecorp.com")
    world.core.sleep(HOUR)
    return world, secret, newer


def test_a_key_that_consumers_use_for_sts_alone_is_not_taken_for_abandoned() -> None:
    """AWSCURRENT is moved back, then edited; the newer key's consumers go on, and assume a role with it every hour.

    Rule (d) took every use by STS for our own test and deleted the key: at once, and, when it counted uses up to the
    next rotation's version alone, in that rotation's retry.
    """
    world, secret, newer = rolled_back_and_edited()
    token = world.secrets.start_rotation(secret)
    for _ in range(30):
        world.iam.use(newer.key_id, "sts")
        for _ in range(2):
            with pytest.raises(SlotError):
                world.step(secret, token, "createSecret")
            world.advance(0.5)
    assert newer.active
    assert newer.deleted is None


def test_the_proof_before_a_retirement_does_not_make_a_key_look_abandoned() -> None:
    """The retirement asks STS with AWSCURRENT's key, and that hides its last real use; then AWSCURRENT is moved back.

    After an edit the key is in an unlabelled version, last used by STS, before the next rotation began.
    """
    world, secret, old, newer = rotated()
    world.iam.busy.add(newer.key_id)
    assert world.advance(25) == ["retired"]
    assert newer.used_by == "sts"
    old.active = True
    secret.move(AWSCURRENT, secret.labels[AWSPREVIOUS])
    edit(world, secret, NOTIFY_EMAIL="new@acmecorp.com")
    world.iam.busy.clear()
    blocked(world, secret, 0.05, 1)
    assert newer.deleted is None


def test_the_postponement_is_told_even_if_its_first_firing_is_lost() -> None:
    """A key is in use when its grace period ends, and the retirement's first firing gets lost: it alone wrote the mail.

    The team heard nothing until the key was switched off; now it is told a day later.
    """
    world, _, old, _ = rotated(age_days=0)
    assert world.scheduler.next_due(world.core.seconds + 25 * HOUR) is not None
    outcomes = []
    for _ in range(25):
        world.iam.use(old.key_id)
        outcomes += world.advance(1)
    assert outcomes == ["postponed"] * 4
    assert world.ses.subjects() == [POSTPONED]


def test_the_old_key_stays_while_the_current_value_does_not_work() -> None:
    """A person's edit spoils AWS_SECRET_ACCESS_KEY within the grace period.

    The key that AWSCURRENT names was still Active, which was all that the retirement asked for: it switched off the one
    key whose secret somebody had.
    """
    world, secret, old, newer = rotated()
    edit(world, secret, AWS_SECRET_ACCESS_KEY="mark-typo")
    assert world.advance(60) == ["current_key_not_working"] * 7
    assert old.active
    assert any(line.get("RetirementBlocked") and line["access_key_id"] == old.key_id for line in world.lines)
    edit(world, secret, AWS_SECRET_ACCESS_KEY=newer.secret)
    assert world.advance(6) == ["retired"]


@pytest.mark.parametrize("answer", ["timeout", "error"])
def test_the_old_key_stays_until_sts_answers(answer: str) -> None:
    world, secret, old, _ = rotated()
    world.core.sleep(25 * HOUR)
    world.core.hooks = [Fault(answer, action="sts:GetCallerIdentity")]  # type: ignore[arg-type]
    assert world.retire(secret, old.key_id) == "current_key_not_working"
    assert old.active
    assert world.retire(secret, old.key_id) == "retired"


@pytest.mark.parametrize("tag", ["168", "720"])
def test_a_grace_period_made_longer_does_not_carry_a_key_past_its_promise(tag: str) -> None:
    """Somebody lengthens the grace period by tag, right after a key of 86 days was replaced.

    The grace period was not cut to the age rule, as a hold was: the key was Active past its 90 days.
    """
    world, secret, old, _ = rotated(age_days=86)
    secret.tags[GRACE] = tag
    world.advance(30 * 24)
    assert 88.5 * 24 * HOUR < switched_off(world) - old.created <= 90 * 24 * HOUR


def test_the_grace_period_that_was_promised_is_given_in_full() -> None:
    """A rotation comes half a day before its key breaks the promise: consumers still get the 24 hours of the mail."""
    world, secret, old, _ = rotated(age_days=89.5)
    promoted = world.core.seconds
    world.core.sleep(23.9 * HOUR)
    assert world.retire(secret, old.key_id) == "waiting", "an event that comes early"
    assert world.advance(6) == ["retired"]
    assert 0 <= switched_off(world) - promoted - 24 * HOUR < 60
    assert not old.active
