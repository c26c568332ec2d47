# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Rotates a list of secrets now: which of them, paced by rotations in flight, each waited for until its outcome."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..rotation import names
from .aws import CallError, Client, call
from .batch import run_all
from .batch_result import Entry, failure, work_all
from .errors import StateError
from .planning import due_reason, existing_secret, existing_user, function_name, timestamp
from .progress import Progress
from .reader import Reader, pending_elsewhere
from .settle import POLL_SECONDS, Settler, is_unfinished, make_settler
from .state import Secret, State, Target

DUE = "due"
ALWAYS = "always"
LAST_ROTATED_BEFORE = "last_rotated_before"

_SETTLE_SECONDS = 15.0


@dataclass(frozen=True)
class Decision:
    """Whether a secret rotates now. reason says why it does; held_back why it does not although it is due."""

    state: State
    reason: str | None
    held_back: str | None = None

    @property
    def name(self) -> str:
        """The service account."""
        return self.state.target.name


@dataclass(frozen=True)
class Rule:
    """Which secrets rotate. before is needed with LAST_ROTATED_BEFORE only."""

    rotate_if: str
    before: datetime | None = None

    def decide(self, state: State) -> Decision:
        """Say whether this one rotates.

        Raises:
            FleetError: it cannot be worked on, or its previous key is still in its grace period.
        """
        secret = existing_secret(state)
        existing_user(state)
        reason: str | None
        if self.rotate_if == ALWAYS:
            reason = "asked for"
        elif self.rotate_if == DUE:
            reason = due_reason(state)
            if reason is not None and state.target.hold_back is not None:
                return Decision(state, None, f"due, not rotated: {reason}; {state.target.hold_back}")
        else:
            rotated = secret.last_rotated is not None and self.before is not None and secret.last_rotated >= self.before
            reason = None if rotated else "not rotated since then"
        if reason is not None:
            refuse_in_grace(state)
        return Decision(state, reason)


def refuse_in_grace(state: State) -> None:
    """Stop where rotating would find no free slot: the previous key is still Active, as promised to its consumers.

    Raises:
        StateError: the grace period runs; the text says until when.
    """
    secret, user, current = state.secret, state.user, state.current_key
    if secret is None or user is None or secret.last_rotated is None or names.AWSPREVIOUS not in secret.labels:
        return
    active = [key for key in user.keys if key.active]
    until = secret.last_rotated + timedelta(hours=state.target.grace_period_hours)
    if len(active) < 2 or until <= state.now:
        return
    newest = current or active[-1]
    others = ", ".join(key.access_key_id for key in active if key != newest)
    raise StateError(
        f"IAM user {user.name} has two Active keys: the previous one ({others}) is in its grace period until "
        f"{timestamp(until)}; rotate after that, or deactivate it yourself if nothing uses it any more"
    )


class Rotator:
    """Rotates decided secrets.

    Args:
        settler: gets failed rotations out of the way; its clients, pace and clock serve here too.
    """

    def __init__(self, settler: Settler) -> None:
        self._settler = settler
        self._waiting = settler.waiting

    def rotate(self, decision: Decision, done: list[str]) -> Entry:
        """Rotate one secret and wait for its outcome, unless it has rotated since the decision.

        Args:
            done: takes a line for each thing done; while the outcome is open, that the rotation was started.

        Raises:
            FleetError: it did not rotate; the text says why, or that the deadline passed.
        """
        target, decided = decision.state.target, existing_secret(decision.state)
        secret = self._settler.described(target)
        if not secret.rotation_enabled or not secret.function_arn:
            raise StateError(f"rotation of {target.secret_name} is off; run the deploy playbook first")
        deadline = self._waiting.deadline()
        while True:
            settled = self._settler.settle(target, secret, deadline, done)
            if settled is None or self._has_rotated(target, decided, settled):
                msg = "not rotated: it rotated meanwhile, without this run"
                return Entry(target.name, changed=bool(done), msg=msg, changes=tuple(done), extra={"due": True})
            token = self._start(settled)
            if token is not None:
                done.append(f"started a rotation: {decision.reason}")
                self._wait_for(target, settled, token, deadline)
                break
            self._waiting.tick(deadline, target, "an earlier rotation of it is not over")
            secret = self._settler.described(target)
        done[-1] = f"rotated: {decision.reason}"
        return Entry(target.name, changed=True, msg="rotated", changes=tuple(done), extra={"due": True})

    def _has_rotated(self, target: Target, decided: Secret, secret: Secret) -> bool:
        """Whether a rotation has ended since the decision: Secrets Manager's retry, its window, or another run's.

        A person's edit moves AWSCURRENT as well, but leaves the date, and the key, as old as they were.
        """
        if secret.labels.get(names.AWSCURRENT) != decided.labels.get(names.AWSCURRENT):
            secret = self._once_noted(target, decided)
        return secret.last_rotated != decided.last_rotated

    def _start(self, secret: Secret) -> str | None:
        """Ask for a rotation; None when an earlier one is not over."""
        token = str(uuid.uuid4())
        self._settler.pace.wait()
        try:
            call(
                "secretsmanager:RotateSecret",
                self._settler.secretsmanager.rotate_secret,
                SecretId=secret.arn,
                ClientRequestToken=token,
                RotationLambdaARN=secret.function_arn,
                RotationRules=_rules(secret),
            )
        except CallError as error:
            if is_unfinished(error):
                return None
            raise
        return token

    def _wait_for(self, target: Target, before: Secret, token: str, deadline: float) -> None:
        """Until AWSCURRENT is on the new version, and the service has noted the rotation."""
        name = function_name(before.function_arn or "")
        while True:
            secret = self._settler.described(target)
            if secret.labels.get(names.AWSCURRENT) == token:
                self._once_noted(target, before)
                return
            error = self._settler.failures.error_of(name, token)
            if error is not None:
                raise StateError(f"{error} (Secrets Manager will retry by itself; rotate again once this is mended)")
            self._waiting.tick(deadline, target, f"see log group /aws/lambda/{name}")

    def _once_noted(self, target: Target, before: Secret) -> Secret:
        """The secret once LastRotatedDate has followed the label; without it after moments, when it should have."""
        end = self._waiting.now() + _SETTLE_SECONDS
        while True:
            secret = self._settler.described(target)
            noted = secret.last_rotated != before.last_rotated and pending_elsewhere(secret) is None
            if noted or self._waiting.now() >= end:
                return secret
            self._waiting.sleep(POLL_SECONDS)


def _rules(secret: Secret) -> dict[str, object]:
    """The stored rules, passed along: RotateSecret would else be free to forget them."""
    rules = dict(secret.rules)
    if rules.get("ScheduleExpression"):
        rules.pop("AutomaticallyAfterDays", None)
    return {name: value for name, value in rules.items() if value is not None}


@dataclass(frozen=True)
class Run:
    """A whole run over a list of targets.

    Attributes:
        secretsmanager, logs: boto3 clients of one Region.
        reader: of secrets, users and, where they have keys, values: which key is the current one.
        timeout: seconds to wait for each outcome.
        per_second: writes at most.
        progress: is told of each outcome.
    """

    secretsmanager: Client
    logs: Client
    reader: Reader
    timeout: float
    per_second: float
    progress: Progress

    def rotate(self, targets: Sequence[Target], rule: Rule, in_flight: int, check_mode: bool) -> list[Entry]:
        """Rotate what the rule names; none stops another.

        Returns:
            One entry for each target, in order.
        """

        def decide(target: Target) -> Decision:
            return rule.decide(self.reader.read(target, lambda listed: rule.decide(listed).reason is None))

        outcomes = run_all(decide, targets)
        decisions = [outcome.result for outcome in outcomes if outcome.result is not None]
        chosen = [decision for decision in decisions if decision.reason is not None]
        found = [failure(outcome.item, (), outcome.error) for outcome in outcomes if outcome.result is None]
        found += [_spared(decision) for decision in decisions if decision.reason is None]
        if check_mode:
            found += [_announced(decision) for decision in chosen]
        elif chosen:
            since = min(decision.state.now for decision in chosen)
            settler = make_settler(self.secretsmanager, self.reader, self.logs, since, self.timeout, self.per_second)
            self.progress.begin(len(chosen))
            found += work_all(Rotator(settler).rotate, chosen, in_flight, self.progress.ended)
        place = {target.name: index for index, target in enumerate(targets)}
        return sorted(found, key=lambda entry: place[entry.name])


def _spared(decision: Decision) -> Entry:
    """The entry of a secret that does not rotate now."""
    held = decision.held_back is not None
    return Entry(decision.name, msg=decision.held_back or "not due", extra={"due": held, "held_back": held})


def _announced(decision: Decision) -> Entry:
    """The entry of a secret that would rotate, in check mode."""
    return Entry(
        decision.name,
        changed=True,
        msg=f"would rotate now: {decision.reason}",
        changes=(f"rotate: {decision.reason}",),
        extra={"due": True},
    )
