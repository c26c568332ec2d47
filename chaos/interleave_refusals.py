# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Who must be refused, and worlds that tempt: confused deputies, forged events, bad weather, slots that look free."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from tests.unit.memory.iam import Key
from tests.unit.memory.invariants import names
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretState, VersionState
from tests.unit.memory.world import STEPS, World, document

from .interleave_actors import Body
from .interleave_explore import Barred, Faults
from .interleave_pairs import (
    OTHER_TOKEN,
    Meeting,
    after_promotion,
    delivery,
    first,
    prepared,
    retirement,
    steady,
)
from .people import ACTS, GRACE, USER
from .settle import the_secret

OTHER_USER = f"old-{USER}"
"""Its name ends with the user's, as careless comparisons like it."""
HOLD = "key-rotation:hold-until"
DAY = 24.0
"""Hours."""


def refusals() -> Iterator[Meeting]:
    """All of them; each world is made anew."""
    yield from _foreign_secrets()
    yield from _unbound_users()
    yield from _forged_steps()
    yield from _forged_retirements()
    yield from _not_due()
    yield from _foreign_keys()
    yield from _weather()
    yield from _slots()
    yield from _denied_puts()


def refused(name: str, world: World, bodies: dict[str, Body], passes: bool = False, may: str = "") -> Meeting:
    """A meeting in which all of these must be refused.

    Args:
        passes: they may end without an error, since nothing is asked that is wrong, only nothing that is due.
        may: the one change that is right all the same.
    """
    who = frozenset(bodies)
    barred = Barred(who, who if passes else frozenset(), frozenset({may}))
    return Meeting(name, world, bodies, Faults(), True, barred)


def stored_pending(world: World, secret: SecretState, text: str) -> str:
    """A rotation of a secret that has a value already, whoever stored it: its token."""
    token = world.secrets.start_rotation(secret)
    secret.versions[token].text = text
    return token


def two_accounts() -> tuple[World, SecretState]:
    """Two service accounts within their grace periods; the second one's secret."""
    world = first()
    other, _ = world.enrol(OTHER_USER)
    world.rotate(the_secret(world))
    world.rotate(other)
    world.core.sleep(3600)
    return world, other


def _foreign_secrets() -> Iterator[Meeting]:
    """Whoever may write some secret attaches our function to it and names an enrolled user."""
    for step in ("createSecret", "finishSecret"):
        world = after_promotion(1)
        stolen = the_secret(world).text() or ""
        older = the_secret(world).text(AWSPREVIOUS) or ""
        foreign = world.secrets.add("/somebody/else", stolen)
        token = (
            stored_pending(world, foreign, older) if step != "createSecret" else world.secrets.start_rotation(foreign)
        )
        bodies = {f"{step} of a foreign secret": delivery(world, token, step, secret=foreign)}
        if step == "testSecret":
            continue  # the key works and is the user's: there is nothing to refuse, and nothing is changed
        yield refused(f"foreign secret: {step}", world, bodies)
    for days, label in ((0.1, AWSPREVIOUS), (DAY * 2, AWSPREVIOUS), (DAY * 2, AWSCURRENT)):
        world = after_promotion(days)
        secret = the_secret(world)
        foreign = world.secrets.add("/somebody/else", document(USER, None))
        stored_pending(world, foreign, secret.text() or "")
        version = VersionState(OTHER_TOKEN, world.core.seconds, secret.text(AWSPREVIOUS))
        foreign.versions[OTHER_TOKEN] = version
        fires = {"a forged retirement": retirement(world, names(secret.text(label)) or "", foreign)}
        yield refused(f"foreign secret: retirement of {label}'s key after {days:g} h", world, fires)
    world, _ = two_accounts()
    secret = the_secret(world)
    secret.versions[secret.labels[AWSCURRENT]].text = (secret.text() or "").replace(f'"{USER}"', f'"{OTHER_USER}"')
    token = world.secrets.start_rotation(secret)
    bodies = {"createSecret of the first": delivery(world, token, "createSecret")}
    yield refused("one user in two secrets: createSecret", world, bodies)
    world = first()
    secret = the_secret(world)
    secret.versions[secret.labels[AWSCURRENT]].text = (secret.text() or "").replace(f'"{USER}"', f'"{USER.upper()}"')
    token = world.secrets.start_rotation(secret)
    yield refused(
        "USER_NAME in capitals: createSecret", world, {"createSecret": delivery(world, token, "createSecret")}
    )


def _unbound_users() -> Iterator[Meeting]:
    """The user lost its binding, or is another one under the same name."""
    for act in ("remakes the user", "unbinds the user"):
        for step in ("createSecret", "finishSecret"):
            world = first()
            token = prepared(world, step)
            assert token is not None
            ACTS[act].do(world, the_secret(world))
            yield refused(f"a person {act}: then {step}", world, {step: delivery(world, token, step)})
    world = after_promotion(DAY * 2)
    ACTS["unbinds the user"].do(world, the_secret(world))
    fires = {"retirement": retirement(world, names(the_secret(world).text(AWSPREVIOUS)) or "")}
    yield refused("a person unbinds the user: then the retirement", world, fires)


def _forged_steps() -> Iterator[Meeting]:
    """Somebody who may only invoke the function asks for steps that no service asked for."""
    for step in ("createSecret", "finishSecret"):
        world = after_promotion(1)
        older = the_secret(world).labels[AWSPREVIOUS]
        yield refused(f"older token: {step}", world, {step: delivery(world, older, step)})
        world = after_promotion(1)
        yield refused(f"unknown token: {step}", world, {step: delivery(world, OTHER_TOKEN, step)})
        world = first()
        token = prepared(world, step)
        assert token is not None
        the_secret(world).rotation_enabled = False
        yield refused(f"rotation is off: {step}", world, {step: delivery(world, token, step)})
        world = after_promotion(1)
        secret = the_secret(world)
        held = secret.labels[AWSPENDING] = secret.labels[AWSPREVIOUS]
        yield refused(f"a roll-back holds the secret: {step}", world, {step: delivery(world, held, step)})
    world = first()
    secret = the_secret(world)
    secret.labels[AWSPENDING] = world.secrets.token()
    secret.versions[secret.labels[AWSPENDING]] = VersionState(secret.labels[AWSPENDING], world.core.seconds)
    finish = {"finishSecret": delivery(world, secret.labels[AWSPENDING], "finishSecret")}
    yield refused("finishSecret before createSecret", world, finish)


def _forged_retirements() -> Iterator[Meeting]:
    """Somebody who may only invoke the function wants a key gone."""
    world, other = two_accounts()
    world.core.sleep(3600 * DAY * 2)
    fires = {"a forged retirement": retirement(world, names(other.text(AWSPREVIOUS)) or "")}
    yield refused("another account's due key: retirement", world, fires)
    world = after_promotion(DAY * 2)
    secret = the_secret(world)
    key = world.iam.key(names(secret.text(AWSPREVIOUS)) or "")
    assert key is not None
    key.deleted = world.core.seconds
    by_hand = world.iam.add_key(USER, age_days=1)
    fires = {"a forged retirement": retirement(world, by_hand.key_id)}
    yield refused("a key made by hand: retirement", world, fires)
    world = after_promotion(DAY * 2)
    ACTS["moves AWSCURRENT back and its key on"].do(world, the_secret(world))
    fires = {"a forged retirement": retirement(world, names(the_secret(world).text(AWSPREVIOUS)) or "")}
    yield refused("after a roll-back: retirement of the rejected key", world, fires, passes=True)


def _not_due() -> Iterator[Meeting]:
    """The retirement itself comes, and finds that it must wait."""

    def waits(name: str, world: World, label: str = AWSPREVIOUS) -> Meeting:
        key_id = names(the_secret(world).text(label)) or ""
        return refused(f"retirement waits: {name}", world, {"retirement": retirement(world, key_id)}, passes=True)

    world = after_promotion(DAY - 1)
    yield waits("within grace", world)
    yield waits("held", held(DAY * 2))
    world = after_promotion(DAY * 2)
    ACTS["deactivates the current key"].do(world, the_secret(world))
    yield waits("the current key is Inactive", world)
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


def _foreign_keys() -> Iterator[Meeting]:
    """Somebody stores another user's working key as the pending value."""
    for step in ("testSecret", "finishSecret"):
        for path in ("/", f"/{USER}/"):
            world = first()
            world.iam.add_user(OTHER_USER, path)
            key = world.iam.add_key(OTHER_USER)
            token = stored_pending(world, the_secret(world), document(USER, key))
            name = f"a key of {path.strip('/') or 'the user'}{'/' if path != '/' else ' '}{OTHER_USER}: {step}"
            yield refused(name, world, {step: delivery(world, token, step)})


def _weather() -> Iterator[Meeting]:
    """IAM knows a new key, then not, then does; consumers never stop; keys come near their promise."""
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


def _slots() -> Iterator[Meeting]:
    """Two keys, of which none may go, although it looks as if."""

    def full(name: str, world: World) -> Meeting:
        token = world.secrets.start_rotation(the_secret(world))
        bodies = {"createSecret": delivery(world, token, "createSecret")}
        return refused(f"no slot: {name}", world, bodies, may="scheduler:CreateSchedule")

    world = World()
    world.enrol(USER)
    world.iam.add_key(USER, age_days=10)
    yield full("a key made by hand before the enrolment, never used", world)
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
    yield full("a key within its grace period", after_promotion(2))
    yield full("a key in use, long after its grace period", after_promotion(DAY * 9, used=True))
    yield full("a held key", held(DAY * 9))
    for used_by, name in (("bedrock", "in use"), ("sts", "young")):
        world, rejected = given_up()
        if used_by == "bedrock":
            world.core.sleep(3600)
            world.iam.use(rejected.key_id)
        yield full(f"an abandoned key, {name}", world)
    world = after_promotion(DAY * 9)
    old = world.iam.key(names(the_secret(world).text(AWSPREVIOUS)) or "")
    assert old is not None
    old.deleted = world.core.seconds
    ACTS["edits the secret"].do(world, the_secret(world))
    world.core.sleep(3600 * DAY * 9)
    world.iam.use(world.iam.add_key(USER).key_id)
    yield full("AWSPREVIOUS names AWSCURRENT's key", world)
    world = steady()
    ACTS["deactivates the current key"].do(world, the_secret(world))
    yield full("AWSCURRENT's key is Inactive", world)


def given_up() -> tuple[World, Key]:
    """An attempt was tested and given up a moment ago; its key."""
    world = first()
    secret = the_secret(world)
    token = prepared(world, "finishSecret")
    assert token is not None
    rejected = world.iam.key(names(secret.text(AWSPENDING)) or "")
    assert rejected is not None
    del secret.labels[AWSPENDING]
    return world, rejected


def _denied_puts() -> Iterator[Meeting]:
    """PutSecretValue is refused for good: the new key must not be left behind."""
    for base in (first, steady):
        world = base()
        token = prepared(world, "createSecret")
        assert token is not None
        world.secrets.puts_denied = True
        bodies = {"createSecret A": delivery(world, token, "createSecret")}
        yield Meeting(f"{base.__name__}, PutSecretValue denied: createSecret", world, bodies, Faults(), quick=True)
