# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What must hold after every call, whatever fails (the invariants of the design)."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from typing import Any

from .core import Call, When
from .secretsmanager import AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretState
from .world import World

DISABLING = ("iam:UpdateAccessKey", "iam:DeleteAccessKey")
READING = ("secretsmanager:DescribeSecret", "secretsmanager:UpdateSecretVersionStage")
MARK = "mark-"
DAY = 86_400.0
QUIET_SECONDS = 12 * 3600.0
EXTENSION_SECONDS = 168 * 3600.0
RETIREMENT_INTERVAL = 6 * 3600.0
ATTEMPT_SECONDS = 60.0
"""A rotation's last step takes no longer: the old key's grace is counted from somewhere within it."""


def names(text: str | None) -> str | None:
    """The key that a document names; None for what is no document."""
    try:
        value: Any = json.loads(text or "")
    except ValueError:
        return None
    key_id = value.get("AWS_ACCESS_KEY_ID") if isinstance(value, dict) else None
    return key_id if isinstance(key_id, str) else None


def broken_current(world: World, secret: SecretState) -> str | None:
    """Say why AWSCURRENT's key is of no use, or None: it is Active, works, and is its own user's."""
    text = secret.text()
    key_id = names(text)
    if text is None or not key_id:
        return None
    fields = json.loads(text)
    if not world.iam.works(key_id, fields.get("AWS_SECRET_ACCESS_KEY", "")):
        return f"AWSCURRENT's key {key_id} does not work"
    if key_id not in {key.key_id for key in world.iam.keys(fields["USER_NAME"])}:
        return f"AWSCURRENT's key {key_id} is another user's"
    return None


def promoted_early(world: World, secret: SecretState) -> str | None:
    """Say why AWSCURRENT should not have moved yet: IAM does not know its key for good."""
    key = world.iam.key(names(secret.text()) or "")
    steady = max((end for _, end in world.iam.unsteady), default=0.0)
    if key is None or world.core.seconds - key.created >= steady:
        return None
    return f"the key {key.key_id} is promoted while IAM still refuses it now and then"


def forgotten(world: World, secret: SecretState) -> str | None:
    """Say that nothing will ever retire AWSPREVIOUS' Active key, or None."""
    key = world.iam.key(names(secret.text(AWSPREVIOUS)) or "")
    if not secret.promoted or key is None or not key.active or key.key_id == names(secret.text()):
        return None
    if any(name == f"retire-{key.key_id}" for _, name in world.scheduler.schedules):
        return None
    return f"the retirement of {key.key_id} is forgotten"


def cut_off(world: World, secret: SecretState, key_id: str) -> str | None:
    """Say why an Active key must not be switched off at this moment, or None.

    The truth is the clock's: when AWSCURRENT really moved, and when a consumer really used the key.
    """
    key = world.iam.key(key_id)
    grace = grace_seconds(world, secret)
    if key is None or not key.active or not grace:
        return None
    now = world.core.seconds
    used = key.used is not None and key.used_by != "sts" and now - key.used < QUIET_SECONDS
    asked_for = any(name == f"retire-{key_id}" for _, name in world.scheduler.schedules)
    if asked_for and now > key.created + 90 * DAY and 0 < secret.promoted < key.created + 88 * DAY:
        return f"{key_id} was Active past 90 days"
    if key_id != names(secret.text(AWSPREVIOUS)):
        return f"{key_id} is switched off while it is used" if used and not asked_for else None
    if now < secret.promoted + grace - ATTEMPT_SECONDS:
        return f"{key_id} is switched off within its grace period"
    last = min(secret.promoted + EXTENSION_SECONDS, key.created + 89 * DAY - RETIREMENT_INTERVAL)
    if (used or key_id in world.iam.busy) and now < last - ATTEMPT_SECONDS:
        return f"{key_id} is switched off while it is used, before the extension is over"
    return None


def grace_seconds(world: World, secret: SecretState) -> float:
    """The grace period that is in force; nonsense in the tag counts as none."""
    tag = secret.tags.get("key-rotation:grace-period-hours", "")
    return 3600.0 * int(tag if tag.isdigit() else world.environment.get("GRACE_PERIOD_HOURS", "24"))


class Watch:
    """A hook that writes down what breaks the invariants of one secret while calls go on.

    It does not raise: the package turns what a client raises into errors of its own.

    Attributes:
        by_person: a person meddles, so that only what is ours to keep is watched.
        unplanned: a person changed when or whether the old key goes, so that this is not watched.
        last_read: the key that AWSCURRENT named when one of ours last read or moved the labels.
        broken: what was seen.
    """

    def __init__(self, world: World, secret: SecretState, by_person: bool = False, unplanned: bool = False) -> None:
        self.world = world
        self.secret = secret
        self.by_person = by_person
        self.unplanned = unplanned
        self.last_read: str | None = None
        self.broken: list[str] = []

    def __call__(self, call: Call, when: When) -> None:
        disabling = call.action in DISABLING and call.arguments.get("Status") != "Active"
        if disabling and when == "before":
            key_id = call.arguments["AccessKeyId"]
            protected = {self.last_read}
            if not self.by_person:
                protected |= {names(self.secret.text(label)) for label in (AWSCURRENT, AWSPENDING)}
            if key_id in protected:
                self.broken.append(f"{call.action} hits a key that AWSCURRENT or AWSPENDING names")
            if not self.by_person and not self.unplanned:
                self._note(cut_off(self.world, self.secret, key_id), call.action)
        elif when == "after":
            if call.action in READING:
                self.last_read = names(self.secret.text())
            if not self.by_person:
                self._note(broken_current(self.world, self.secret), call.action)
                if not self.unplanned:
                    self._note(forgotten(self.world, self.secret), call.action)

    def _note(self, problem: str | None, action: str) -> None:
        if problem is not None:
            self.broken.append(f"{problem} ({action})")


def unknown_keys(world: World, secret: SecretState, user_name: str) -> set[str]:
    """The user's keys that no labelled version names."""
    labelled = {names(secret.text(label)) for label in (AWSCURRENT, AWSPENDING, AWSPREVIOUS)}
    return {key.key_id for key in world.iam.keys(user_name)} - {name for name in labelled if name}


def settled(world: World, secret: SecretState, user_name: str) -> None:
    """Once all is quiet: at most two keys, each in a labelled version; the users' own fields are there still."""
    assert len(world.iam.keys(user_name)) <= 2
    assert not unknown_keys(world, secret, user_name)
    pending = secret.labels.get(AWSPENDING)
    assert pending in (None, secret.labels[AWSCURRENT]), "AWSPENDING dangles: every later rotation is refused"
    for label in (AWSCURRENT, AWSPREVIOUS):
        assert json.loads(secret.text(label) or "{}")["password"] == "mark-password"


def silent(world: World, problems: Sequence[BaseException] = ()) -> None:
    """No mark, which every value carries, shows in a log line, a mail or an error."""
    shown = json.dumps(world.lines) + json.dumps(world.ses.mails)
    shown += "".join("".join(traceback.format_exception(problem)) for problem in problems)
    assert MARK not in shown, shown[max(0, shown.find(MARK) - 200) :][:400]
