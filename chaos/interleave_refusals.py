# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Who must be refused: foreign secrets, unbound users, forged events, other users' keys."""

from __future__ import annotations

from collections.abc import Iterator

from tests.unit.memory.invariants import names
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretState, VersionState
from tests.unit.memory.world import World, document

from .interleave_actors import Body
from .interleave_explore import Barred, Faults
from .interleave_pairs import (
    OTHER_TOKEN,
    Meeting,
    after_promotion,
    delivery,
    first,
    first_without_grace,
    prepared,
    retirement,
)
from .people import ACTS, USER
from .settle import the_secret

OTHER_USER = f"old-{USER}"
"""Its name ends with the user's, as careless comparisons like it."""
DAY = 24.0
"""Hours."""


def refusals() -> Iterator[Meeting]:
    """All of them; each world is made anew."""
    yield from _foreign_secrets()
    yield from _unbound_users()
    yield from _forged_steps()
    yield from _forged_retirements()
    yield from _foreign_keys()


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

    world = first()
    secret = the_secret(world)
    elsewhere = SecretState(secret.arn.replace("us-east-1", "eu-west-1"), secret.name, {}, True, dict(secret.versions))
    elsewhere.labels = dict(secret.labels)
    world.secrets.secrets[elsewhere.arn] = elsewhere
    world.iam.users[USER].tags["key-rotation:secret"] = elsewhere.arn
    token = world.secrets.start_rotation(elsewhere)
    bodies = {"createSecret": delivery(world, token, "createSecret", secret=elsewhere)}
    yield refused("a bound secret of another Region: createSecret", world, bodies)


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

    world = first_without_grace()
    secret = the_secret(world)
    token = world.rotate(secret)
    old = world.iam.key(names(secret.text(AWSPREVIOUS)) or "")
    assert old is not None
    old.active = True
    replay = {"finishSecret again": delivery(world, token, "finishSecret")}
    yield refused("a person switched the old key on again: a replay of finishSecret", world, replay, passes=True)


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
    world = first()
    tested = prepared(world, "finishSecret")
    assert tested is not None
    ACTS["deactivates the pending key"].do(world, the_secret(world))
    finish = {"finishSecret": delivery(world, tested, "finishSecret")}
    yield refused("a pending key that is Inactive: finishSecret", world, finish)
    for step in ("createSecret", "finishSecret"):
        world = first()
        token = stored_pending(world, the_secret(world), the_secret(world).text() or "")
        bodies = {step: delivery(world, token, step)}
        may = "secretsmanager:UpdateSecretVersionStage AWSPENDING"
        yield refused(f"a pending copy of AWSCURRENT: {step}", world, bodies, may=may)
    world = first()
    arn, token = the_secret(world).arn, world.secrets.start_rotation(the_secret(world))
    bodies = {"createSecret of noop": lambda port: port.step(arn, token, "createSecret", "noop")}
    yield refused("noop on an access key: createSecret", world, bodies)
