# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A state machine over the in-memory AWS: steps in any order, faults, clocks, retirements, people, cut-ins."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import RotationError
from tests.unit.memory.core import Act as CutIn
from tests.unit.memory.core import Call, Crash, Fault, When
from tests.unit.memory.invariants import Watch, names
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPENDING, AWSPREVIOUS
from tests.unit.memory.world import STEPS, World

from .interleave_pairs import BASES
from .people import ACTS, NEW_ADDRESS, NOOP_ACTS
from .secrecy import Scanner
from .settle import Settler, strategy_of, the_secret

LABELS = (AWSCURRENT, AWSPENDING, AWSPREVIOUS)
UNKNOWN_TOKEN = "77777777-0000-4000-8000-000000000000"
UNKNOWN_KEY = "AKIA9999999999999999"
WRITES = (
    "iam:CreateAccessKey",
    "iam:DeleteAccessKey",
    "iam:UpdateAccessKey",
    "scheduler:CreateSchedule",
    "scheduler:DeleteSchedule",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
)
HOURS = (0.01, 0.05, 0.5, 6, 12, 24, 25, 24 * 8, 24 * 30, 24 * 85)


@dataclass
class Tally:
    """What a run of many histories did."""

    histories: int = 0
    rules: int = 0
    calls: int = 0
    faults: int = 0
    acts: int = 0
    cut_ins: int = 0
    mended: int = 0


class Histories(RuleBasedStateMachine):
    """One history; tally and scanner are shared by all histories of a run, set in a subclass."""

    tally = Tally()
    scanner = Scanner()

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.acts: list[str] = []
        self.fault: Fault | None = None
        self.cut: CutIn | None = None
        self.tokens = [UNKNOWN_TOKEN]
        self.same_token = True
        self.people = False
        self.running = False

    @initialize(
        base=st.sampled_from(sorted(BASES)),
        lag=st.sampled_from([(0.0, 0.0), (10.0, 20.0)]),
        same_token=st.booleans(),
        people=st.booleans(),
    )
    def begin(self, base: str, lag: tuple[float, float], same_token: bool, people: bool) -> None:
        """Choose a world; in half of them nobody meddles, so that nobody may mend anything either."""
        self.people = people
        self.world = BASES[base]()
        self.world.iam.working_after_seconds, self.world.iam.listed_after_seconds = lag
        self.secret = the_secret(self.world)
        self.strategy = strategy_of(self.world)
        self.same_token = same_token
        self.watch = Watch(self.world, self.secret)
        self.world.core.hooks = [self._hook]
        self.tally.histories += 1

    @rule(take_over=st.booleans())
    def the_service_starts(self, take_over: bool) -> None:
        """A rotation begins: as a schedule does, or as a retry under a new token does."""
        pending = self.secret.labels.get(AWSPENDING)
        if take_over:
            self.secret.labels.pop(AWSPENDING, None)
        elif pending not in (None, self.secret.labels[AWSCURRENT]):
            return
        self.tokens.append(self.world.secrets.start_rotation(self.secret))

    @rule(step=st.sampled_from(STEPS), age=st.integers(0, 3))
    def a_step(self, step: str, age: int) -> None:
        """Any step, with the newest token, an older one, or an unknown one."""
        self._step(self.tokens[max(0, len(self.tokens) - 1 - age)], step)

    @rule()
    def a_scheduled_rotation(self) -> None:
        """All four steps in order, of the rotation that is pending or of a new one."""
        pending = self.secret.labels.get(AWSPENDING)
        if pending in (None, self.secret.labels[AWSCURRENT]):
            pending = self.world.secrets.start_rotation(self.secret)
            self.tokens.append(pending)
        if all(self._step(pending, step) for step in STEPS):
            self.world.secrets.end_rotation(self.secret, pending)

    @rule(hours=st.sampled_from(HOURS))
    def time_passes(self, hours: float) -> None:
        """The clock moves; retirements fire as they come due."""
        with contextlib.suppress(Crash):  # a retirement died; the schedule asks again
            self.world.advance(hours, lambda problem: self.scanner.look("an error", problem))

    @rule(which=st.sampled_from([*LABELS, "unknown"]), twice=st.booleans())
    def a_retirement(self, which: str, twice: bool) -> None:
        """A retirement event comes early, late, doubled, or is forged."""
        for _ in range(1 + twice):
            self._retire(which)

    @rule(label=st.sampled_from([AWSCURRENT, AWSPREVIOUS]))
    def a_consumer_works(self, label: str) -> None:
        """Somebody uses a key."""
        key = self.world.iam.key(names(self.secret.text(label)) or "")
        if key is not None and key.active:
            self.world.iam.use(key.key_id)

    @rule(
        kind=st.sampled_from(["error", "timeout", "crash"]),
        number=st.integers(1, 25),
        when=st.sampled_from(["before", "after"]),
        write=st.sampled_from([None, *WRITES]),
    )
    def a_fault_waits(self, kind: str, number: int, when: When, write: str | None) -> None:
        """The number-th call from now fails, or the next one of a kind that changes something."""
        self.fault = Fault(kind, 1 if write else number, write, when)  # type: ignore[arg-type]  # drawn from the three kinds

    @rule(act=st.sampled_from(sorted(ACTS)))
    def a_person_acts(self, act: str) -> None:
        """A person acts between steps."""
        self._act(act)

    @rule(act=st.sampled_from(sorted(ACTS)), number=st.integers(1, 25))
    def a_person_waits(self, act: str, number: int) -> None:
        """A person acts before the number-th call from now, in the middle of whatever runs then."""
        self.cut = CutIn(lambda: self._act(act), number)

    @rule(step=st.sampled_from([*STEPS, "retire", "take over"]), number=st.integers(1, 25))
    def another_waits(self, step: str, number: int) -> None:
        """Another invocation runs whole before the number-th call from now."""

        def other() -> None:
            remembered = self.watch.last_read
            if step == "retire":
                self._retire(AWSPREVIOUS)
            elif step == "take over":
                self.the_service_starts(True)
                self._step(self.tokens[-1], "createSecret")
            else:
                self._step(self.tokens[-1], step)
            self.watch.last_read = remembered

        self.cut = CutIn(other, number)

    @invariant()
    def nothing_is_broken(self) -> None:
        """What must hold after every rule; the watch looks after every call."""
        self.tally.rules += 1
        self._drain()
        if hasattr(self, "watch"):
            assert self.watch.broken == []
        assert self.scanner.leaks == []

    def teardown(self) -> None:
        """Let it settle, and check."""
        if not hasattr(self, "watch"):
            return
        self.tally.calls += len(self.world.core.calls)
        self.world.iam.refusals.clear()
        settler = Settler(self.world, self.scanner, self.same_token, self.watch.by_person, self.watch.unplanned)
        may_mend = len(self.acts) > 1 or any(ACTS[act].may_need_mending for act in self.acts)
        address = NEW_ADDRESS if self.acts == ["edits the secret"] else None
        problems = settler.run(may_mend, address)
        self.tally.mended += settler.mended
        self.scanner.leaks.clear()
        assert problems == [], (problems, self.world.core.actions()[-60:])

    def _hook(self, call: Call, when: When) -> None:
        self.watch(call, when)
        if self.cut is not None and not self.running:
            cut = self.cut
            self.running = True
            try:
                cut(call, when)
            finally:
                self.running = False
            if cut.struck:
                self.cut = None
                self.tally.cut_ins += 1
        if self.fault is not None:
            fault = self.fault
            try:
                fault(call, when)
            finally:
                if fault.struck:
                    self.fault = None
                    self.tally.faults += 1

    def _act(self, act: str) -> None:
        if not self.people or (self.strategy == "noop" and act not in NOOP_ACTS):
            return
        self.acts.append(act)
        self.tally.acts += 1
        self.watch.by_person |= not ACTS[act].harmless
        self.watch.unplanned |= ACTS[act].unplanned
        ACTS[act].do(self.world, self.secret)

    def _step(self, token: str, step: str) -> bool:
        try:
            self.scanner.look("a return", self.world.step(self.secret, token, step, self.strategy))
        except (RotationError, Crash) as problem:
            self.scanner.look("an error", problem)
            return False
        return True

    def _retire(self, which: str) -> None:
        key_id = names(self.secret.text(which)) if which in LABELS else None
        try:
            self.scanner.look("a return", self.world.retire(self.secret, key_id or UNKNOWN_KEY))
        except (RotationError, Crash) as problem:
            self.scanner.look("an error", problem)

    def _drain(self) -> None:
        for place, texts in (("a log line", self.world.lines), ("a mail", self.world.ses.mails)):
            for text in texts:
                self.scanner.look(place, text)
            texts.clear()
        self.scanner.learn(self.world)
