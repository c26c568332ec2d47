# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Strategy iam_access_key: a new key, really; the old one stays through its grace period and is then retired."""

from __future__ import annotations

from datetime import timedelta

from . import notification, slots
from .account import NET_AFTER, ServiceAccount, in_words
from .document import access_key_of, parse
from .errors import AwsError, DocumentError, ProofError, RotationError
from .event import StepEvent, is_key_id
from .gateway import Secret, SecretStore, Version, caller
from .names import AWSCURRENT, AWSPENDING
from .proof import is_user, prove
from .runtime import Invocation
from .settings import Settings

CREATE_RESERVE_SECONDS = 30.0
"""No key is made with less time left: storing it, or deleting it again, must still fit."""
UNLISTED_LIMIT = timedelta(minutes=10)
"""A key that ListAccessKeys omits for longer is gone, and not merely late."""
THROTTLES = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
THROTTLE_PAUSE_SECONDS = 2.0


class IamAccessKey:
    """See protocol.Strategy."""

    def __init__(self, event: StepEvent, store: SecretStore, settings: Settings, invocation: Invocation) -> None:
        self._event = event
        self._store = store
        self._settings = settings
        self._invocation = invocation

    def admit(self, secret: Secret, current: Version) -> None:
        """Stop unless the user is bound to this secret."""
        account = self._account(secret, current)
        for tag in account.settings.ignored_tags:
            self._invocation.telemetry.count("TagIgnored", tag=tag)
        account.bound_user()

    def fits(self, current: Version, pending: Version) -> bool:
        """The pending document differs from the current one in the key alone, and the key is another."""
        old = parse(current.text)
        try:
            new = parse(pending.text)
        except DocumentError:
            return False
        return old.fits(new) and is_key_id(new.access_key_id) and new.access_key_id != old.access_key_id

    def create(self, secret: Secret, current: Version) -> None:
        """Make room if need be, make a key and store it."""
        account = self._account(secret, current)
        listed = account.keys.listed()
        if len(listed) >= slots.KEYS_PER_USER:
            slots.free(account, secret, current, listed)
        if self._invocation.remaining_seconds() < CREATE_RESERVE_SECONDS:
            raise RotationError("too little of the function's time-out is left to make a key safely; tried again later")
        key_id, secret_access_key = self._create_key(account)
        value = account.document.with_key(key_id, secret_access_key)
        try:
            self._store.put_pending(self._event.token, {"SecretString": value}, self._event.rotation_token)
        except AwsError as problem:
            if not self._stored_after_all(problem, account, key_id, value):
                raise

    def confirm(self, pending: Version) -> bool:
        """The stored key must be listed Active; a new one may be listed late."""
        document = parse(pending.text)
        account = ServiceAccount(self._invocation, self._settings, self._store, document)
        key = next((key for key in account.keys.listed() if key.key_id == document.access_key_id), None)
        if key is not None:
            return key.active
        if self._invocation.now() - pending.created >= UNLISTED_LIMIT:
            return False
        raise ProofError(f"IAM does not list the pending key {document.access_key_id} yet; tried again later")

    def test(self, pending: Version) -> None:
        """Ask STS with the key until it works, several times in a row."""
        document = parse(pending.text)
        if document.access_key_id is None:
            raise ProofError("the pending document has no access key")
        client = self._invocation.runtime.clients.sts(document.access_key_id, document.secret_access_key)
        prove(
            lambda: caller(client),
            self._invocation.account,
            document.user_name,
            self._settings.proof_successes,
            self._settings.proof_spacing_seconds,
            self._invocation.runtime.sleep,
            self._invocation.remaining_seconds,
        )

    def test_wiring(self, secret: Secret, current: Version) -> None:
        """AWSCURRENT is well-formed and bound."""
        self.admit(secret, current)

    def before_promotion(self, secret: Secret, current: Version, pending: Version) -> None:
        """One last proof; then the old key's retirement is written ahead, so that no crash can forget it."""
        new = parse(pending.text)
        account = self._account(secret, current)
        client = self._invocation.runtime.clients.sts(new.access_key_id or "", new.secret_access_key)
        try:
            arn = caller(client)
        except AwsError as problem:
            raise ProofError(f"the pending key {new.access_key_id} stopped working: {problem.code}") from None
        if not is_user(arn, self._invocation.account, new.user_name):
            raise ProofError(f"the pending key belongs to {arn}, not to user {new.user_name}")
        old_key = account.document.access_key_id
        if is_key_id(old_key) and account.settings.retirement_role_arn:
            account.schedule_retirement(old_key, self._invocation.now() + (account.grace_period or NET_AFTER))

    def after_promotion(self, secret: Secret, previous: Version | None, current: Version) -> None:
        """Without a grace period the old key is switched off at once; then the team is told."""
        labels = secret.labels(self._event.token)
        if AWSPENDING not in labels:
            return  # a replay after the service took the rotation for complete: what happened since is not ours to undo
        account = self._account(secret, current)
        new_key = account.document.access_key_id
        old_key = access_key_of(previous.text) if previous is not None else None
        fate = ""
        if is_key_id(old_key) and old_key != new_key:
            fate = self._fate(account, old_key, AWSCURRENT in labels)
        notification.tell(
            self._invocation,
            account.settings,
            account.document,
            f"Access key of {account.document.user_name} rotated",
            [
                f"Secret {secret.name} holds the new access key {new_key} of IAM user {account.document.user_name}.",
                *([fate] if fate else []),
                "Whatever reads the secret gets the new key by itself; copies elsewhere must be updated before then.",
            ],
        )

    def _fate(self, account: ServiceAccount, old_key: str, promoted_earlier: bool) -> str:
        """Switch the old key off if there is no grace period; say what becomes of it."""
        if not account.grace_period:
            account.keys.deactivate(old_key)
            return f"The old key {old_key} is Inactive now."
        end = self._invocation.now() + account.grace_period
        if promoted_earlier:
            end = account.schedules.start_of(old_key) or end
        return f"The old key {old_key} stays Active until {in_words(end)}."

    def _account(self, secret: Secret, version: Version) -> ServiceAccount:
        """The service account that a version's document claims, under the secret's own settings."""
        return ServiceAccount(self._invocation, self._settings.with_tags(secret.tags), self._store, parse(version.text))

    def _create_key(self, account: ServiceAccount) -> tuple[str, str]:
        """CreateAccessKey, repeated only where AWS said that it did nothing: when it throttles."""
        while True:
            try:
                return account.keys.create()
            except AwsError as problem:
                left = self._invocation.remaining_seconds() - THROTTLE_PAUSE_SECONDS
                if problem.code not in THROTTLES or left < CREATE_RESERVE_SECONDS:
                    raise
                self._invocation.runtime.sleep(THROTTLE_PAUSE_SECONDS)

    def _stored_after_all(self, problem: AwsError, account: ServiceAccount, key_id: str, value: str) -> bool:
        """After a failed PutSecretValue: was it stored? If surely not, the new key is deleted again.

        Where that cannot be told, the key stays, as an orphan that a later attempt reclaims (slots, rule c).
        """
        try:
            stored = self._store.value(self._event.token)
            if stored is not None and stored.text == value:
                return True
            if stored is not None or problem.refused:
                account.keys.delete(key_id)
        except AwsError as second:
            self._invocation.telemetry.count("CompensationFailed", access_key_id=key_id, error=str(second))
        return False
