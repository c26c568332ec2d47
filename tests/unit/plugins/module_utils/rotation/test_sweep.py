# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Every call of a rotation fails once, in every way; repeated with the same or a new token, all must converge."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import RotationError
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Act, Crash, Fault, When
from ansible_collections.evergreen.key_rotation.tests.unit.memory.invariants import Watch, names, settled, silent
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import (
    AWSCURRENT,
    AWSPENDING,
    AWSPREVIOUS,
    SecretState,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, Strategy, World
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.room import (
    A_DAY,
    rotate_with_retries,
)

USER = "acmecorp-ai"
GRACE_0 = "key-rotation:grace-period-hours"


def first() -> World:
    world = World()
    world.enrol(USER)
    return world


def steady() -> World:
    world = first()
    world.rotate(the_secret(world))
    world.advance(85 * 24)
    return world


def first_without_grace() -> World:
    world = first()
    the_secret(world).tags[GRACE_0] = "0"
    return world


def steady_without_grace() -> World:
    world = first_without_grace()
    world.rotate(the_secret(world))
    world.advance(85 * 24)
    return world


def eventual() -> World:
    """IAM lags behind: new keys work after ten seconds and are listed after twenty."""
    world = steady()
    world.iam.working_after_seconds = 10
    world.iam.listed_after_seconds = 20
    return world


def noop() -> World:
    world = World()
    world.secrets.add("/acmecorp/prod/database/credentials", '{"password": "mark-password"}')
    return world


SCENARIOS: dict[str, Callable[[], World]] = {
    scenario.__name__: scenario
    for scenario in (first, steady, first_without_grace, steady_without_grace, eventual, noop)
}


def the_secret(world: World) -> SecretState:
    return next(iter(world.secrets.secrets.values()))


def strategy_of(world: World) -> Strategy:
    return "iam_access_key" if world.iam.users else "noop"


def calls_of_a_rotation(world: World) -> int:
    world = copy.deepcopy(world)
    before = len(world.core.calls)
    world.rotate(the_secret(world), strategy=strategy_of(world))
    return len(world.core.calls) - before


def attempt(world: World, token: str | None, problems: list[BaseException]) -> str | None:
    """One attempt; None: it succeeded, else its token."""
    secret = the_secret(world)
    if token is None:
        secret.labels.pop(AWSPENDING, None)  # a retry under a new token takes the label over
        token = world.secrets.start_rotation(secret)
    try:
        for step in STEPS:
            world.step(secret, token, step, strategy_of(world))
        world.secrets.end_rotation(secret, token)
    except (RotationError, Crash) as problem:
        problems.append(problem)
        return token
    return None


def converge(
    world: World, token: str | None, same_token: bool, problems: list[BaseException], *next_pauses_hours: float
) -> None:
    """Retry as the service does, soon and then ever later; then let grace and extension pass, and rotate once more.

    Args:
        next_pauses_hours: how long that next rotation may have to wait for its slot.
    """
    for pause_hours in (0, 0.01, 0.05, 0.2, 1, 12, 12, 24, 72, 120):
        labels = the_secret(world).labels
        if token is None and labels.get(AWSPENDING) in (None, labels["AWSCURRENT"]):
            break
        world.advance(pause_hours)
        same = same_token and token in (labels.get(AWSPENDING), labels["AWSCURRENT"])
        token = attempt(world, token if same else None, problems)
    assert token is None, f"never converged: {problems[-1]}"
    world.advance(24 * 9)
    rotate_with_retries(world, the_secret(world), *next_pauses_hours, strategy=strategy_of(world))
    world.advance(24 * 9)


def check_end(world: World, problems: list[BaseException]) -> None:
    silent(world, problems)
    if not world.iam.users:
        assert the_secret(world).text() == '{"password": "mark-password"}'
        return
    settled(world, the_secret(world), USER)
    assert [key.active for key in world.iam.keys(USER)] == [False, True]
    assert world.scheduler.schedules == {}


@pytest.mark.parametrize("same_token", [True, False], ids=["same-token", "new-token"])
@pytest.mark.parametrize("kind", ["error", "timeout", "crash"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_call_fails_once(name: str, kind: str, same_token: bool) -> None:
    start = SCENARIOS[name]()
    for number in range(1, calls_of_a_rotation(start) + 1):
        for when in ("before", "after"):
            world = copy.deepcopy(start)
            watch = Watch(world, the_secret(world))
            fault = Fault(kind, number, when=when)  # type: ignore[arg-type]
            world.core.hooks = [watch, fault]
            problems: list[BaseException] = []
            try:
                token = attempt(world, None, problems)
                world.core.hooks = [watch]
                converge(world, token, same_token, problems)
                check_end(world, problems)
                assert watch.broken == []
            except AssertionError as problem:
                pytest.fail(f"{name}, {kind} {when} call {number}, {world.core.actions()}: {problem}")
            assert fault.struck


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_step_is_delivered_again_in_the_middle_of_each(name: str) -> None:
    """One actor runs whole between two calls of another: each step, of the same and of a new rotation."""
    start = SCENARIOS[name]()
    for number in range(1, calls_of_a_rotation(start) + 1):
        for inner in (*STEPS, "new rotation", "retire"):
            world = copy.deepcopy(start)
            secret = the_secret(world)
            watch = Watch(world, secret)
            problems: list[BaseException] = []
            token = world.secrets.start_rotation(secret)
            world.core.hooks = [watch, Act(lambda a=(world, inner, token, watch, problems): other(*a), number)]
            try:
                left = attempt(world, token, problems)
                world.core.hooks = [watch]
                converge(world, left, True, problems)
                check_end(world, problems)
                assert watch.broken == []
            except AssertionError as problem:
                pytest.fail(f"{name}, {inner} before call {number}, {world.core.actions()}: {problem}")


def other(world: World, inner: str, token: str, watch: Watch, problems: list[BaseException]) -> None:
    """What another actor does meanwhile."""
    remembered = watch.last_read
    secret = the_secret(world)
    try:
        if inner == "retire":
            for schedule in tuple(world.scheduler.schedules.values()):
                world.invoke(schedule.event)
        elif inner == "new rotation":
            attempt(world, None, problems)
        elif inner in PERSONS_ACTS:
            PERSONS_ACTS[inner](world, secret)
        else:
            world.step(secret, token, inner, strategy_of(world))
    except RotationError as problem:
        problems.append(problem)
    watch.last_read = remembered


def change_by_hand(world: World, secret: SecretState) -> None:
    world.secrets.put_by_hand(secret, (secret.text() or "").replace("mark-password", "mark-by-hand"))


def take_back_by_hand(world: World, secret: SecretState) -> None:
    if AWSPREVIOUS in secret.labels:
        key = world.iam.key(names(secret.text(AWSPREVIOUS)) or "")
        if key is not None:
            key.active = True
        secret.move(AWSCURRENT, secret.labels[AWSPREVIOUS])


def drop_the_label(world: World, secret: SecretState) -> None:
    secret.labels.pop(AWSPENDING, None)


def store_nonsense_as_pending(world: World, secret: SecretState) -> None:
    version = secret.versions[secret.labels.get(AWSPENDING, secret.labels[AWSCURRENT])]
    if version.empty:
        version.text = "mark-no-json"


def drop_the_schedules(world: World, secret: SecretState) -> None:
    world.scheduler.schedules.clear()


def switch_the_pending_key_off(world: World, secret: SecretState) -> None:
    pending = names(secret.text(AWSPENDING))
    key = world.iam.key(pending or "")
    if key is not None and pending != names(secret.text()):
        key.active = False


def turn_rotation_off(world: World, secret: SecretState) -> None:
    secret.rotation_enabled = False


Persons = Callable[[World, SecretState], None]
PERSONS_ACTS: dict[str, Persons] = {
    act.__name__: act
    for act in (
        change_by_hand,
        take_back_by_hand,
        drop_the_label,
        store_nonsense_as_pending,
        drop_the_schedules,
        switch_the_pending_key_off,
        turn_rotation_off,
    )
}


NEXT_PAUSES_HOURS = {"take_back_by_hand": (A_DAY,), "drop_the_schedules": (A_DAY,)}
"""After these nobody asked for the retirement of the key before: it is asked for then, and its grace period awaited."""


@pytest.mark.parametrize("act", PERSONS_ACTS)
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_person_acts_before_each_call(name: str, act: str) -> None:
    start = SCENARIOS[name]()
    for number in range(1, calls_of_a_rotation(start) + 1):
        world = copy.deepcopy(start)
        secret = the_secret(world)
        watch = Watch(world, secret, by_person=True)
        problems: list[BaseException] = []
        world.core.hooks = [watch, Act(lambda a=(world, act, "", watch, problems): other(*a), number)]
        try:
            token = attempt(world, None, problems)
            world.core.hooks = [watch]
            secret.rotation_enabled = True
            if act == "take_back_by_hand" and AWSPREVIOUS in secret.of(secret.labels.get(AWSPENDING, "")):
                del secret.labels[AWSPENDING]  # it looks like a roll-back: what the error asks for
            if not only_a_person_can_mend(act, world, secret):
                converge(world, token, True, problems, *NEXT_PAUSES_HOURS.get(act, ()))
        except AssertionError as problem:
            pytest.fail(f"{name}, {act} before call {number}, {world.core.actions()}: {problem}")
        assert watch.broken == [], (number, world.core.actions())
        silent(world, problems)
        assert ("mark-by-hand" in (secret.text() or "")) == (act == "change_by_hand"), "a person's value was reverted"


def only_a_person_can_mend(act: str, world: World, secret: SecretState) -> bool:
    """Say whether a person's act, at that very moment, left what no rule may touch.

    The pending key was switched off after its last proof; or an old key was taken back while a rotation deleted it or
    switched it off, so that AWSCURRENT's key does not work, or the one before it stays Active in an unlabelled version.
    """
    if act not in ("switch_the_pending_key_off", "take_back_by_hand") or not world.iam.users:
        return False
    current = world.current_key(secret)
    labelled = {names(secret.text(label)) for label in (AWSCURRENT, AWSPENDING, AWSPREVIOUS)}
    keys = {key.key_id for key in world.iam.keys(USER)}
    return current is None or not current.active or not keys <= labelled


@pytest.mark.parametrize("inner", [*PERSONS_ACTS, "new rotation", "retire"])
@pytest.mark.parametrize("name", ["first", "steady"])
def test_a_due_retirement_is_cut_into_by_others(name: str, inner: str) -> None:
    start = SCENARIOS[name]()
    start.rotate(the_secret(start))
    start.advance(23.99)
    start.core.sleep(3600)
    calls = 10
    for number in range(1, calls + 1):
        world = copy.deepcopy(start)
        secret = the_secret(world)
        watch = Watch(world, secret, by_person=True)
        problems: list[BaseException] = []
        old = names(secret.text(AWSPREVIOUS)) or ""
        world.core.hooks = [watch, Act(lambda a=(world, inner, "", watch, problems): other(*a), number)]
        with contextlib.suppress(RotationError):
            world.retire(secret, old)
        secret.rotation_enabled = True
        assert watch.broken == [], (number, world.core.actions())
        silent(world, problems)


@pytest.mark.parametrize("kind", ["error", "timeout", "crash"])
def test_each_call_of_a_retirement_fails_once(kind: str) -> None:
    start = first()
    old = (start.rotate(the_secret(start)) and names(the_secret(start).text(AWSPREVIOUS))) or ""
    start.core.sleep(24.5 * 3600)
    for number in range(1, 11):
        for when in ("before", "after"):
            world = copy.deepcopy(start)
            watch = Watch(world, the_secret(world))
            fault = Fault(kind, number, when=when)  # type: ignore[arg-type]
            world.core.hooks = [watch, fault]
            problems: list[BaseException] = []
            try:
                world.retire(the_secret(world), old)
            except (RotationError, Crash) as problem:
                problems.append(problem)
            world.core.hooks = [watch]
            world.advance(12)
            key = world.iam.key(old)
            assert key is not None
            assert not key.active
            assert world.scheduler.schedules == {}
            assert watch.broken == []
            silent(world, problems)
            assert fault.struck, world.core.actions()


LASTING: dict[str, tuple[str, When, str, int]] = {
    # kind: of the fault, when, and what the error must say; status
    "throttled": ("error", "before", "ThrottlingException", 400),
    "denied": ("error", "before", "AccessDeniedException", 403),
    "down": ("error", "before", "InternalFailure", 500),
    "dropped": ("timeout", "before", "ReadTimeoutError", 0),
    "answers lost": ("timeout", "after", "ReadTimeoutError", 0),
}
AFTER_THE_MOVE = ("ses:SendEmail", "iam:UpdateAccessKey")


@pytest.mark.parametrize("kind", LASTING)
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_call_fails_for_a_whole_attempt(name: str, kind: str) -> None:
    """Every call of one action fails: a clear error that names it, the current value as it was; then all converge."""
    start = SCENARIOS[name]()
    fault_kind, when, code, status = LASTING[kind]
    for action in actions_of_a_rotation(start):
        world = copy.deepcopy(start)
        secret = the_secret(world)
        watch = Watch(world, secret)
        fault = Fault(fault_kind, 0, action, when, code, status)  # type: ignore[arg-type]
        world.core.hooks = [watch, fault]
        problems: list[BaseException] = []
        before = secret.text()
        try:
            token = attempt(world, None, problems)
            assert fault.struck
            if token is not None:
                text = str(problems[-1])
                assert "unexpected" not in text
                assert action in text or code in text
            if token is None or secret.labels[AWSCURRENT] == token:
                assert when == "after" or action in AFTER_THE_MOVE, "it cannot have succeeded"
            else:
                assert secret.text() == before
            world.core.hooks = [watch]
            converge(world, token, True, problems)
            check_end(world, problems)
            assert watch.broken == []
        except AssertionError as problem:
            pytest.fail(f"{name}, {kind} {action}, {world.core.actions()}: {problem}")


def actions_of_a_rotation(start: World) -> list[str]:
    world = copy.deepcopy(start)
    before = len(world.core.calls)
    world.rotate(the_secret(world), strategy=strategy_of(world))
    return sorted(set(world.core.actions()[before:]))
