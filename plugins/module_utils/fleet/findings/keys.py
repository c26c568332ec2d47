# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the access keys of a service account's user say. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from ...rotation import names
from ..planning import due_reason, timestamp
from ..schedule import DAY, HOUR
from ..state import Key, State
from .finding import (
    KEY_AGE_DAYS,
    KEY_UNUSED,
    KEY_UNUSED_DAYS,
    ROTATE_90_DAYS,
    TWO_ACTIVE_KEYS,
    Finding,
    Severity,
)

FIRING_SLACK = timedelta(hours=names.RETIREMENT_INTERVAL_HOURS + 1)
"""A retirement is asked for every few hours: one firing may be on its way."""


def current_key(state: State) -> list[Finding]:
    """AWSCURRENT's key: is there one, and does it live."""
    facts, key = state.document, state.current_key
    if not _document_fits(state) or facts is None:
        return []
    if facts.access_key_id is None:
        return [Finding("no-key", "info", "the document holds no access key yet", "the first rotation makes one")]
    if key is not None and key.active:
        return []
    return [
        Finding(
            "key-not-active",
            "warning",
            f"{facts.access_key_id}, which {state.target.secret_name} holds, "
            f"{'is Inactive' if key else 'is none of the user keys that IAM lists'}",
            "its consumers fail already: rotate now, or store the key that they use",
        )
    ]


def ages(state: State) -> list[Finding]:
    """Active keys that are older than the promise, or than Prowler allows."""
    promise = state.target.max_key_age_days
    found = []
    for key in active(state):
        age = (state.now - key.created) // DAY
        if age <= min(promise, KEY_AGE_DAYS):
            continue
        bound = f"the promise is {promise}" if age > promise else f"Prowler fails it beyond {KEY_AGE_DAYS}"
        current = key == state.current_key or state.document is None
        mend = "deploy rotates it, or run the rotate playbook" if current else _UNUSED_WAY_OUT
        severity: Severity = "warning"
        end = in_grace_until(state) if key == previous_active(state) else None
        if end is not None:
            severity, mend = "info", f"nothing to do: its successor is there, and it is retired on {timestamp(end)}"
        check = ROTATE_90_DAYS if age > KEY_AGE_DAYS else None
        found.append(Finding("key-too-old", severity, f"{key.access_key_id} is {age} days old; {bound}", mend, check))
    return found


def due(state: State) -> list[Finding]:
    """A key, or a value, that would break the promise before its next rotation."""
    secret = state.secret
    if secret is None or not secret.rotation_enabled or secret.last_rotated is None:
        return []
    reason = due_reason(state)
    key = state.current_key
    late = key is not None and (state.now - key.created) // DAY > state.target.max_key_age_days
    if reason is None or late:
        return []
    return [Finding("rotation-too-late", "warning", reason, "deploy rotates it, or run the rotate playbook")]


def two_active(state: State) -> list[Finding]:
    """Two Active keys: in a grace period that is by design, and passes by itself."""
    keys = active(state)
    if len(keys) < 2:
        return []
    names_of = " and ".join(key.access_key_id for key in keys)
    end = in_grace_until(state)
    if end is not None:
        text = f"{names_of} are both Active: the grace period of the previous key runs until {timestamp(end)}"
        mend = "nothing to do; Prowler passes again when the previous key has been retired"
        return [Finding("two-active-keys", "info", text, mend, TWO_ACTIVE_KEYS)]
    mend = "set the one that is not AWSCURRENT's Inactive once nothing uses it; the next rotation deletes it"
    return [Finding("two-active-keys", "warning", f"{names_of} are both Active", mend, TWO_ACTIVE_KEYS)]


def unused(state: State) -> list[Finding]:
    """Active keys that were used once, but not lately."""
    found = []
    for key in active(state):
        days = (state.now - key.last_used) // DAY if key.last_used is not None else 0
        if days > KEY_UNUSED_DAYS:
            text = f"{key.access_key_id} was last used {days} days ago; Prowler fails it beyond {KEY_UNUSED_DAYS}"
            mend = "if nothing needs it any more, remove the service account and its user; a rotation only hides it"
            found.append(Finding("key-unused", "warning", text, mend, KEY_UNUSED))
    return found


def inactive(state: State) -> list[Finding]:
    """Keys that were switched off and are still there."""
    current = state.document.access_key_id if state.document else None
    return [
        Finding(
            "key-inactive",
            "info",
            f"{key.access_key_id} is Inactive and not yet deleted",
            "nothing to do: the next rotation deletes it if a version of the secret names it; else add it to "
            "disposable_keys, or delete it",
        )
        for key in _keys(state)
        if not key.active and key.access_key_id != current
    ]


def unknown(state: State) -> list[Finding]:
    """Active keys that no labelled version names: left by a crash, or made by hand."""
    if state.labelled_keys is None or state.document is None or not _document_fits(state):
        return []
    known = {state.document.access_key_id, *state.labelled_keys.values()}
    return [
        Finding(
            "key-unknown",
            "warning",
            f"{key.access_key_id} of {state.target.iam_user} is Active, and no labelled version of "
            f"{state.target.secret_name} names it",
            "find out who uses it (IAM shows its last use), then set it Inactive and delete it",
        )
        for key in active(state)
        if key.access_key_id not in known
    ]


def retirement(state: State) -> list[Finding]:
    """The previous key, still Active: is its retirement planned, postponed, overdue or missing."""
    key = previous_active(state)
    if key is None or state.retirement_read is False:
        return []
    start = state.retirement_start
    if start is None:
        text = f"{key.access_key_id}, the previous key, is Active, and no schedule retires it"
        mend = "the next rotation writes it again; sooner: set the key Inactive once nothing uses it"
        return [Finding("retirement-missing", "warning", text, mend)]
    if state.now < start + FIRING_SLACK:
        return []
    used = key.last_used is not None and state.now - key.last_used < state.quiet_hours * HOUR
    if used:
        text = f"{key.access_key_id}, the previous key, should have been retired on {timestamp(start)} but is in use"
        return [Finding("retirement-postponed", "warning", text, "update the consumer that still holds a copy of it")]
    text = f"{key.access_key_id}, the previous key, is Active though its grace period ended on {timestamp(start)}"
    mend = "look at the function's log: its retirement fails, or is held (tag key-rotation:hold-until)"
    return [Finding("retirement-overdue", "warning", text, mend)]


def active(state: State) -> tuple[Key, ...]:
    """The user's Active keys, oldest first."""
    return tuple(key for key in _keys(state) if key.active)


def previous_active(state: State) -> Key | None:
    """AWSPREVIOUS' key where it is Active and not AWSCURRENT's as well.

    Where the version under AWSPREVIOUS was not read: the other key, if it is the older one.
    """
    current = state.current_key
    if state.labelled_keys is not None:
        named = state.labelled_keys.get(names.AWSPREVIOUS)
        key = next((key for key in active(state) if key.access_key_id == named), None)
        return key if key != current else None
    if current is None or state.secret is None or names.AWSPREVIOUS not in state.secret.labels:
        return None
    return next((key for key in active(state) if key != current and key.created < current.created), None)


def in_grace_until(state: State) -> datetime | None:
    """When the previous key's grace period ends, while it runs (a firing on its way counts); else None.

    The schedule of its retirement says it; where that was not read, the last rotation and the inventory do.
    """
    if previous_active(state) is None or state.secret is None:
        return None
    end = state.retirement_start
    if not state.retirement_read and state.secret.last_rotated is not None:
        end = state.secret.last_rotated + state.target.grace_period_hours * HOUR
    return end if end is not None and state.now < end + FIRING_SLACK else None


def _keys(state: State) -> tuple[Key, ...]:
    return state.user.keys if state.user is not None else ()


def _document_fits(state: State) -> bool:
    facts = state.document
    return (
        facts is not None
        and state.user is not None
        and facts.problem is None
        and facts.user_name == state.target.iam_user
    )


_UNUSED_WAY_OUT = "it is not AWSCURRENT's: set it Inactive once nothing uses it, then delete it"
