# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Every interleaving of some actors at AWS-call granularity, each state visited once.

Two schedules that lead to the same state (world, each actor's answers, what each last read, who died) have the same
futures, so the second is not followed: only its number is added. That is sound because an actor is a function of its
answers, a call a function of world and request, and all that is checked after a call a function of the state and the
call; nothing else is remembered. Calls take no time here, only sleeps do (side by side, each until its own moment):
so what depends on how long calls take is left to the state machine and the simulation.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.unit.memory.core import ReadTimeoutError, ServiceError
from tests.unit.memory.invariants import (
    DISABLING,
    READING,
    broken_current,
    cut_off,
    forgotten,
    names,
    promoted_early,
    unknown_keys,
)
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPENDING, SecretState
from tests.unit.memory.world import World

from .interleave_actors import TIMEOUT_SECONDS, Actor, Answer, Node, Request
from .interleave_state import Frozen, freeze, thaw
from .people import ACTS, NEW_ADDRESS, USER
from .secrecy import Scanner
from .settle import Settler, the_secret


class State(NamedTuple):
    """All that the future depends on.

    Attributes:
        world: the number of a frozen world.
        read: for each actor, the key that AWSCURRENT named when it last read or moved the labels.
        acted: the person's act, once done.
        faults: how many faults may still strike.
    """

    world: int
    nodes: tuple[Node, ...]
    read: tuple[str | None, ...]
    acted: str | None
    faults: int


@dataclass(frozen=True)
class Faults:
    """What may go wrong beside the order of things.

    Attributes:
        number: how many faults in one schedule.
        crash: an actor dies between two calls.
        lost: a call takes effect and its answer is lost.
        refused: a call is answered with a 500 and does nothing.
        burst: IAM may let a third key through.
    """

    number: int = 0
    crash: bool = True
    lost: bool = False
    refused: bool = False
    burst: bool = False


@dataclass(frozen=True)
class Barred:
    """Actors without a right to what they ask for.

    Attributes:
        writes: nothing may be changed for these.
        passes: of these, the ones that need not end with an error: what they ask for is merely not due.
        may: calls that are right all the same, with the staging label if they have one.

    Where there are any, the world has a wrong that a person may have to mend.
    """

    writes: frozenset[str] = frozenset()
    passes: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()


@dataclass
class Outcome:
    """What was found for one set of actors."""

    name: str
    interleavings: int = 0
    states: int = 0
    transitions: int = 0
    ends: int = 0
    mended: int = 0
    violations: dict[str, list[str]] = field(default_factory=dict)
    """What does not hold, each with the shortest history that leads there."""


READS = frozenset(
    {
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
        "secretsmanager:ListSecretVersionIds",
        "iam:GetUser",
        "iam:ListAccessKeys",
        "iam:GetAccessKeyLastUsed",
        "scheduler:GetSchedule",
        "ses:SendEmail",
    }
)
"""Calls that change nothing that can be read again."""

Acts = dict[str, Callable[[World, SecretState], object]]
Trace = tuple[State, str]


class Explorer:
    """Explores one set of actors from one world.

    Args:
        world: where it starts; it is only read.
        acts: the indivisible changes that actors ask for by name, beside the people's of people.ACTS.
        barred: which actors must be refused.
    """

    def __init__(
        self,
        name: str,
        world: World,
        actors: list[Actor],
        acts: Acts,
        faults: Faults,
        scanner: Scanner,
        barred: Barred,
    ) -> None:
        self.outcome = Outcome(name)
        self._barred = barred
        self._actors = actors
        self._acts = acts
        self._faults = faults
        self._scanner = scanner
        self._world = copy.deepcopy(world)
        self._sound = broken_current(world, the_secret(world)) is None
        self._methods = {
            "secretsmanager": self._world.secrets.methods(),
            "iam": self._world.iam.methods(),
            "scheduler": self._world.scheduler.methods(),
            "ses": self._world.ses.methods(),
        }
        self._before: dict[State, Trace | None] = {}
        self._worlds: list[Frozen] = []
        self._numbers: dict[Frozen, int] = {}
        self._at: int | None = None
        nodes = tuple(actor.root(world.core.seconds) for actor in actors)
        self._first = State(self._number(freeze(world)), nodes, (None,) * len(actors), None, faults.number)

    def run(self) -> Outcome:
        """Explore all; then bring each end to rest, with the same token and with a new one."""
        layer: dict[State, int] = {self._first: 1}
        self._before[self._first] = None
        ends: dict[tuple[int, str | None], State] = {}
        while layer:
            following: dict[State, int] = {}
            for state, ways in layer.items():
                self.outcome.states += 1
                moves = list(self._moves(state))
                if all(node.request is None for node in state.nodes):
                    self.outcome.interleavings += ways
                    ends.setdefault((state.world, state.acted), state)
                for label, after in moves:
                    self.outcome.transitions += 1
                    following[after] = following.get(after, 0) + ways
                    self._before.setdefault(after, (state, label))
            layer = following
        self.outcome.ends = len(ends)
        for (number, acted), state in ends.items():
            for same_token in (True, False):
                self._settle(number, acted, state, same_token)
        return self.outcome

    def _moves(self, state: State) -> Iterator[tuple[str, State]]:
        for index, node in enumerate(state.nodes):
            request = node.request
            if request is None:
                continue
            yield self._move(state, index, request)
            if request.kind == "act":
                continue
            if self._faults.burst and request.action == "iam:CreateAccessKey":
                yield self._move(state, index, request, third_key=True)
            if state.faults:
                if self._faults.crash:
                    killed = self._with(state, index, self._actors[index].killed(node), fault=True)
                    yield f"{self._actors[index].name} dies", killed
                if request.kind == "call" and self._faults.lost and request.action not in READS:
                    yield self._move(state, index, request, lost=True)
                if request.kind == "call" and self._faults.refused:
                    error = Answer(None, ServiceError("InternalFailure", 500), self._worlds[state.world].seconds)
                    after = self._actors[index].after(node, error)
                    label = f"{self._actors[index].name}: {request.action} answers 500"
                    yield label, self._with(state, index, after, fault=True)

    @staticmethod
    def _with(state: State, index: int, node: Node, fault: bool = False) -> State:
        nodes = (*state.nodes[:index], node, *state.nodes[index + 1 :])
        return state._replace(nodes=nodes, faults=state.faults - fault)

    def _move(
        self, state: State, index: int, request: Request, lost: bool = False, third_key: bool = False
    ) -> tuple[str, State]:
        """Let one actor go on by one call, and check what must hold."""
        if self._at != state.world:
            thaw(self._worlds[state.world], self._world)
        world, self._at = self._world, state.world
        secret = the_secret(world)
        label = f"{self._actors[index].name}: {request.action}{' (answer lost)' if lost else ''}"
        problems = self._before_call(secret, state, index, request)
        answer = self._perform(world, secret, request, third_key)
        if lost:
            answer = Answer(None, ReadTimeoutError(), answer.clock)
        acted = request.action if request.kind == "act" and request.action in ACTS else state.acted
        read = state.read
        if request.action in READING:
            read = (*read[:index], names(secret.text()), *read[index + 1 :])
        if request.action not in READS:
            self._at = self._number(freeze(world))
            self._scanner.learn(world)
            problems += self._after_write(world, secret, acted, request)
        node = self._actors[index].after(state.nodes[index], answer)
        if node.request is None and self._passes_wrongly(index, node):
            problems.append("it is not refused")
        nodes = (*state.nodes[:index], node, *state.nodes[index + 1 :])
        for problem in [*problems, *self._scanner.leaks]:
            self._violation(problem, state, label)
        self._scanner.leaks.clear()
        return label, State(self._at, nodes, read, acted, state.faults - lost)

    def _perform(self, world: World, secret: SecretState, request: Request, third_key: bool) -> Answer:
        if request.kind == "sleep":
            world.core.seconds = max(world.core.seconds, request.arguments["until"])
            return Answer(None, None, world.core.seconds)
        try:
            if request.kind == "act":
                act = self._acts.get(request.action) or ACTS[request.action].do
                value = act(world, secret)
            elif third_key and world.iam.users:
                key = world.iam.add_key(request.arguments["UserName"])
                value = {"AccessKey": {"AccessKeyId": key.key_id, "SecretAccessKey": key.secret, "Status": "Active"}}
            elif request.service == "sts":
                value = world.iam.sts_methods(*request.credentials)[request.method](**request.arguments)
            else:
                value = self._methods[request.service][request.method](**request.arguments)
        except ServiceError as error:
            return Answer(None, error, world.core.seconds)
        finally:
            if request.service == "ses":
                self._scanner.look("a mail", request.arguments)
                world.ses.mails.clear()
        return Answer(value, None, world.core.seconds)

    def _before_call(self, secret: SecretState, state: State, index: int, request: Request) -> list[str]:
        world, found = self._world, []
        changes = request.kind == "call" and request.service != "sts" and request.action not in READS
        what = f"{request.action} {request.arguments.get('VersionStage', '')}".strip()
        if changes and self._actors[index].name in self._barred.writes and what not in self._barred.may:
            found.append(f"{request.action} is called for one who has no right to it")
        if request.action not in DISABLING or request.arguments.get("Status") == "Active":
            return found
        key_id = request.arguments["AccessKeyId"]
        protected = {state.read[index]}
        if state.acted is None or ACTS[state.acted].harmless:
            protected |= {names(secret.text(label)) for label in (AWSCURRENT, AWSPENDING)}
        if key_id in protected:
            found.append(f"{request.action} hits a key that AWSCURRENT or AWSPENDING names")
        if _planned(state.acted) and (problem := cut_off(world, secret, key_id)):
            found.append(problem)
        if request.action == "iam:DeleteAccessKey" and key_id not in Actor.made(state.nodes[index]):
            key = world.iam.key(key_id)
            if key is not None and key.active and world.core.seconds - key.created <= 2 * TIMEOUT_SECONDS:
                found.append(f"{key_id} is deleted although its attempt may still run")
        return found

    def _after_write(self, world: World, secret: SecretState, acted: str | None, request: Request) -> list[str]:
        found: list[str | None] = []
        if self._sound and (acted is None or ACTS[acted].harmless):
            found.append(broken_current(world, secret))
            if request.arguments.get("VersionStage") == AWSCURRENT:
                found.append(promoted_early(world, secret))
        if _planned(acted):
            found.append(forgotten(world, secret))
        return [problem for problem in found if problem is not None]

    def _passes_wrongly(self, index: int, node: Node) -> bool:
        name = self._actors[index].name
        return name in self._barred.writes - self._barred.passes and not node.failed

    def _number(self, frozen: Frozen) -> int:
        number = self._numbers.setdefault(frozen, len(self._worlds))
        if number == len(self._worlds):
            self._worlds.append(frozen)
        return number

    def _settle(self, number: int, acted: str | None, state: State, same_token: bool) -> None:
        world = thaw(self._worlds[number], copy.deepcopy(self._world))
        act = ACTS[acted] if acted else None
        meddled = bool(self._barred.writes) or (act is not None and not act.harmless)
        settler = Settler(world, self._scanner, same_token, meddled, unplanned=not _planned(acted))
        address = None
        if acted == "edits the secret":
            address = NEW_ADDRESS
        may_mend = bool(self._barred.writes) or (act is not None and act.may_need_mending)
        if world.secrets.puts_denied and (left := unknown_keys(world, the_secret(world), USER)):
            self._violation(f"keys are left that were surely not stored: {left}", state, "all have ended")
        world.secrets.puts_denied = False
        for problem in settler.run(may_mend, address):
            how = "the same token" if same_token else "a new token"
            self._violation(problem, state, f"retried with {how}")
        self._scanner.leaks.clear()
        self.outcome.mended += settler.mended

    def _violation(self, problem: str, state: State, label: str) -> None:
        if problem in self.outcome.violations:
            return
        history = [label]
        at = self._before[state]
        while at is not None:
            history.append(at[1])
            at = self._before[at[0]]
        self.outcome.violations[problem] = history[::-1]


def _planned(acted: str | None) -> bool:
    """Say whether when the old key goes is still ours alone to decide."""
    return acted is None or (ACTS[acted].harmless and not ACTS[acted].unplanned)
