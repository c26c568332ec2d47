# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Gets an AWSPENDING that a failed rotation left behind out of the way, and harms none that still runs.

As long as AWSPENDING is on another version than AWSCURRENT, Secrets Manager refuses every RotateSecret. Taking the
label off stops the rotation it belongs to at its next look at the labels; only an invocation that has looked already
goes on, for one function time-out at most. If that version holds a value, such an invocation may still promote its
key, and the next rotation would take the key for an abandoned one: so nothing new is started until it must be dead,
and a label of our own then tells the next rotation so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..rotation import names
from .aws import CallError, Client, call_or_none
from .batch import Pace
from .errors import StateError, WaitError
from .failure_log import FailureLog
from .planning import function_name
from .reader import Reader, pending_elsewhere
from .state import Secret, Target

POLL_SECONDS = 0.5
_DEAD_AFTER = names.FUNCTION_TIMEOUT_SECONDS + 5
_STEPS = 4
_REFUSED = "InvalidRequestException"
_MOVED_MEANWHILE = ("ResourceNotFoundException", "InvalidParameterException")
"""UpdateSecretVersionStage, when the version is gone or the label is not on it any more."""


@dataclass(frozen=True)
class Waiting:
    """How long, and with which clock. Seconds; now is monotonic."""

    timeout: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def deadline(self) -> float:
        """The moment at which a wait that begins now ends."""
        return self.now() + self.timeout

    def tick(self, deadline: float, target: Target, hint: str) -> None:
        """Wait a moment.

        Raises:
            WaitError: the deadline has passed.
        """
        if self.now() >= deadline:
            raise WaitError(
                f"{target.secret_name} had not rotated after {self.timeout:.0f} s; {hint}. Secrets Manager "
                "goes on by itself; run this again to see the outcome"
            )
        self.sleep(POLL_SECONDS)


def is_unfinished(error: CallError) -> bool:
    """Say whether RotateSecret was refused because of an AWSPENDING that an earlier rotation holds."""
    return error.code == _REFUSED and "previous rotation" in error.text


@dataclass(frozen=True)
class Settler:
    """See above.

    Args:
        secretsmanager: boto3 client.
        reader: for DescribeSecret and the versions.
        failures: tells a rotation that has failed from one that runs.
        pace: spaces writes.
        waiting: the clock.
    """

    secretsmanager: Client
    reader: Reader
    failures: FailureLog
    pace: Pace
    waiting: Waiting

    def settle(self, target: Target, secret: Secret, deadline: float, notes: list[str]) -> Secret | None:
        """Return once AWSPENDING blocks nothing.

        Args:
            deadline: until when a rotation that still runs is waited for.
            notes: takes a line for each thing done.

        Returns:
            The secret as it is then; None when Secrets Manager completed the pending rotation by itself.

        Raises:
            StateError: a roll-back holds the label.
            WaitError: the deadline passed.
        """
        first = pending_elsewhere(secret)
        while (pending := pending_elsewhere(secret)) is not None:
            if pending == secret.labels.get(names.AWSPREVIOUS) and self.reader.is_roll_back(secret.arn, pending):
                raise StateError(
                    f"a roll-back of {target.secret_name} holds AWSPENDING; let it finish, or run it again"
                )
            if not (self._has_ended(secret, pending) and self._clear(target, secret, pending, notes)):
                self.waiting.tick(deadline, target, f"an earlier rotation of it (version {pending}) is not over")
            secret = self.described(target)
        if first is not None and secret.labels.get(names.AWSCURRENT) == first:
            return None
        return secret

    def described(self, target: Target) -> Secret:
        """The secret as it is now.

        Raises:
            StateError: it is gone.
        """
        secret = self.reader.secret(target.secret_name)[0]
        if secret is None:
            raise StateError(f"secret {target.secret_name} has gone meanwhile; restore it, or mend the inventory")
        return secret

    def _has_ended(self, secret: Secret, pending: str) -> bool:
        """The function said that it failed, or it is older than four steps can take."""
        arn = secret.function_arn
        if arn and self.failures.error_of(function_name(arn), pending) is not None:
            return True
        now = self.reader.secret(secret.arn)[1]
        created = self.reader.version_created(secret.arn, pending)
        return created is None or (now - created).total_seconds() > _STEPS * _DEAD_AFTER

    def _clear(self, target: Target, secret: Secret, pending: str, notes: list[str]) -> bool:
        """Take the label off; False when it went by itself meanwhile."""
        has_value = self.reader.has_value(secret.arn, pending)
        if not self._label(secret, VersionStage=names.AWSPENDING, RemoveFromVersionId=pending):
            return False
        notes.append(f"took AWSPENDING off version {pending}, left by a rotation that failed")
        if has_value:
            self.waiting.sleep(_DEAD_AFTER)
            self._mark(self.described(target), pending)
        return True

    def _mark(self, secret: Secret, version_id: str) -> None:
        """Label a version as given up, unless it is promoted meanwhile or holds a label of its own."""
        if version_id in secret.labels.values():
            return
        holder = secret.labels.get(names.GIVEN_UP)
        moved_from = {"RemoveFromVersionId": holder} if holder else {}
        self._label(secret, VersionStage=names.GIVEN_UP, MoveToVersionId=version_id, **moved_from)

    def _label(self, secret: Secret, **change: str) -> bool:
        """Move a label; False when it, or its version, is no longer where it was a moment ago."""
        self.pace.wait()
        return (
            call_or_none(
                "secretsmanager:UpdateSecretVersionStage",
                self.secretsmanager.update_secret_version_stage,
                _MOVED_MEANWHILE,
                SecretId=secret.arn,
                **change,
            )
            is not None
        )


def make_settler(
    secretsmanager: Client, reader: Reader, logs: Client, since: datetime, timeout: float, per_second: float
) -> Settler:
    """A settler on the real clock.

    Args:
        logs: boto3 client of the functions' Region.
        since: the time at the start of the run, AWS's where it is known.
        timeout: seconds for which each rotation is waited for.
        per_second: writes at most.
    """
    return Settler(secretsmanager, reader, FailureLog(logs, since), Pace(per_second), Waiting(timeout))
