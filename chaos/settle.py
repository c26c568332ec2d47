# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""After the chaos: Secrets Manager retries until all is quiet, and what must hold then is checked."""

from __future__ import annotations

import json

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import RotationError
from tests.unit.memory.invariants import Watch, settled
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPENDING, SecretState
from tests.unit.memory.world import STEPS, Strategy, World

from .people import USER, mend
from .secrecy import Scanner

PAUSES_HOURS = (0.0, 0.01, 0.05, 0.2, 1, 12, 12, 24, 72, 120)
"""Retries come soon, and then ever later."""
ATTEMPT_END_HOURS, GRACE_END_HOURS = 0.1, 30.0
"""What an error may ask the next rotation to wait for."""
QUIET_DAYS = 9
"""Longer than grace and the longest extension."""


class Settler:
    """Brings one world to rest.

    Attributes:
        patient: a person meddled, so that the next rotation may have to wait for a grace period.
        mended: a person had to do what an error asked for.
        last: the last error, in words.
    """

    def __init__(
        self, world: World, scanner: Scanner, same_token: bool, meddled: bool = False, unplanned: bool = False
    ) -> None:
        self.world = world
        self.secret = the_secret(world)
        self.strategy = strategy_of(world)
        self.scanner = scanner
        self.same_token = same_token
        self.watch = Watch(world, self.secret, by_person=meddled, unplanned=unplanned)
        self.patient = meddled or unplanned
        self.mended = False
        self.last = "no error"

    def run(self, may_mend: bool, address: str | None = None) -> list[str]:
        """Retry, wait, rotate once more, wait, and check.

        Args:
            may_mend: if it does not come to rest by itself, a person may do what the errors ask for, once.
            address: what a person wrote into the document and nothing may revert; None: nothing.

        Returns:
            What does not hold; empty when all is well.
        """
        self.world.core.hooks = [self.watch]
        try:
            problems = self._rest(address)
            if problems and may_mend:
                self.mended = True
                mend(self.world, self.secret)
                problems = self._rest(address)
        finally:
            self.world.core.hooks = []
            self._scan()
        return problems + self.watch.broken + self.scanner.leaks

    def _rest(self, address: str | None) -> list[str]:
        self._retry()
        pending = self.secret.labels.get(AWSPENDING)
        if pending is not None:
            return [f"never settles: {self.last}"]
        self._advance(QUIET_DAYS * 24)
        if not self._rotate_once_more():
            return [f"the next rotation fails: {self.last}"]
        self._advance(QUIET_DAYS * 24)
        return self._check(address)

    def _rotate_once_more(self) -> bool:
        """The next rotation: at once, or once an earlier attempt is surely dead, or a grace period is over."""
        token = self.world.secrets.start_rotation(self.secret)
        for pause in (0.0, ATTEMPT_END_HOURS, *([GRACE_END_HOURS] if self.patient else [])):
            self._advance(pause)
            if self._attempt(token):
                return True
        return False

    def _retry(self) -> None:
        for pause in PAUSES_HOURS:
            self._advance(pause)
            self._service_clears()
            self.secret.rotation_enabled = True
            pending = self.secret.labels.get(AWSPENDING)
            if pending is None:
                return
            if not self.same_token:
                del self.secret.labels[AWSPENDING]  # a retry under a new token takes the label over
            self._attempt(pending if self.same_token else None)

    def _service_clears(self) -> None:
        labels = self.secret.labels
        if labels.get(AWSPENDING) == labels[AWSCURRENT]:
            del labels[AWSPENDING]

    def _attempt(self, token: str | None) -> bool:
        world = self.world
        token = token or world.secrets.start_rotation(self.secret)
        for step in STEPS:
            if not self._step(token, step):
                return False
        done = world.secrets.end_rotation(self.secret, token)
        if not done:
            self.last = "finishSecret did not move AWSCURRENT"
        return done

    def _step(self, token: str, step: str) -> bool:
        try:
            self.scanner.look("a return", self.world.step(self.secret, token, step, self.strategy))
        except RotationError as problem:
            self._failed(problem)
            return False
        return True

    def _failed(self, problem: Exception) -> None:
        self.last = f"{type(problem).__name__}: {problem}"
        self.scanner.look("an error", problem)

    def _advance(self, hours: float) -> None:
        self.world.advance(hours, self._failed)

    def _check(self, address: str | None) -> list[str]:
        problems = []
        world, secret = self.world, self.secret
        if self.strategy == "noop":
            if "mark-password" not in (secret.text() or ""):
                problems.append("the value was reverted")
        else:
            try:
                settled(world, secret, USER)
            except AssertionError as problem:
                problems.append(f"not settled: {problem}")
            if [key.active for key in world.iam.keys(USER)] != [False, True]:
                problems.append(f"keys are not one Inactive, one Active: {world.iam.keys(USER)}")
            if world.scheduler.schedules:
                problems.append("a retirement is asked for for ever")
        if address is not None and json.loads(secret.text() or "{}").get("NOTIFY_EMAIL") != address:
            problems.append("a person's edit was reverted")
        return problems

    def _scan(self) -> None:
        for line in self.world.lines:
            self.scanner.look("a log line", line)
        for mail in self.world.ses.mails:
            self.scanner.look("a mail", mail)
        self.scanner.learn(self.world)
        self.world.lines.clear()
        self.world.ses.mails.clear()


def the_secret(world: World) -> SecretState:
    """The one secret of a world."""
    return next(iter(world.secrets.secrets.values()))


def strategy_of(world: World) -> Strategy:
    """noop for a secret that never was a service account's document."""
    versions = the_secret(world).versions.values()
    return "iam_access_key" if any("USER_NAME" in (version.text or "") for version in versions) else "noop"
