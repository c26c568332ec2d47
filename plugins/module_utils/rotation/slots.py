# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Making room: IAM allows two access keys a user, and only a key that is provably of no use may go.

No rule ever touches a key that the AWSCURRENT or AWSPENDING document names, and none deletes anything unless
AWSCURRENT's key is listed Active. What cannot be read is never a yes: it raises.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property

from . import notification
from .account import NET_AFTER, ServiceAccount, in_words, is_active
from .document import access_key_of
from .errors import SlotError
from .gateway import AccessKey, LastUsed, ListedVersion, Secret, Version
from .names import AWSCURRENT, AWSPENDING, AWSPREVIOUS, GIVEN_UP, TAG_DISPOSABLE_KEYS, TAG_SINCE
from .settings import parse_time

KEYS_PER_USER = 2
PROTECTED = frozenset({AWSCURRENT, AWSPENDING})
FORGOTTEN_AFTER = timedelta(days=30)
"""An Inactive key that was last used longer ago is of no use to anybody."""


def free(account: ServiceAccount, secret: Secret, current: Version, listed: list[AccessKey]) -> None:
    """Delete what may be deleted until a key can be made.

    Args:
        listed: the user's keys, oldest first.

    Raises:
        SlotError: no key may go; its text names the keys, their age, last use and the way out.
    """
    evidence = Evidence(account, secret, current, listed)
    if not is_active(listed, account.document.access_key_id):
        raise SlotError(
            f"{account.document.user_name} has {len(listed)} access keys and AWSCURRENT's is not an Active one of "
            f"them: nothing is deleted. {evidence.describe(listed)} Store a working key in {secret.name}, or delete one"
        )
    left = list(listed)
    for rule in (_is_spent, _is_overdue, _is_orphan, _is_abandoned):
        for key in listed:
            if len(left) < KEYS_PER_USER:
                return
            if key in left and key.key_id != account.document.access_key_id and rule(evidence, key):
                account.keys.delete(key.key_id)
                account.invocation.telemetry.count("SlotFreed", access_key_id=key.key_id, rule=rule.__name__[1:])
                left.remove(key)
    if len(left) >= KEYS_PER_USER:
        evidence.renew_retirement(left)
        raise SlotError(
            f"{account.document.user_name} has {len(left)} access keys and none may safely make room. "
            f"{evidence.describe(left)} Secrets Manager tries again: the key of an attempt that was given up makes "
            "room minutes later, a previous key after its grace period. If neither fits, delete the key that nothing "
            f"uses, or list it in disposable_keys and set it Inactive (tag {TAG_DISPOSABLE_KEYS})"
        )


class Evidence:
    """What is known of a user's keys; each piece is read once, and only when a rule asks for it."""

    def __init__(self, account: ServiceAccount, secret: Secret, current: Version, listed: list[AccessKey]) -> None:
        self.account = account
        self.current_key = next((key for key in listed if key.key_id == account.document.access_key_id), None)
        self.secret = secret
        self.current = current
        self.now = account.invocation.now()
        self.attempt_limit = timedelta(seconds=2 * account.invocation.timeout_seconds)
        """However an attempt went, it is dead by then."""
        self._last_used: dict[str, LastUsed] = {}
        self._named: dict[str, str | None] = {}
        self._retirement_starts: dict[str, datetime | None] = {}

    @cached_property
    def previous(self) -> Version | None:
        """AWSPREVIOUS' version."""
        version_id = self.secret.holder(AWSPREVIOUS)
        return self.account.store.value(version_id) if version_id else None

    @cached_property
    def versions(self) -> list[ListedVersion]:
        """Every version of the secret."""
        return self.account.store.versions()

    @cached_property
    def since(self) -> datetime | None:
        """When the service account was enrolled."""
        return parse_time(self.account.bound_user().tags.get(TAG_SINCE))

    def retirement_start(self, key: AccessKey) -> datetime | None:
        """When the retirement of a key starts to be asked for; None: nobody asks."""
        if key.key_id not in self._retirement_starts:
            self._retirement_starts[key.key_id] = self.account.schedules.start_of(key.key_id)
        return self._retirement_starts[key.key_id]

    def key_in(self, version_id: str) -> str | None:
        """The key that a version's document names."""
        if version_id not in self._named:
            version = self.account.store.value(version_id)
            self._named[version_id] = access_key_of(version.text) if version else None
        return self._named[version_id]

    def is_previous(self, key: AccessKey) -> bool:
        """Say whether AWSPREVIOUS names the key."""
        return self.previous is not None and access_key_of(self.previous.text) == key.key_id

    def naming(self, key: AccessKey) -> list[ListedVersion]:
        """The versions that name a key."""
        return [version for version in self.versions if self.key_in(version.version_id) == key.key_id]

    def attempt_end(self, version: ListedVersion) -> datetime | None:
        """When the last attempt at a version was surely dead; None: the version has a label, or may still get one.

        Not the version's own age counts: a retry with the same token may have begun this moment. But it lost its label
        at the latest when the next rotation's version was made (not an edit's, which takes it from nobody: that one has
        another label, or AWSCURRENT's key); or somebody took the label off, waited, and says so.
        """
        if version.labels == {GIVEN_UP}:
            return self.now
        later = [
            other.created
            for other in self.versions
            if other.version_id != version.version_id
            and other.created >= version.created
            and other.labels <= {AWSPENDING, GIVEN_UP}
            and self.key_in(other.version_id) != self.account.document.access_key_id
        ]
        return None if version.labels or not later else min(later) + self.attempt_limit

    def tested_until(self, version: ListedVersion, key: AccessKey) -> datetime:
        """Until when a use by STS of the key that a version names was our own test, and no consumer's.

        The attempt that made the key tested it: the first at its version, or a retry. A later retry tests it again; but
        by then it may have been current, and AWSCURRENT was moved back since. What was given up under our own label
        never was current.
        """
        return self.now if version.labels == {GIVEN_UP} else max(version.created, key.created) + self.attempt_limit

    def settled(self, moment: datetime) -> bool:
        """Say whether no attempt that began at that moment can still be running."""
        return self.now - moment > self.attempt_limit

    def last_used(self, key: AccessKey) -> LastUsed:
        """GetAccessKeyLastUsed."""
        if key.key_id not in self._last_used:
            self._last_used[key.key_id] = self.account.keys.last_used(key.key_id)
        return self._last_used[key.key_id]

    def describe(self, keys: list[AccessKey]) -> str:
        """The keys as a person needs them: status, age, last use."""
        return " ".join(f"{self._describe(key)}." for key in keys)

    def _describe(self, key: AccessKey) -> str:
        used = self.last_used(key)
        use = f"last used {in_words(used.date)} by {used.service}" if used.date else "never used"
        role = ""
        if key.key_id == self.account.document.access_key_id:
            role = "AWSCURRENT's, "
        elif self.is_previous(key):
            end = self.retirement_start(key)
            role = f"AWSPREVIOUS', in its grace period until {in_words(end)}, " if end else "AWSPREVIOUS', "
        status = "Active" if key.active else "Inactive"
        return f"{key.key_id}: {role}{status}, {(self.now - key.created).days} days old, {use}"

    def renew_retirement(self, keys: list[AccessKey]) -> None:
        """Where an Active key of ours blocks the slot, ask for its retirement again if nobody does."""
        for key in keys:
            spared = not key.active or key.key_id == self.account.document.access_key_id
            if spared or not self.account.settings.retirement_role_arn:
                continue
            naming = self.naming(key)
            if not naming or any(version.labels & PROTECTED for version in naming):
                continue
            if self.retirement_start(key) is None:
                # When it stopped being AWSCURRENT's is not known (a person may just have moved the label): from now.
                self.account.schedule_retirement(key.key_id, self.now + (self.account.grace_period or NET_AFTER))


def _is_spent(evidence: Evidence, key: AccessKey) -> bool:
    """(a) An Inactive key that this secret knows, or that was given up: the steady state of every rotation."""
    if key.active:
        return False
    # Any attempt of ours stores a key within one time-out of making it. So where the key itself is older than three,
    # no version of ours that names it is younger than two, and the list of versions need not be read.
    previous = evidence.previous
    if (
        previous is not None
        and evidence.is_previous(key)
        and evidence.settled(previous.created)
        and (evidence.now - key.created > 1.5 * evidence.attempt_limit)
    ):
        return True
    naming = evidence.naming(key)
    if not all(evidence.settled(version.created) and not version.labels & PROTECTED for version in naming):
        return False
    if naming or key.key_id in evidence.account.settings.disposable_keys:
        return True
    used = evidence.last_used(key).date
    return used is not None and evidence.now - used > FORGOTTEN_AFTER


def _is_overdue(evidence: Evidence, key: AccessKey) -> bool:
    """(b) AWSPREVIOUS' key whose retirement should be long over: it is done here, and said.

    Only a retirement that was asked for can be over; where none can be asked for, there is no grace period either.
    """
    if not key.active or not evidence.is_previous(key):
        return False
    account = evidence.account
    start = evidence.retirement_start(key)
    if start is None and account.settings.retirement_role_arn:
        return False
    promotion = account.promotion(start, evidence.current.created)
    extension = promotion + timedelta(hours=account.settings.max_extension_hours)
    due = account.due(start or promotion + account.grace_period, evidence.current.created, key)
    if evidence.now < max(due, extension) or account.used_lately(key.key_id):
        return False
    account.keys.deactivate(key.key_id)
    notification.tell(
        account.invocation,
        account.settings,
        account.document,
        f"Old access key of {account.document.user_name} retired",
        [f"The old key {key.key_id} is deleted: its grace period is long over and the next rotation needs its slot."],
    )
    return True


def _is_orphan(evidence: Evidence, key: AccessKey) -> bool:
    """(c) The key of an attempt that died between making and storing it.

    A key that a person made looks alike until IAM reports its use, which takes hours: so it must be quiet for as long.

    Raises:
        SlotError: it may be one, but is too young to tell.
    """
    if evidence.since is None or key.created <= evidence.since or evidence.naming(key):
        return False
    if evidence.last_used(key).date is not None:
        return False
    quiet = key.created + timedelta(hours=evidence.account.settings.quiet_hours)
    if evidence.now < quiet:
        raise SlotError(
            f"the key {key.key_id} of {evidence.account.document.user_name} was made "
            f"{in_words(key.created)} and is in no version of the secret: a crashed attempt's, another attempt's that "
            f"still runs, or a person's. From {in_words(quiet)} on, unless it is used, it makes room for a new one by "
            "itself; if you know that nothing uses it, delete it"
        )
    return True


def _is_abandoned(evidence: Evidence, key: AccessKey) -> bool:
    """(d) The key of an attempt that was given up: stored, never promoted, used by nothing but our own test."""
    naming = evidence.naming(key)
    ends = [evidence.attempt_end(version) for version in naming]
    if (
        not ends
        or any(end is None or end > evidence.now for end in ends)
        or evidence.current_key is None
        # Two attempts may have run side by side, so that the loser's key is a little older than the winner's.
        or key.created <= evidence.current_key.created - evidence.attempt_limit
    ):
        return False
    used = evidence.last_used(key)
    tested = max(evidence.tested_until(version, key) for version in naming)
    return used.date is None or (used.service == "sts" and used.date <= tested)
