# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A thousand rotations while IAM takes ten calls a second: at once, spread, and as rotation_run paces them.

The deployed package runs against the AWS in memory of the unit tests, each rotation in a thread of its own, on one
virtual clock: exactly one thread runs at a time, and whoever waits (for a call's answer, before a retry, between two
proofs) hands over to the one that is next by the clock. So the calls of all rotations meet IAM's token bucket in the
order in which they would, and ten minutes take seconds.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation import handler
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.runtime import Runtime
from chaos.simulate_aws import FleetClients, Weather
from chaos.simulate_settings import Rates
from tests.unit.memory.core import Crash, ServiceError
from tests.unit.memory.iam import Iam
from tests.unit.memory.scheduler import Scheduler
from tests.unit.memory.secretsmanager import SecretsManager, SecretState
from tests.unit.memory.world import STEPS, Context, World

from .record import Row

IN_FLIGHT = 8
"""rotation_run's default."""
SPREAD_SECONDS = 600.0
NAME = "rotations, IAM 10/s, first try"
RATES = Rates(iam_calls_per_second=10.0, iam_burst=10.0, busy_hours_share=0.0, latency_seconds=0.05)
KEY_WORKS_AFTER_SECONDS = 5.0


@dataclass
class Lockstep(Weather):
    """A clock and an IAM that many threads share: see above."""

    waiting: list[tuple[float, int, threading.Event]] = field(default_factory=list)
    order: int = 0
    ends: threading.local = field(default_factory=threading.local)
    iam_calls: int = 0

    def sleep(self, seconds: float) -> None:
        """Wait by the virtual clock, and let the others run meanwhile."""
        mine = threading.Event()
        self.order += 1
        heapq.heappush(self.waiting, (self.seconds + seconds, self.order, mine))
        self.hand_over()
        mine.wait()

    def hand_over(self) -> None:
        """Wake whoever is next."""
        if self.waiting:
            self.seconds, _, thread = heapq.heappop(self.waiting)
            thread.set()

    def once(self, service: str, work: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """One request: it travels, and IAM may refuse it."""
        self.sleep(self.latency_seconds)
        if self.seconds > self.ends.at:
            raise Crash("time-out of the function")
        if service == "iam":
            self.iam_calls += 1
            if self._throttled():
                self.happened["throttled"] += 1
                raise ServiceError("Throttling")
        return work(**arguments)


class Storm:
    """N service accounts, and their rotations.

    Args:
        n: how many.
        seed: of the retries' jitter.
    """

    def __init__(self, n: int, seed: int = 1) -> None:
        self.core = Lockstep(rng=Random(seed), rates=RATES)
        self.core.latency_seconds, self.core.tokens, self.core.refilled = (
            RATES.latency_seconds,
            RATES.iam_burst,
            self.core.seconds,
        )
        self._world = World()
        self._world.core = self.core
        self._world.iam = Iam(self.core, working_after_seconds=KEY_WORKS_AFTER_SECONDS)
        self._world.secrets, self._world.scheduler = SecretsManager(self.core), Scheduler(self.core)
        self._secrets = [self._world.enrol(f"user-{number:05}")[0] for number in range(n)]
        self._clients = FleetClients(self.core, self._world)
        self.succeeded = 0
        self.failures: dict[str, int] = {}

    def run(self, start_of: Callable[[int], float], in_flight: int) -> float:
        """Start each rotation at its time, so many at once; gives the virtual seconds until the last ended.

        Args:
            start_of: number -> virtual seconds from now.
        """
        began = self.core.seconds
        left = list(enumerate(self._secrets))[::-1]

        def work() -> None:
            while left:
                number, secret = left.pop()
                self.core.sleep(max(0.0, began + start_of(number) - self.core.seconds))
                self._rotate(secret)
            self.core.hand_over()

        threads = [threading.Thread(target=self._begin, args=(work,)) for _ in range(min(in_flight, len(left)))]
        for thread in threads:
            thread.start()
        while len(self.core.waiting) < len(threads):
            time.sleep(0.001)  # until each stands at the start
        self.core.hand_over()
        for thread in threads:
            thread.join()
        return self.core.seconds - began

    def _begin(self, work: Callable[[], None]) -> None:
        """Stand at the start; only then does the clock go."""
        mine = threading.Event()
        with _START:
            self.core.order += 1
            heapq.heappush(self.core.waiting, (self.core.seconds, self.core.order, mine))
        mine.wait()
        work()

    def _rotate(self, secret: SecretState) -> None:
        """The service's first attempt: all four steps."""
        token = self._world.secrets.start_rotation(secret)
        try:
            for step in STEPS:
                self._step(secret, token, step)
        except (Exception, Crash) as failed:
            kind = str(failed)[:60]
            self.failures[kind] = self.failures.get(kind, 0) + 1
            return
        self.succeeded += bool(self._world.secrets.end_rotation(secret, token))

    def _step(self, secret: SecretState, token: str, step: str) -> None:
        core, context = self.core, Context(self.core, "rotation-iam_access_key", 60.0, self.core.seconds)
        core.ends.at = core.seconds + context.timeout_seconds
        runtime = Runtime(
            clients=self._clients,
            environment=self._world.environment,
            clock=lambda: core.seconds,
            sleep=core.sleep,
            emit=lambda line: None,
        )
        event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token, "RotationToken": "bench"}
        handler.make_handler(handler.iam_access_key, runtime)(event, context)


_START = threading.Lock()


def measure(n: int) -> list[Row]:
    """At once, spread over ten minutes, and eight in flight."""
    ways: dict[str, tuple[Callable[[int], float], int]] = {
        "at once": (lambda number: 0.0, n),
        "spread": (lambda number: SPREAD_SECONDS * number / n, n),
        "paced": (lambda number: 0.0, IN_FLIGHT),
    }
    rows = []
    for side, (start_of, in_flight) in ways.items():
        began, cpu = time.monotonic(), time.process_time()
        storm = Storm(n)
        lasted = storm.run(start_of, in_flight)
        more = {
            "first_try": storm.succeeded / n,
            "throttled": float(storm.core.happened["throttled"]),
            "virtual_s": round(lasted, 1),
        }
        wall, cpu_s = round(time.monotonic() - began, 3), round(time.process_time() - cpu, 3)
        rows.append(Row(NAME, n, side, wall, cpu_s, storm.core.iam_calls, more=more))
    return rows


def told(rows: list[Row]) -> str:
    """For people."""
    lines = [f"  {'':9} {'first try':>10} {'throttled':>10} {'IAM calls':>10} {'lasts':>9}"]
    for row in rows:
        more = row.more or {}
        lines.append(
            f"  {row.side:9} {more['first_try']:>9.1%} {more['throttled']:>10.0f} {row.calls:>10} "
            f"{more['virtual_s']:>7.0f} s"
        )
    return "\n".join(lines)
