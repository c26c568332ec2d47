# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One strike at one AWS call of one scenario, for many service accounts side by side in one embedded AWS."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from sandbox.remote import Remote

from .embedded_lab import DAY, TIMEOUT_SECONDS, Lab, Point
from .embedded_watch import Watch, leaks, unsettled

HOUR = 3600.0
RETRY_SECONDS = (300.0, 900.0, 3600.0)
WINDOWS = (DAY, DAY, DAY)
"""How time goes on when the retries are used up: from one window to the next."""
LASTING = 10_000
CLIENT_ATTEMPTS = 5
"""Of one call by the function's own clients, at the most."""


@dataclass(frozen=True)
class Scenario:
    """What is swept.

    Attributes:
        keys: of the user at the start: 1, or 2 with an Inactive old one.
        retirement: the calls of the retirement are struck, not those of the rotation before it.
    """

    name: str
    strategy: str = "iam_access_key"
    keys: int = 1
    grace_hours: int = 24
    retirement: bool = False


SCENARIOS = (
    Scenario("first, grace 24 h"),
    Scenario("first, grace 0", grace_hours=0),
    Scenario("steady state, grace 24 h", keys=2),
    Scenario("steady state, grace 0", keys=2, grace_hours=0),
    Scenario("retirement", retirement=True),
    Scenario("noop", strategy="noop"),
)


@dataclass(frozen=True)
class Kind:
    """A way to fail. once: healed by the client; until: attempt (the struck one) or mended (all retries too)."""

    name: str
    fault: str
    when: str
    until: str


KILLS = (Kind("kill before", "kill", "before", "once"), Kind("kill after", "kill", "after", "once"))
FAULTS = (
    Kind("throttle once", "throttle", "before", "once"),
    Kind("throttle", "throttle", "before", "attempt"),
    Kind("server error", "server_error", "before", "attempt"),
    Kind("server error after", "server_error", "after", "attempt"),
    Kind("drop before", "drop", "before", "attempt"),
    Kind("drop after", "drop", "after", "attempt"),
    Kind("time-out after", "timeout", "after", "once"),
    Kind("access denied", "access_denied", "before", "attempt"),
    Kind("access denied, lasting", "access_denied", "before", "mended"),
)


@dataclass(frozen=True)
class Strike:
    """One kind of failure at one call: the nth of its operation."""

    service: str
    operation: str
    nth: int
    kind: Kind

    @property
    def company(self) -> tuple[bool, str]:
        """Which strikes it goes with: what lasts until it is mended, and what runs into a time-out, by itself."""
        proof = self.operation == "GetCallerIdentity" and self.kind.until != "once"
        throttled = self.operation == "CreateAccessKey" and self.kind.name == "throttle"
        waits = "function" if proof or throttled else "client" if self.kind.fault == "timeout" else ""
        return self.kind.until == "mended", waits

    def __str__(self) -> str:
        return f"{self.kind.name} at {self.service}:{self.operation} #{self.nth}"


@dataclass
class Result:
    """One point that was tried."""

    scenario: str
    token: str
    strike: str
    kind: str
    broken: list[str] = field(default_factory=list)
    history: list[str] = field(default_factory=list)
    failures: int = 0
    """Rotations that Secrets Manager called failed on the way."""


class Sweep:
    """Tries points, some at a time.

    Args:
        lab: where.
        token: with which token Secrets Manager retries: same or new.
    """

    def __init__(self, lab: Lab, token: str) -> None:
        self._lab = lab
        self._token = token
        self._remote = Remote(lab.world.endpoint)
        self.watch = Watch(lab)

    def calls(self, scenario: Scenario) -> tuple[Result, list[tuple[str, str, int]]]:
        """An undisturbed run, and every AWS call of it: service, operation and its number among its like."""
        journal: list[dict[str, Any]] = []
        result = self.run(scenario, [None], journal)[0]
        if result.failures:
            result.broken.append("a rotation fails although nothing was struck")
        seen: Counter[tuple[str, str]] = Counter()
        found = []
        for entry in journal:
            who = str(entry["principal"])
            if entry["action"] == "Invoke" or not (":assumed-role/key-rotation-" in who or ":user/" in who):
                continue
            call = (entry["service"], entry["action"])
            seen[call] += 1
            found.append((*call, seen[call]))
        return result, found

    def run(
        self, scenario: Scenario, strikes: list[Strike | None], journal: list[dict[str, Any]] | None = None
    ) -> list[Result]:
        """Try some strikes at once, each on a service account of its own.

        Args:
            strikes: None stands for an undisturbed run.
            journal: takes what is journalled while the strikes last.
        """
        world = self._lab.world
        world.journal.clear()
        world.events.clear()
        with ThreadPoolExecutor(4) as pool:
            points = list(
                pool.map(
                    lambda slot: self._lab.make(slot, scenario.strategy, scenario.keys, scenario.grace_hours),
                    range(len(strikes)),
                )
            )
        lasting = any(strike is not None and strike.kind.until == "mended" for strike in strikes)
        retries = RETRY_SECONDS[:1] if lasting else RETRY_SECONDS
        self._remote.knobs(rotation_retry_token=self._token, rotation_retry_seconds=retries)
        self.watch.watch(points)
        results = [
            Result(scenario.name, self._token, str(strike or "undisturbed"), strike.kind.name if strike else "none")
            for strike in strikes
        ]
        struck_from = self._struck(scenario, points, strikes, lasting)
        if journal is not None:
            journal.extend(world.journal[struck_from:])
        self._settle(points, retries, lasting)
        for point, strike, result in zip(points, strikes, results, strict=True):
            result.failures = sum(event.startswith("RotationFailed") for event in self._lab.events(point))
            point.broken += self._unclear(point, strike, scenario)
        self._retired(scenario, points)
        self._rotate_again(points)
        for leak in leaks(self._lab, points, 0):
            next(point for point in points if point.name in leak).broken.append(leak)
        for point, result in zip(points, results, strict=True):
            result.broken = list(dict.fromkeys(point.broken))
            result.history = self._history(point) if point.broken else []
        self.watch.watch([])
        self._remove(points)
        return results

    def _struck(self, scenario: Scenario, points: list[Point], strikes: list[Strike | None], lasting: bool) -> int:
        """Let the rotation, or the retirement, run into the strikes; returns where they begin in the journal."""
        if scenario.retirement:
            self._rotate(points)
            self._pass(points, scenario.grace_hours * HOUR - 60)
        for point, strike in zip(points, strikes, strict=True):
            if strike is not None:
                self._ask_for(point, strike)
        struck_from = len(self._lab.world.journal)
        if scenario.retirement:
            self._pass(points, 120)
        else:
            self._rotate(points)
        for fault in self._remote.faults():
            for point in points:
                if fault["concerns"] == point.concerns and fault["seen"] < fault["nth"]:
                    point.broken.append("the strike never struck: the sweep is not what it says")
        if not lasting:
            self._remote.clear_faults()
        return struck_from

    def _ask_for(self, point: Point, strike: Strike) -> None:
        self._remote.fault(
            service=strike.service,
            action=strike.operation,
            kind=strike.kind.fault,
            when=strike.kind.when,
            nth=strike.nth,
            times=1 if strike.kind.until == "once" else LASTING,
            seconds=6.0,
            concerns=point.concerns,
        )

    def _rotate(self, points: list[Point]) -> None:
        for point in points:
            point.events_from = len(self._lab.world.events)
            try:
                self._lab.rotate(point)
            except ClientError as refused:
                point.broken.append(f"RotateSecret is refused: {refused.response['Error']['Message']}")
        self._pass(points, 0)

    def _pass(self, points: list[Point], seconds: float) -> None:
        """Let time go on until all that comes due is done.

        A proof that never succeeds lasts until the function's time-out is near; once all that is under way does
        nothing else, the clock is put there, so that nobody waits for it in real time.
        """
        clock = self._lab.world.clock
        with ThreadPoolExecutor(1) as pool:
            going = pool.submit(clock.advance, seconds)
            while not wait([going], 0.5).done:
                busy = [point for point in points if self._lab.events(point)[-1:] == ["RotationStarted"]]
                if busy and all(self._hopeless(point) for point in busy):
                    clock.hasten(TIMEOUT_SECONDS / 2)
            going.result()

    def _hopeless(self, point: Point) -> bool:
        """Whether a point's step under way has been struck again and again."""
        struck = 0
        for entry in reversed(list(self._lab.world.journal)):
            if entry["action"] == "Invoke" and entry["ids"].get("SecretId") == point.secret_arn:
                break
            if entry.get("fault") and point.name in f"{entry['principal']} {entry['resource']}":
                struck += 1
        return struck > CLIENT_ATTEMPTS

    def _settle(self, points: list[Point], retries: tuple[float, ...], lasting: bool) -> None:
        """Let time pass until every rotation has succeeded; what lasts is mended once all retries are used up."""
        for number, pause in enumerate((*retries, *WINDOWS)):
            if number == len(retries):
                self._remote.clear_faults()
            if all(self._succeeded(point) for point in points) and not (lasting and number < len(retries)):
                return
            self._pass(points, pause + 1)
        for point in points:
            if not self._succeeded(point):
                point.broken.append(f"the rotation never succeeded: {'; '.join(self._lab.events(point)[-3:])}")

    def _succeeded(self, point: Point) -> bool:
        return self._lab.events(point)[-1:] == ["RotationSucceeded"]

    def _unclear(self, point: Point, strike: Strike | None, scenario: Scenario) -> list[str]:
        """Failures that should not have been, do not say what they are, or are missing."""
        failed = [event for event in self._lab.events(point) if event.startswith("RotationFailed")]
        if strike is not None and strike.kind in KILLS and not scenario.retirement:
            died = any(event.endswith("Runtime.ExitError") for event in failed)
            return [] if died else ["the kill did not end the attempt: the sweep is not what it says"]
        if strike is None or not failed:
            return []
        if strike.service == "ses" or strike.kind.name == "throttle once":
            return [f"{strike} fails a rotation: {failed[0]}"]
        return [f"no clear error: {event}" for event in failed if not _is_ours(event)]

    def _retired(self, scenario: Scenario, points: list[Point]) -> None:
        """Let the grace period pass, and more: then each old key is Inactive, and nobody asks for that any more."""
        if scenario.strategy == "noop":
            return
        for _ in range(16):
            left = [self._unretired(point) for point in points]
            if not any(left):
                return
            self._pass(points, 6 * HOUR)
        for point, problem in zip(points, left, strict=True):
            point.broken += [problem] if problem else []

    def _unretired(self, point: Point) -> str:
        old = point.document("AWSPREVIOUS").get("AWS_ACCESS_KEY_ID")
        active = [key.access_key_id for key in point.keys if key.access_key_id == old and key.status == "Active"]
        if active:
            return f"the old key {old} was never retired"
        left = self._lab.schedule_names() & {f"retire-{key_id}" for key_id in [old, *point.key_ids]}
        return f"schedules that never end: {', '.join(sorted(left))}" if left else ""

    def _rotate_again(self, points: list[Point]) -> None:
        """The next rotation is accepted and succeeds at once, and leaves nothing unknown behind."""
        self._pass(points, HOUR)
        versions = [point.secret.holder("AWSCURRENT") for point in points]
        self._rotate(points)
        for point, version in zip(points, versions, strict=True):
            events = self._lab.events(point)
            if events[-1:] != ["RotationSucceeded"] or point.secret.holder("AWSCURRENT") == version:
                point.broken.append(f"the next rotation does not succeed: {'; '.join(events[-2:])}")
            point.broken += unsettled(point)

    def _remove(self, points: list[Point]) -> None:
        self._remote.clear_faults()
        self._lab.remove_schedules()
        for point in points:
            self._lab.remove(point)

    def _history(self, point: Point) -> list[str]:
        """What was done to a point, one line a call."""
        texts = [point.name, *point.key_ids, *(key.access_key_id for key in point.keys)]
        lines = []
        for entry in self._lab.world.journal:
            shown = f"{entry['principal']} {entry['resource']} {entry['ids']}"
            if any(text in shown for text in texts) and ":root" not in str(entry["principal"]):
                ids = {name: value for name, value in entry["ids"].items() if name not in ("SecretId", "UserName")}
                fate = entry.get("fault") or entry["error"] or "done"
                lines.append(f"{entry['time']:.0f} {entry['service']}:{entry['action']} {fate} {ids or ''}".rstrip())
        return lines


def _is_ours(event: str) -> bool:
    """Whether a failure is one of the package's own errors, and not a crash or an unknown exception."""
    return event.endswith("Error") and "Runtime." not in event and "Unhandled" not in event
