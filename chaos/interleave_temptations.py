# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Worlds that tempt: retirements that must wait, bad weather, slots that look free."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tests.unit.memory.invariants import names
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPENDING, AWSPREVIOUS
from tests.unit.memory.world import STEPS, World, document

from .interleave_explore import Faults
from .interleave_pairs import Meeting, after_promotion, delivery, first, prepared, retirement, steady
from .interleave_refusals import DAY, refused, stored_pending
from .people import ACTS, GRACE, USER
from .settle import the_secret

HOLD = "key-rotation:hold-until"


def temptations() -> Iterator[Meeting]:
    """All of them; each world is made anew."""
    yield from _not_due()
    yield from _slow_keys()
    yield from _bounds()
    yield from _late_retries()
    yield from _slots_with_strangers()
    yield from _slots_with_our_own()
    yield from _slots_after_people()
    yield from _denied_puts()


def _not_due() -> Iterator[Meeting]:
    """The retirement itself comes, and finds that it must wait."""

    def waits(name: str, world: World, label: str = AWSPREVIOUS, key_id: str | None = None) -> Meeting:
        key_id = key_id or names(the_secret(world).text(label)) or ""
        return refused(f"retirement waits: {name}", world, {"retirement": retirement(world, key_id)}, passes=True)

    world = after_promotion(DAY - 1)
    yield waits("within grace", world)
    yield waits("held", held(DAY * 2))
    world = after_promotion(DAY * 2)
    ACTS["deactivates the current key"].do(world, the_secret(world))
    yield waits("the current key is Inactive", world)
    world = after_promotion(DAY * 2)
    old_id = names(the_secret(world).text(AWSPREVIOUS))
    ACTS["spoils the secret"].do(world, the_secret(world))
    world.core.sleep(3600 * DAY * 2)
    yield waits("the current value does not work", world, key_id=old_id)
    world = after_promotion(DAY * 2)
    ACTS["moves AWSCURRENT back"].do(world, the_secret(world))
    yield waits("AWSCURRENT moved back onto its key", world, AWSCURRENT)
    for hours in (0.5, DAY * 2):
        world = crashed_before_the_move("0" if hours < 1 else "24")
        world.core.sleep(hours * 3600)
        yield waits(f"{hours:g} h after a crash before the move", world, AWSCURRENT)
    world = after_promotion(DAY * 2)
    secret = the_secret(world)
    stored_pending(world, secret, secret.text(AWSPREVIOUS) or "")
    yield waits("AWSPENDING names its key", world)


def held(hours: float) -> World:
    """So long after a rotation, with three more days of hold; the key is young, so that its age allows them."""
    world = World()
    secret, _ = world.enrol(USER, age_days=20)
    world.core.sleep(60)
    world.rotate(secret)
    world.core.sleep(hours * 3600)
    secret.tags[HOLD] = (world.core.now() + timedelta(days=3)).isoformat()
    return world


def crashed_before_the_move(grace: str) -> World:
    """The retirement is written ahead, and finishSecret died there."""
    world = first()
    the_secret(world).tags[GRACE] = grace
    token = prepared(world, "finishSecret")
    assert token is not None
    start = world.core.now() + (timedelta(hours=int(grace)) or timedelta(minutes=5))
    world.scheduler.methods()["create_schedule"](
        GroupName="key-rotation",
        Name=f"retire-{names(the_secret(world).text())}",
        StartDate=start,
        ScheduleExpression="rate(6 hours)",
        Target={"Input": "{}"},
    )
    return world


def _slow_keys() -> Iterator[Meeting]:
    """IAM knows a new key late, or then not, then does; or never, for a person took it away."""
    for base in (first, steady):
        world = base()
        world.iam.unsteady = ((5, 25), (60, 75))
        token = prepared(world, "createSecret")
        assert token is not None
        bodies = {"all of A": delivery(world, token, *STEPS)}  # alone: one that is stalled may sleep through a span
        yield Meeting(f"{base.__name__}, a key that flickers: all of A", world, bodies, Faults(1), quick=True)
        world = base()
        world.iam.unsteady = ((0, 15),)
        token = prepared(world, "createSecret")
        assert token is not None
        slow = {"all of A": delivery(world, token, *STEPS)}
        yield Meeting(f"{base.__name__}, a key that works after 15 s: all of A", world, slow, Faults(1), quick=True)
    for act in ("deactivates the pending key", "deletes the pending key"):
        world = first()
        token = prepared(world, "finishSecret")
        assert token is not None
        ACTS[act].do(world, the_secret(world))
        world.core.sleep(3600)
        again = {"createSecret A": delivery(world, token, "createSecret")}
        yield Meeting(f"a person {act}: then createSecret again", world, again, Faults(1), quick=True)


def _bounds() -> Iterator[Meeting]:
    """Consumers never stop, people hold or edit, and keys come near their promise."""
    for age_days in (40.0, 84.0):
        world = World()
        secret, old = world.enrol(USER, age_days)
        world.core.sleep(60)
        world.rotate(secret)
        world.iam.busy.add(old.key_id)
        world.core.sleep(25 * 3600)
        twice = {
            "retirement": retirement(world, old.key_id),
            "retirement again": retirement(world, old.key_id),
        }
        name = f"a consumer never stops, key of {age_days:g} days: retirement, twice"
        yield Meeting(name, world, twice, Faults(1, lost=True, refused=True), quick=True)
    world = World()
    secret, old = world.enrol(USER, 84)
    world.core.sleep(60)
    world.rotate(secret)
    secret.tags[HOLD] = (world.core.now() + timedelta(days=8)).isoformat()
    fires = {"retirement": retirement(world, old.key_id)}
    yield Meeting("held for 8 days, key of 84 days: retirement", world, fires, Faults(1), quick=True)
    world = World()
    secret, old = world.enrol(USER, 84)
    secret.tags[GRACE] = "72"
    world.core.sleep(60)
    world.rotate(secret)
    world.core.sleep(4.5 * 86_400)
    world.iam.busy.add(old.key_id)
    ACTS["edits the secret"].do(world, secret)
    fires = {"retirement": retirement(world, old.key_id)}
    yield Meeting("an edit late in the grace period, key of 84 days: retirement", world, fires, Faults(1), quick=True)


def _late_retries() -> Iterator[Meeting]:
    """A rotation ends long after its retirement was written ahead."""
    for retry in ("a key that was promoted late", "a late retry"):
        world = crashed_before_the_move("24")
        world.core.sleep(23 * 3600)
        secret = the_secret(world)
        token = secret.labels[AWSPENDING]
        old_id = names(secret.text()) or ""
        bodies = {"finishSecret A": delivery(world, token, "finishSecret")}
        if retry == "a late retry":
            world.step(secret, token, "finishSecret")
            world.core.sleep(2 * 3600)
            bodies = {"retirement": retirement(world, old_id)}
        yield Meeting(f"{retry}: {next(iter(bodies))}", world, bodies, Faults(1), quick=True)


def full(name: str, world: World, retried_after: float = 600) -> Meeting:
    """There are two keys, of which none may go, although it looks as if."""
    token = world.secrets.start_rotation(the_secret(world))
    world.core.sleep(retried_after)
    bodies = {"createSecret": delivery(world, token, "createSecret")}
    return refused(f"no slot: {name}", world, bodies, may="scheduler:CreateSchedule")


def _slots_with_strangers() -> Iterator[Meeting]:
    """Keys that no version names, or none that works."""
    world = World()
    world.enrol(USER)
    world.iam.add_key(USER, age_days=10)
    yield full("a key made by hand before the enrolment, never used", world)
    world = first()
    world.core.sleep(3600)
    world.iam.add_key(USER)
    world.core.sleep(3600)
    yield full("a key made by hand an hour ago, its use not reported yet", world)
    world = first()
    by_hand = world.iam.add_key(USER)
    world.iam.use(by_hand.key_id)
    world.core.sleep(3600 * DAY)
    yield full("a key made by hand, used a day ago", world)
    world = first()
    world.iam.add_key(USER)
    world.core.sleep(30)
    yield full("an orphan so young that its attempt may still run", world)
    world = World()
    secret, _ = world.enrol(USER)
    secret.versions[secret.labels[AWSCURRENT]].text = document(USER, None)
    world.iam.add_key(USER, age_days=200, active=False)
    yield full("a placeholder", world)
    world = first()
    off = world.iam.add_key(USER, age_days=200, active=False)
    off.used, off.used_by = world.core.seconds - 86_400 * 10, "s3"
    yield full("an Inactive key, used ten days ago", world)


def _slots_with_our_own() -> Iterator[Meeting]:
    """Keys of earlier rotations and attempts."""
    yield full("a key within its grace period", after_promotion(2))
    world = first()
    secret, by_hand = the_secret(world), world.iam.add_key(USER)
    world.secrets.put_by_hand(secret, document(USER, by_hand))
    for key in world.iam.keys(USER)[:1]:
        key.deleted = world.core.seconds
    world.core.sleep(13 * 3600)
    world.rotate(secret)
    world.core.sleep(3600)
    yield full("AWSPREVIOUS' key, stored by hand and never used", world)
    yield full("a key in use, long after its grace period", after_promotion(DAY * 9, used=True))
    yield full("a held key", held(DAY * 9))
    world = first()
    assert prepared(world, "finishSecret") is not None
    del the_secret(world).labels[AWSPENDING]
    world.core.sleep(3600)
    yield full("a key whose attempt lost its label this moment", world, retried_after=0)


def _slots_after_people() -> Iterator[Meeting]:
    """Keys whose labels people moved."""
    for used_by in ("bedrock", "sts"):
        for retried_after in (180.0, 600.0):
            world = after_promotion(1)
            newer = names(the_secret(world).text()) or ""
            ACTS["moves AWSCURRENT back and its key on"].do(world, the_secret(world))
            ACTS["edits the secret"].do(world, the_secret(world))
            world.core.sleep(3600)
            world.iam.use(newer, used_by)
            name = f"a key rolled back from, its label lost by an edit, used for {used_by}, {retried_after:g} s ago"
            yield full(name, world, retried_after)
    world = after_promotion(DAY * 9)
    old = world.iam.key(names(the_secret(world).text(AWSPREVIOUS)) or "")
    assert old is not None
    old.deleted = world.core.seconds
    ACTS["edits the secret"].do(world, the_secret(world))
    world.core.sleep(3600 * DAY * 9)
    world.iam.use(world.iam.add_key(USER).key_id)
    yield full("AWSPREVIOUS names AWSCURRENT's key", world)
    for act, name in (
        ("moves AWSCURRENT back and its key on", "the rejected key of a roll-back"),
        ("edits the secret", "the old key, its label lost by an edit"),
    ):
        world = after_promotion(14)
        ACTS[act].do(world, the_secret(world))
        yield full(name, world)
    world = steady()
    ACTS["deactivates the current key"].do(world, the_secret(world))
    yield full("AWSCURRENT's key is Inactive", world)


def _denied_puts() -> Iterator[Meeting]:
    """PutSecretValue is refused for good: the new key must not be left behind."""
    for base in (first, steady):
        world = base()
        token = prepared(world, "createSecret")
        assert token is not None
        world.secrets.puts_denied = True
        bodies = {"createSecret A": delivery(world, token, "createSecret")}
        yield Meeting(f"{base.__name__}, PutSecretValue denied: createSecret", world, bodies, Faults(), quick=True)
