# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""People: their mistakes, their answers to alarms, and their deploy pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.planning import due_reason
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import (
    DocumentFacts,
    Key,
    Secret,
    State,
    Target,
    User,
)
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPREVIOUS

from .simulate_aws import FleetKey
from .simulate_consumers import lognormal_seconds
from .simulate_settings import DAY, HOUR, PROMISE_DAYS, YEAR
from .simulate_world import Member

if TYPE_CHECKING:
    from .simulate_fleet import Fleet

PUT_OFF = "AWSCURRENT moved by hand (an edit, a label) put the next rotation off, no deploy noticed"
UNREADABLE = "secret made unreadable"
EXTRA = "extra key by hand in the slot"
OFF = "current key deactivated by hand"
DELETED = "current key deleted by hand"
BACK = "label moved back by hand"
CANCELLED = "rotation cancelled, no deploy noticed"


class People:
    """Everybody who touches a fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._world = fleet.world
        self._rng = fleet.rng
        self._rates = fleet.rates

    def draw_acts(self, member: Member, end: float) -> None:
        """When this service account's people will make which mistake, until the end."""
        rates = self._rates
        acts: tuple[tuple[float, Callable[[Member], None]], ...] = (
            (rates.edits, self._edit),
            (rates.broken_edits, self._break),
            (rates.extra_keys, self._extra_key),
            (rates.deactivations, self._deactivate),
            (rates.deletions, self._delete),
            (rates.labels_back, self._move_back),
            (rates.cancellations, self._cancel),
        )
        for per_year, act in acts:
            moment = self._fleet.core.seconds
            while per_year and (moment := moment + self._rng.expovariate(per_year / YEAR)) < end:
                self._fleet.at(moment, self._act, member, act)

    def _act(self, member: Member, act: Callable[[Member], None]) -> None:
        core = self._fleet.core
        core.seconds = max(core.seconds, member.busy_until)
        self._world.sync(member)
        act(member)

    def _count(self, what: str) -> None:
        self._world.counts[f"people: {what}"] += 1

    def _put(self, member: Member, text: str) -> None:
        """PutSecretValue by hand: it counts as a rotation for the next date."""
        before = self._world.current(member)
        self._world.secrets.put_by_hand(member.secret, text)
        self._moved(member, before)

    def _move(self, member: Member, version_id: str) -> None:
        """UpdateSecretVersionStage by hand."""
        before = self._world.current(member)
        member.secret.move(AWSCURRENT, version_id)
        self._moved(member, before)

    def _moved(self, member: Member, before: str | None) -> None:
        """AWSCURRENT moved by hand: the next date follows, and the next deploy looks at it.

        Args:
            before: the key that it named until now.
        """
        current = self._world.current(member)
        if current is not None and before not in (None, current):
            member.put_back[current] = self._fleet.core.seconds
        member.block(PUT_OFF, self._fleet.core.seconds)
        member.basis = self._fleet.core.seconds
        if member.failing_since is None:
            self._fleet.plan_next(member)
        self._fleet.at(self._next_run(), self._deploy, member)

    def _edit(self, member: Member) -> None:
        text = member.secret.text()
        if text is None or self._world.current(member) is None:
            return
        self._count("secret edited (same key)")
        self._put(member, text.replace('"password": "', '"password": "n'))

    def _break(self, member: Member) -> None:
        self._count(UNREADABLE)
        member.block(UNREADABLE, self._fleet.core.seconds)
        self._put(member, (member.secret.text() or "").rstrip("}"))
        self._notice(member)

    def _extra_key(self, member: Member) -> None:
        if len(self._world.keys(member)) >= 2:
            self._count("extra key by hand, refused: two keys exist")
            return
        self._count(EXTRA)
        key = self._world.fleet_iam.add_key(member.user)
        member.by_hand.add(key.key_id)
        if self._rng.random() < 0.7:
            key.used, key.used_by = self._fleet.core.seconds, "s3"
        member.block(EXTRA, self._fleet.core.seconds)

    def _deactivate(self, member: Member) -> None:
        active = [key for key in self._world.keys(member) if key.active]
        if active:
            self._switch_off(member, self._rng.choice(active))

    def _switch_off(self, member: Member, key: FleetKey) -> None:
        iam = self._world.fleet_iam
        self._fleet.core.actor = "people: key deactivated by hand"
        iam.methods()["update_access_key"](UserName=member.user, AccessKeyId=key.key_id, Status="Inactive")
        if key.key_id == self._world.current(member):
            self._count(OFF)
            member.block(OFF, self._fleet.core.seconds)
            self._notice(member)
        else:
            self._count("another key deactivated by hand")

    def _delete(self, member: Member) -> None:
        keys = self._world.keys(member)
        if not keys:
            return
        key = self._rng.choice(keys)
        current = key.key_id == self._world.current(member)
        self._remove(member, key, "people: key deleted by hand")
        self._count(DELETED if current else "another key deleted by hand")
        if current:
            member.block(DELETED, self._fleet.core.seconds)
            self._notice(member)

    def _remove(self, member: Member, key: FleetKey, actor: str) -> None:
        self._fleet.core.actor = actor
        self._world.fleet_iam.methods()["delete_access_key"](UserName=member.user, AccessKeyId=key.key_id)
        key.gone = actor

    def _move_back(self, member: Member) -> None:
        labels = member.secret.labels
        if AWSPREVIOUS not in labels:
            return
        self._count(BACK)
        member.block(BACK, self._fleet.core.seconds)
        self._move(member, labels[AWSPREVIOUS])
        key = self._current_key(member)
        if key is None or not key.active:
            self._notice(member)

    def _cancel(self, member: Member) -> None:
        if not member.secret.rotation_enabled:
            return
        self._count("rotation cancelled")
        member.block(CANCELLED, self._fleet.core.seconds)
        member.secret.rotation_enabled = False
        self._fleet.at(self._next_run(), self._deploy, member)

    def _notice(self, member: Member) -> None:
        """Consumers fail: somebody looks."""
        now = self._fleet.core.seconds
        self._fleet.at(now + lognormal_seconds(self._rng, self._rates.outage_answer), self.mend, member)

    def answer_alarm(self, member: Member) -> None:
        """Somebody reads why a rotation fails, and mends it; not if it has succeeded meanwhile."""
        if member.alarm and not self._fleet.examining:
            member.alarm = False
            self.mend(member)

    def _current_key(self, member: Member) -> FleetKey | None:
        name = self._world.current(member)
        return self._world.fleet_iam.key(name) if name else None

    def mend(self, member: Member) -> None:
        """What a person does who looks at one service account: mend what people broke, then rotate if need be."""
        core = self._fleet.core
        core.seconds = max(core.seconds, member.busy_until)
        self._world.sync(member)
        needs = member.failing_since is not None
        needs = self._mend_label(member) or needs
        if member.failing_since is not None or self._fleet.draining:
            for key in self._world.keys(member):
                if key.key_id in member.by_hand:
                    self._remove(member, key, "people: extra key removed")
        current = self._current_key(member)
        if current is not None and not current.active:
            core.actor = "people"
            self._world.fleet_iam.methods()["update_access_key"](
                UserName=member.user, AccessKeyId=current.key_id, Status="Active"
            )
        member.secret.rotation_enabled = True
        member.mended(core.seconds, UNREADABLE, OFF, BACK, CANCELLED, *([EXTRA] if needs else []))
        if needs or current is None:
            self._make_room(member, current)
            self._count("rotate by hand after mending")
            self._fleet.attempt(member)

    def _make_room(self, member: Member, current: FleetKey | None) -> None:
        """AWSCURRENT's key is gone and two others are there: the error asks for one of them to be deleted.

        No rotation deletes a key then: the one that looks unknown may be the one that a person is about to store.
        """
        keys = self._world.keys(member)
        if current is not None or len(keys) < 2:
            return
        useless = [key for key in keys if key.used is None] or [key for key in keys if not key.active]
        if useless:
            self._count("key deleted because the error asked for it")
            newest = max(useless, key=lambda key: key.created)
            self._remove(member, newest, "people: key deleted because the error asked for it")

    def _mend_label(self, member: Member) -> bool:
        """Put AWSCURRENT where a working key is, if it is not, or if a person moved it back; True: no key works."""
        newest: tuple[float, str, FleetKey] | None = None
        for version_id in member.secret.versions:
            name = self._world.named(member.secret, version_id)
            key = self._world.fleet_iam.key(name) if name else None
            if key is not None and key.active and version_id != member.secret.labels.get("AWSPENDING"):
                newest = max(newest or (0.0, "", key), (key.created, version_id, key), key=lambda entry: entry[:2])
        current = self._current_key(member)
        broken = current is None or not current.active
        if newest is None:
            if self._world.current(member) is None:
                self._restore(member)
            return current is None
        if (broken and (current is None or DELETED in member.blocked or BACK in member.blocked)) or (
            BACK in member.blocked and newest[2] is not current
        ):
            if self._world.current(member) is None:
                self._put(member, member.secret.versions[newest[1]].text or "")
            else:
                self._move(member, newest[1])
        return False

    def _restore(self, member: Member) -> None:
        """No key works and the value is unreadable: the last readable value comes back, for a rotation to replace."""
        for version in sorted(member.secret.versions.values(), key=lambda version: -version.created):
            if self._world.named(member.secret, version.version_id):
                self._put(member, version.text or "")
                return

    def _next_run(self) -> float:
        """When the deploy pipeline runs next (02:00 UTC), and does not fail."""
        every, at = self._fleet.setting.pipeline_days * DAY, 2 * HOUR
        run = ((self._fleet.core.seconds - at) // every + 1) * every + at
        while self._rng.random() < self._rates.pipeline_skipped_share:
            run += every
        return run

    def _deploy(self, member: Member) -> None:
        """A deploy attaches the schedule again where it is gone, and rotates what would break the promise."""
        core = self._fleet.core
        core.seconds = max(core.seconds, member.busy_until)
        if self._world.current(member) is None:
            return  # reported as a mistake; nothing is written
        if not member.secret.rotation_enabled:
            member.secret.rotation_enabled = True
            member.basis = core.seconds
            if member.failing_since is None:
                self._fleet.plan_next(member)
            else:
                self._fleet.attempt(member)
        member.mended(core.seconds, PUT_OFF, CANCELLED)
        if due_reason(self._state(member)) is not None and not self._fleet.draining:
            self._count("rotations because a deploy found them due")
            self._fleet.attempt(member)

    def _state(self, member: Member) -> State:
        """The service account as the deploy reads it."""
        core, setting, secret = self._fleet.core, self._fleet.setting, member.secret
        keys = tuple(
            Key(key.key_id, "Active" if key.active else "Inactive", core.at(key.created))
            for key in self._world.keys(member)
        )
        return State(
            Target(
                member.user,
                secret.name,
                "iam_access_key",
                PROMISE_DAYS,
                setting.grace_period_hours,
                member.user,
                rotation_days=self._world.days_between,
            ),
            core.now(),
            Secret(
                secret.arn,
                secret.name,
                {},
                rotation_enabled=secret.rotation_enabled,
                last_rotated=core.at(member.basis),
                next_rotation=core.at(member.due),
            ),
            User(member.user, "", {}, keys),
            DocumentFacts(member.user, self._world.current(member)),
        )
