# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The retirement of a previous key: a recurring schedule asks for it again and again, until the key is Inactive.

It looks at how things are, not at what was asked: lost, repeated, early or forged events change nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from . import notification
from .account import ServiceAccount, in_words
from .document import access_key_of, parse
from .errors import AwsError, EventError, RotationError
from .event import RetireEvent
from .gateway import AccessKey, Secret, SecretStore, Version, caller
from .names import AWSCURRENT, AWSPENDING, AWSPREVIOUS, RETIREMENT_INTERVAL_HOURS
from .proof import is_user
from .runtime import Invocation
from .settings import Settings

INTERVAL = timedelta(hours=RETIREMENT_INTERVAL_HOURS)
RESERVE_SECONDS = 25.0
"""No key is made Inactive with less time left: a throttled call may take 15 s of it, and the team is to be told."""
REMINDER = timedelta(days=1)
"""While a key in use is postponed, the team is told at the first firing, and again every day: a firing may get lost."""


def retire(event: RetireEvent, store: SecretStore, settings: Settings, invocation: Invocation) -> str:
    """Set a previous key Inactive if that is due, and end its schedule once it is.

    Returns:
        What became of it: retired, done (there was nothing left to do), or why not yet: not_due, in_use,
        waiting, postponed, current_key_not_working.

    Raises:
        RotationError: the event is not this secret's, or something could not be read. Nothing was touched.
    """
    secret = store.describe()
    version_id = secret.holder(AWSCURRENT)
    current = store.value(version_id) if version_id else None
    if current is None:
        raise EventError(f"{secret.name} has no current value; nothing is retired")
    account = ServiceAccount(invocation, settings.with_tags(secret.tags), store, parse(current.text))
    account.bound_user()
    in_use = event.access_key_id in (account.document.access_key_id, _pending_key(secret, store))
    since = current.created if in_use else _current_since(event.access_key_id, account, current, secret)
    if since is None:
        raise EventError(f"no version of {secret.name} names {event.access_key_id}; nothing is retired")
    start = account.schedules.start_of(event.access_key_id)
    if start is None:
        return "not_due"
    if in_use:
        return "in_use"  # labels can move back: the schedule stays
    return _retire_when_due(event.access_key_id, account, since, start)


def _retire_when_due(key_id: str, account: ServiceAccount, since: datetime, start: datetime) -> str:
    key = next((key for key in account.keys.listed() if key.key_id == key_id), None)
    now = account.invocation.now()
    due = account.due(start, since, key)
    if now < due:
        return "waiting"
    if key is not None and key.active:
        used = account.used_lately(key_id) if account.grace_period else None
        until = _postponable_until(account, since, start, key)
        if used and now < until:
            if (now - due) % REMINDER < INTERVAL:
                _tell_postponed(account, key_id, used, until + INTERVAL)
            return "postponed"
        if not _works(account):
            blocked = "AWSCURRENT does not work"
            account.invocation.telemetry.count("RetirementBlocked", access_key_id=key_id, error=blocked)
            return "current_key_not_working"
        if account.invocation.remaining_seconds() < RESERVE_SECONDS:
            raise RotationError(
                f"too little of the function's time-out is left to retire {key_id} and tell the team; tried again later"
            )
        if account.keys.deactivate(key_id):
            _tell_retired(account, key_id, used)
            account.schedules.delete(key_id)
            return "retired"
    elif key is None:
        account.keys.deactivate(key_id)  # gone, or only missing in the list
    account.schedules.delete(key_id)
    return "done"


def _works(account: ServiceAccount) -> bool:
    """Say whether AWSCURRENT works: its key may be Inactive or gone, or its secret spoilt by an edit."""
    document = account.document
    client = account.invocation.runtime.clients.sts(document.access_key_id or "", document.secret_access_key)
    try:
        return is_user(caller(client), account.invocation.account, document.user_name)
    except AwsError:
        return False


def _postponable_until(account: ServiceAccount, since: datetime, start: datetime, key: AccessKey) -> datetime:
    """A key in use is given until then: the extension, but never so long that the next firing breaks the promise."""
    extension = account.promotion(start, since) + timedelta(hours=account.settings.max_extension_hours)
    return min(extension, account.latest_retirement(key) - INTERVAL)


def _pending_key(secret: Secret, store: SecretStore) -> str | None:
    version_id = secret.holder(AWSPENDING)
    pending = store.value(version_id) if version_id else None
    return access_key_of(pending.text) if pending else None


def _current_since(key_id: str, account: ServiceAccount, current: Version, secret: Secret) -> datetime | None:
    """When the version was made with which AWSCURRENT's key followed this one; None: no version names this one.

    Where AWSPREVIOUS names it, as nearly always, that is AWSCURRENT's version. Else the value was edited since, with
    the same key in it. That is no promotion and must not begin the grace period anew: whoever edits often enough
    would keep the old key Active for ever.
    """
    store, previous = account.store, secret.holder(AWSPREVIOUS)
    before = store.value(previous) if previous else None
    if before is not None and access_key_of(before.text) == key_id:
        return current.created
    since = current.created
    protected = {secret.holder(AWSCURRENT), secret.holder(AWSPENDING)}
    for listed in sorted(store.versions(), key=lambda version: version.created, reverse=True):
        if listed.version_id in protected:
            continue
        version = before if listed.version_id == previous else store.value(listed.version_id)
        named = access_key_of(version.text) if version is not None else None
        if named == key_id:
            return since
        if named == account.document.access_key_id:
            since = min(since, listed.created)
    return None


def _tell_postponed(account: ServiceAccount, key_id: str, used: str, latest: datetime) -> None:
    user = account.document.user_name
    notification.tell(
        account.invocation,
        account.settings,
        account.document,
        f"Old access key of {user} is still in use",
        [
            f"The old key {key_id} of IAM user {user} was used lately ({used}), so it stays Active a little longer.",
            f"Update that consumer. The key goes when it is no longer used, {in_words(latest)} at the latest.",
        ],
    )


def _tell_retired(account: ServiceAccount, key_id: str, used: str | None) -> None:
    user = account.document.user_name
    notification.tell(
        account.invocation,
        account.settings,
        account.document,
        f"Old access key of {user} retired",
        [
            f"The old key {key_id} of IAM user {user} is Inactive since {in_words(account.invocation.now())}.",
            *([f"It was still used lately: {used}."] if used else []),
            "If something broke, roll back or set the key Active again; the next rotation deletes it.",
        ],
    )
