# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Which actors meet in which worlds: every pair of steps, retirements and people, and some threes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import RotationError
from tests.unit.memory.invariants import names
from tests.unit.memory.secretsmanager import AWSPENDING, AWSPREVIOUS, SecretState
from tests.unit.memory.world import STEPS, World

from .interleave_actors import Body, Port
from .interleave_explore import Barred, Faults
from .people import ACTS, GRACE, NOOP_ACTS, USER
from .settle import strategy_of, the_secret

STARTS = "the service starts another rotation"
ENDS = "the service ends the rotation"
OTHER_TOKEN = "99999999-0000-4000-8000-000000000000"
CALLED = ("createSecret", "testSecret", "finishSecret")
"""setSecret makes no call."""


@dataclass
class Meeting:
    """Some actors in one world.

    Attributes:
        quick: it belongs to the subset that the unit tests run.
        barred: actors that must be refused.
    """

    name: str
    world: World
    bodies: dict[str, Body]
    faults: Faults = field(default_factory=Faults)
    quick: bool = False
    barred: Barred = field(default_factory=Barred)


def first() -> World:
    """Enrolled a minute ago, never rotated."""
    world = World()
    world.enrol(USER)
    world.core.sleep(60)
    return world


def steady() -> World:
    """Rotated 85 days ago; the old key is Inactive."""
    world = first()
    world.rotate(the_secret(world))
    world.advance(85 * 24)
    return world


def first_without_grace() -> World:
    """As first, with a grace period of 0."""
    world = first()
    the_secret(world).tags[GRACE] = "0"
    return world


def steady_without_grace() -> World:
    """As steady, with a grace period of 0."""
    world = first_without_grace()
    world.rotate(the_secret(world))
    world.advance(85 * 24)
    return world


def noop() -> World:
    """A database password, strategy noop."""
    world = World()
    world.secrets.add("/acmecorp/prod/database/credentials", '{"password": "mark-password"}')
    return world


def after_promotion(hours: float, used: bool = False, grace: str = "24") -> World:
    """So long after the first rotation, its retirement events lost."""
    world = first()
    secret = the_secret(world)
    secret.tags[GRACE] = grace
    world.rotate(secret)
    world.core.sleep(hours * 3600)
    if used:
        key_id = names(secret.text(AWSPREVIOUS)) or ""
        world.iam.use(key_id)
        world.core.sleep(3600)
    return world


BASES: dict[str, Callable[[], World]] = {
    base.__name__: base for base in (first, steady, first_without_grace, steady_without_grace, noop)
}
RETIRING: dict[str, Callable[[], World]] = {
    "in grace": lambda: after_promotion(1),
    "due": lambda: after_promotion(24.1),
    "in use": lambda: after_promotion(24.1, used=True),
    "overdue": lambda: after_promotion(24 * 8),
    "grace 0": lambda: after_promotion(0.2, grace="0"),
}


def prepared(world: World, step: str) -> str | None:
    """Start a rotation and do all steps before one; None: this world does not let it come so far."""
    secret = the_secret(world)
    token = world.secrets.start_rotation(secret)
    try:
        for before in STEPS[: STEPS.index(step)]:
            world.step(secret, token, before, strategy_of(world))
    except RotationError:
        return None
    return token


def delivery(world: World, token: str, *steps: str, secret: SecretState | None = None) -> Body:
    """One delivery of a step, or of several after one another; of the world's first secret unless told otherwise."""
    arn, strategy = (secret or the_secret(world)).arn, strategy_of(world)

    def body(port: Port) -> None:
        for step in steps:
            port.step(arn, token, step, strategy)
        if len(steps) > 1:
            port.act(ENDS)

    return body


def other_rotation(world: World, *steps: str) -> Body:
    """The service retries under a new token."""
    steps_of = delivery(world, OTHER_TOKEN, *steps)

    def body(port: Port) -> None:
        port.act(STARTS)
        steps_of(port)

    return body


def retirement(world: World, key_id: str, secret: SecretState | None = None) -> Body:
    """One firing of a key's retirement."""
    event = {"Action": "retire", "SecretId": (secret or the_secret(world)).arn, "AccessKeyId": key_id}
    return lambda port: port.invoke(event, "iam_access_key")


def person(act: str) -> Body:
    """A person acts, once."""
    return lambda port: port.act(act)


def _start_other(world: World, secret: SecretState) -> None:
    secret.labels.pop(AWSPENDING, None)
    world.secrets.start_rotation(secret, OTHER_TOKEN)


def _end(world: World, secret: SecretState) -> None:
    world.secrets.end_rotation(secret, secret.labels.get(AWSPENDING, ""))


SERVICE_ACTS: dict[str, Callable[[World, SecretState], object]] = {STARTS: _start_other, ENDS: _end}


def pairs() -> Iterator[Meeting]:
    """Our own actors with each other and with people; each world is made anew."""
    for base, make in BASES.items():
        for step in CALLED:
            yield from _with_itself(base, make, step)
            yield from _with_another_rotation(base, make, step)
            yield from _with_people(base, make, step)
            if base != "noop":
                yield from _with_retirements(base, make, step)
    for state, make in RETIRING.items():
        yield from _retirements(state, make)


def _faults(step: str) -> Faults:
    """testSecret changes nothing: whatever fails in it ends it, as its death does."""
    changes = step != "testSecret"
    return Faults(number=1, lost=changes, refused=changes, burst=True)


def _with_itself(base: str, make: Callable[[], World], step: str) -> Iterator[Meeting]:
    world = make()
    token = prepared(world, step)
    assert token is not None, f"{base}: {step} is not reached"
    twice = {f"{step} A": delivery(world, token, step), f"{step} A again": delivery(world, token, step)}
    yield Meeting(f"{base}: {step} twice", world, twice, _faults(step), quick=step != "testSecret" or base == "noop")
    rest = STEPS[STEPS.index(step) :]
    if len(rest) > 1:
        behind = {f"{step} A": delivery(world, token, step), "the rest of A": delivery(world, token, *rest)}
        yield Meeting(f"{base}: late {step} x the rest of its rotation", world, behind, Faults(1, burst=True))


def _with_another_rotation(base: str, make: Callable[[], World], step: str) -> Iterator[Meeting]:
    world = make()
    token = prepared(world, step)
    assert token is not None
    bodies = {f"{step} A": delivery(world, token, step), "B": other_rotation(world, "createSecret")}
    quick = base == "steady" and step != "testSecret"
    yield Meeting(f"{base}: {step} x createSecret of B", world, bodies, _faults(step), quick)
    whole = {f"{step} A": delivery(world, token, step), "B": other_rotation(world, *STEPS)}
    yield Meeting(f"{base}: {step} x all of B", world, whole, Faults(number=1, burst=True))
    world = make()
    token = prepared(world, step)
    assert token is not None
    world.core.sleep(3600)
    bodies = {f"{step} A": delivery(world, token, step), "B": other_rotation(world, "createSecret")}
    yield Meeting(f"{base}: {step} of a late retry x createSecret of B", world, bodies, _faults(step), quick)


def _with_people(base: str, make: Callable[[], World], step: str) -> Iterator[Meeting]:
    for act in NOOP_ACTS if base == "noop" else ACTS:
        world = make()
        token = prepared(world, step)
        assert token is not None
        bodies = {f"{step} A": delivery(world, token, step), "a person": person(act)}
        yield Meeting(f"{base}: {step} x a person {act}", world, bodies, Faults(), quick=base == "steady")
        twice = {**bodies, f"{step} A again": delivery(world, token, step)}
        yield Meeting(f"{base}: {step} twice x a person {act}", world, twice, Faults())


def _with_retirements(base: str, make: Callable[[], World], step: str) -> Iterator[Meeting]:
    for label in (AWSPREVIOUS, "AWSCURRENT", AWSPENDING):
        world = make()
        token = prepared(world, step)
        key_id = names(the_secret(world).text(label))
        if token is None or key_id is None:
            continue
        bodies = {f"{step} A": delivery(world, token, step), f"retirement of {label}": retirement(world, key_id)}
        yield Meeting(f"{base}: {step} x forged retirement of {label}'s key", world, bodies, _faults(step))
        if step == "finishSecret":
            twice = {**bodies, f"{step} A again": delivery(world, token, step)}
            yield Meeting(f"{base}: {step} twice x forged retirement of {label}'s key", world, twice, Faults())


def _retirements(state: str, make: Callable[[], World]) -> Iterator[Meeting]:
    world = make()
    key_id = names(the_secret(world).text(AWSPREVIOUS)) or ""
    fires = {"retirement": retirement(world, key_id)}
    twice = {**fires, "retirement again": retirement(world, key_id)}
    faults = Faults(number=1, lost=True, refused=True)
    yield Meeting(f"retirement {state}, twice", world, twice, faults, quick=True)
    for act in ACTS:
        bodies = {**fires, "a person": person(act)}
        yield Meeting(f"retirement {state} x a person {act}", world, bodies, Faults(), quick=state == "due")
        yield Meeting(
            f"retirement {state}, twice x a person {act}", world, {**twice, "a person": person(act)}, Faults()
        )
    for step in CALLED:
        world = make()
        token = prepared(world, step)
        if token is None:
            continue  # two Active keys within the grace period: createSecret refuses, and nothing comes after it
        bodies = {f"{step} A": delivery(world, token, step), **fires}
        quick = state == "overdue" and step != "testSecret"
        yield Meeting(f"retirement {state} x {step}", world, bodies, _faults(step), quick)
        if step == "testSecret":
            continue  # it changes nothing that a retirement reads
        yield Meeting(
            f"retirement {state}, twice x {step}",
            world,
            {**bodies, "retirement again": retirement(world, key_id)},
            Faults(burst=True),
        )
