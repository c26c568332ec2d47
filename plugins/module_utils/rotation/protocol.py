# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The four steps of a Secrets Manager rotation, once for all strategies.

Secrets Manager repeats a failed rotation from createSecret, with the same token or a new one, and Lambda may deliver
one call twice: so each step finds out what is done already, and the only thing that a repeat does is the rest.
Source: Secrets Manager User Guide, rotate-secrets_lambda-functions; API Reference, UpdateSecretVersionStage.
"""

from __future__ import annotations

from typing import Protocol

from .document import is_roll_back
from .errors import EventError, SupersededError
from .event import StepEvent
from .gateway import Secret, SecretStore, Version
from .names import AWSCURRENT, AWSPENDING, AWSPREVIOUS


class Strategy(Protocol):
    """How one kind of secret rotates. Each method raises a RotationError to stop with everything as it is."""

    def admit(self, secret: Secret, current: Version) -> None:
        """Check that this secret may be rotated at all; called first in createSecret and finishSecret."""

    def fits(self, current: Version, pending: Version) -> bool:
        """Say whether the pending value is what a rotation of the current one gives."""

    def create(self, secret: Secret, current: Version) -> None:
        """Make the pending value and store it; called when the pending version has none."""

    def confirm(self, pending: Version) -> bool:
        """Say whether a pending value that was stored earlier can still be promoted (False: never again).

        Raises:
            RotationError: not known yet; a later attempt will.
        """

    def test(self, pending: Version) -> None:
        """Prove that a value works."""

    def test_wiring(self, secret: Secret, current: Version) -> None:
        """Check what can be checked of a secret without a pending value."""

    def before_promotion(self, secret: Secret, current: Version, pending: Version) -> None:
        """Prove once more, and write ahead whatever must not be forgotten after the promotion."""

    def after_promotion(self, secret: Secret, previous: Version | None, current: Version) -> None:
        """Finish what is left once AWSCURRENT has moved; may run more than once."""


def run_step(event: StepEvent, store: SecretStore, strategy: Strategy) -> None:
    """Do one step of one rotation.

    Raises:
        RotationError: the step is not done; AWSCURRENT is as it was.
    """
    if event.step == "createSecret":
        _create_secret(event, store, strategy)
    elif event.step == "testSecret":
        _test_secret(event, store, strategy)
    elif event.step == "finishSecret":
        _finish_secret(event, store, strategy)
    # setSecret has nothing to do: whatever must know the new value knows it since createSecret.


def _create_secret(event: StepEvent, store: SecretStore, strategy: Strategy) -> None:
    secret = _described(event, store)
    current = _current(secret, store)
    if current.version_id == event.token:
        return
    strategy.admit(secret, current)
    pending = store.value(event.token)
    if pending is None:
        strategy.create(secret, current)
    elif not strategy.fits(current, pending):
        _abandon(event, store, "AWSCURRENT has changed since its value was made")
    elif not strategy.confirm(pending):
        _abandon(event, store, "its access key is Inactive or gone")


def _test_secret(event: StepEvent, store: SecretStore, strategy: Strategy) -> None:
    pending = store.value(event.token, AWSPENDING)
    if pending is not None:
        strategy.test(pending)
        return
    # No value: a rotation that is only being configured (RotateImmediately=false), which proves the wiring.
    secret = _described(event, store)
    strategy.test_wiring(secret, _current(secret, store))


def _finish_secret(event: StepEvent, store: SecretStore, strategy: Strategy) -> None:
    secret = _described(event, store)
    current = _current(secret, store)
    strategy.admit(secret, current)
    if current.version_id == event.token:
        previous = secret.holder(AWSPREVIOUS)
        strategy.after_promotion(secret, store.value(previous) if previous else None, current)
        return
    pending = store.value(event.token)
    if pending is None:
        raise EventError(f"version {event.token} has no value yet; createSecret comes before finishSecret")
    if not strategy.fits(current, pending):
        _abandon(event, store, "AWSCURRENT has changed since its value was made")
    strategy.before_promotion(secret, current, pending)
    store.promote(event.token, current.version_id)
    strategy.after_promotion(secret, current, pending)


def _described(event: StepEvent, store: SecretStore) -> Secret:
    """DescribeSecret, if the event fits the state that it shows."""
    secret = store.describe()
    labels = secret.labels(event.token)
    if not secret.rotation_enabled:
        raise EventError(f"rotation of {secret.name} is off; nothing to do")
    if _is_held(secret, store):
        raise EventError(f"a roll-back of {secret.name} holds AWSPENDING; finish it or take the label off")
    if AWSCURRENT not in labels and AWSPENDING not in labels:
        raise EventError(f"{event.token} is not the pending version of {secret.name}: an unknown or an older token")
    return secret


def _is_held(secret: Secret, store: SecretStore) -> bool:
    """Say whether a roll-back holds AWSPENDING."""
    pending, current = secret.holder(AWSPENDING), secret.holder(AWSCURRENT)
    if pending is None or current is None or AWSPREVIOUS not in secret.labels(pending):
        return False
    versions = store.value(current), store.value(pending)
    return is_roll_back(*(version.text if version else None for version in versions))


def _current(secret: Secret, store: SecretStore) -> Version:
    """AWSCURRENT, read by the very version id that DescribeSecret named."""
    version_id = secret.holder(AWSCURRENT)
    current = store.value(version_id) if version_id else None
    if current is None:
        raise EventError(f"{secret.name} has no current value; store one first")
    return current


def _abandon(event: StepEvent, store: SecretStore, reason: str) -> None:
    """Give the pending version up: it would be refused for ever, and block every later rotation."""
    store.drop_pending(event.token)
    raise SupersededError(f"version {event.token} cannot be promoted: {reason}; AWSPENDING is taken off it")
