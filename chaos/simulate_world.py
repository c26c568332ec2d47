# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One AWS account of the simulation: the real functions in it, and its service accounts with their consumers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.schedule import standard_days
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation import handler as rotation_handler
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.runtime import Runtime
from tests.unit.memory.secretsmanager import AWSCURRENT, SecretsManager, SecretState
from tests.unit.memory.world import Context, World, document

from .simulate_aws import FleetClients, FleetIam, FleetKey, FleetScheduler, FleetSes, Weather
from .simulate_consumers import Crowd, make_consumers
from .simulate_settings import DAY, HOUR, PROMISE_DAYS, Rates, Setting

MOST_HISTORIES = 20
"""Of our own and of people's each."""
OURS = "ours"
PROWLER_FAILS = "keys past 91 days, which Prowler fails"
FUNCTION = "rotation-iam_access_key"
PUT_BACK = "people: an almost too old key made current again"
PATIENCE_DAYS = 1.5
"""An act of people excuses a key only if it stood in the way for longer: less must fit into the days for retries."""


@dataclass
class Member:
    """One service account.

    Attributes:
        basis: what Secrets Manager counts the next rotation from (seconds); due: when that rotation comes.
        timer: only the timer with this number still counts.
        token: of an attempt that failed and is tried again; failures: in a row.
        failing_since: since when no attempt succeeded; blocked: acts of people that are not mended yet, with times.
        by_hand: keys that people made; put_back: keys that they made AWSCURRENT's again, and when.
        busy_until: its last invocation ended then.
        wedged: why its next rotation never succeeds; None: it does.
    """

    number: int
    user: str
    secret: SecretState
    crowd: Crowd
    enrolled: float
    basis: float = 0.0
    due: float = 0.0
    timer: int = 0
    token: str | None = None
    failures: int = 0
    failing_since: float | None = None
    blocked: dict[str, float] = field(default_factory=dict)
    blocks: list[tuple[str, float, float]] = field(default_factory=list)
    by_hand: set[str] = field(default_factory=set)
    put_back: dict[str, float] = field(default_factory=dict)
    busy_until: float = 0.0
    last_error: str = ""
    alarm: bool = False
    wedged: str | None = None

    def block(self, act: str, now: float) -> None:
        """A person did something that may keep the rotation from going on."""
        self.blocked.setdefault(act, now)

    def mended(self, now: float, *acts: str) -> None:
        """It is mended; without names, all of it."""
        for act in acts or tuple(self.blocked):
            if act in self.blocked:
                self.blocks.append((act, self.blocked.pop(act), now))


class FleetSecrets(SecretsManager):
    """Secrets Manager that says when AWSCURRENT is about to move."""

    before_move: Callable[[SecretState], None] = staticmethod(lambda secret: None)

    def _update_secret_version_stage(
        self,
        SecretId: str,
        VersionStage: str,
        MoveToVersionId: str | None = None,
        RemoveFromVersionId: str | None = None,
    ) -> dict[str, Any]:
        if VersionStage == AWSCURRENT:
            self.before_move(self.secrets[SecretId])
        return super()._update_secret_version_stage(SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId)


class FleetWorld(World):
    """All of one AWS account; see World."""

    def __init__(self, rng: Random, rates: Rates, setting: Setting, years: float) -> None:
        super().__init__(
            GRACE_PERIOD_HOURS=str(setting.grace_period_hours),
            QUIET_HOURS=str(setting.quiet_hours),
            MAX_EXTENSION_HOURS=str(setting.max_extension_hours),
        )
        self.rng = rng
        self.rates = rates
        self.setting = setting
        core = Weather(rng=rng, rates=rates)
        core.plan(years)
        self.core = self.weather = core
        self.iam = self.fleet_iam = FleetIam(core)
        self.secrets = self.fleet_secrets = FleetSecrets(core)
        self.scheduler = self.fleet_scheduler = FleetScheduler(core)
        self.ses = self.fleet_ses = FleetSes(core=core)
        self.members: dict[str, Member] = {}
        self.by_arn: dict[str, Member] = {}
        self.acting: Member | None = None
        self.counts: Counter[str] = Counter()
        self.outages: Counter[str] = Counter()
        self.failed_uses: Counter[str] = Counter()
        self.violations: Counter[str] = Counter()
        self.histories: list[str] = []
        self.oldest_days = 0.0
        self._names: dict[str, str | None] = {}
        self.fleet_iam.before_change = lambda user: self.sync(self.members[user])
        self.fleet_iam.last_use = lambda user, key_id, until: self.members[user].crowd.last_use(key_id, until)
        self.fleet_iam.after_off = self._off
        self.fleet_secrets.before_move = lambda secret: self.sync(self.by_arn[secret.arn])
        self.fleet_ses.arrived = self._mail
        runtime = Runtime(
            clients=FleetClients(core, self),
            environment=self.environment,
            clock=lambda: core.seconds,
            sleep=core.sleep,
            emit=self._emit,
        )
        self._handler = rotation_handler.make_handler(rotation_handler.iam_access_key, runtime)

    def serve(self, member: Member, event: dict[str, str]) -> str:
        """Run the function on an event: its outcome. Raises what it raises, and Crash."""
        core = self.weather
        self.acting = member
        core.actor = "retirement" if "Action" in event else "rotation"
        core.deadline = core.seconds + self.timeout_seconds
        context = Context(core, FUNCTION, self.timeout_seconds, core.seconds)
        try:
            answer: dict[str, str] = self._handler(event, context)
        finally:
            core.actor = "people"
            self.acting = None
        return answer["outcome"]

    def enrol_member(self, number: int, age_days: float) -> Member:
        """A service account as deploy leaves it, with consumers that hold its old key."""
        now = self.core.seconds
        name = f"service-{number:05d}"
        user = self.fleet_iam.add_user(name)
        key = self.fleet_iam.add_key(name, age_days)
        secret = self.secrets.add(f"/acmecorp/{name}/credentials", document(name, key))
        next(iter(secret.versions.values())).created = key.created
        user.tags = {
            "key-rotation:secret": secret.arn,
            "key-rotation:since": self.core.now().isoformat(),
            "key-rotation:function": FUNCTION,
        }
        consumers = make_consumers(self.rng, now, key.key_id)
        crowd = Crowd(consumers, self.rng, self.rates, self.outages, self.failed_uses)
        member = Member(number, name, secret, crowd, now, busy_until=now)
        self.members[name] = self.by_arn[secret.arn] = member
        return member

    def named(self, secret: SecretState, version_id: str) -> str | None:
        """The key that a version names; None for a version without one."""
        if version_id not in self._names:
            text = secret.versions[version_id].text
            if text is None:
                return None
            try:
                self._names[version_id] = json.loads(text).get("AWS_ACCESS_KEY_ID")
            except ValueError:
                self._names[version_id] = None
        return self._names[version_id]

    def current(self, member: Member) -> str | None:
        """The key that AWSCURRENT names."""
        return self.named(member.secret, member.secret.labels[AWSCURRENT])

    def keys(self, member: Member) -> list[FleetKey]:
        """The user's keys."""
        return [key for key in self.fleet_iam.keys(member.user) if isinstance(key, FleetKey)]

    def sync(self, member: Member) -> None:
        """Account for the consumers up to now; called before whatever changes things for them."""
        member.crowd.sync(self.core.seconds, self.current(member), lambda key_id: self._why_dead(member, key_id))

    def _why_dead(self, member: Member, key_id: str | None) -> str | None:
        if key_id is None:
            return "people: secret made unreadable"
        entry = self.fleet_iam.index.get(key_id)
        if entry is not None and entry[1].active and entry[1].deleted is None:
            return None
        gone = entry[1].gone if entry is not None else "no such key"
        if gone in ("rotation", "retirement") and key_id == self.current(member):
            return "people: label moved back onto a retired key"
        return {"rotation": "old key off at the rotation", "retirement": "old key retired"}.get(gone, gone)

    def _off(self, key: FleetKey) -> None:
        """A key stopped being Active: how old was it?"""
        self.judge(key, self.core.seconds)

    def judge(self, key: FleetKey, now: float) -> None:
        """Count a key that was Active until now, if it ever passed the promise."""
        if self.weather.calm:
            return  # after the end nothing rotates for a while
        user, _ = self.fleet_iam.index[key.key_id]
        member = self.members[user.name]
        age = (now - key.created) / DAY
        if key.created < member.enrolled:
            if age > PROMISE_DAYS:
                self.violations["too old already when enrolled"] += 1
            return
        reason = self._excuse(member, key, now) if age > PROMISE_DAYS else OURS
        if reason == OURS:
            self.oldest_days = max(self.oldest_days, age)
        if age <= PROMISE_DAYS:
            return
        self.violations[reason] += 1
        if reason == OURS and age >= PROMISE_DAYS + 1:
            self.counts[PROWLER_FAILS] += 1
        same = sum((f", {OURS};" in history) == (reason == OURS) for history in self.histories)
        if same < MOST_HISTORIES:
            self.histories.append(f"{member.user} {key.key_id}: {age:.2f} days, {reason}; {_history(member, key)}")

    def _excuse(self, member: Member, key: FleetKey, now: float) -> str:
        """Whose doing it was: people's, where an act of theirs stood in the way past the days kept for retries."""
        if key.key_id in member.by_hand:
            return "people: a key that they made by hand"
        due = key.created + self.days_between * DAY
        passed = key.created + PROMISE_DAYS * DAY
        open_acts = [(act, since, now) for act, since in member.blocked.items()]
        worst = max(
            ((min(end, passed) - max(start, due), act) for act, start, end in member.blocks + open_acts),
            default=(0.0, ""),
        )
        if worst[0] > PATIENCE_DAYS * DAY:
            return f"people: {worst[1]}"
        return PUT_BACK if self._put_back_too_late(member, key, now) else OURS

    def _put_back_too_late(self, member: Member, key: FleetKey, now: float) -> bool:
        """Say whether people made a key current again with too little of its promise left, and it went soon after.

        From then on it takes a day until a deploy notices, a rotation, and the grace period, which is given in full.
        """
        moment = member.put_back.get(key.key_id)
        if moment is None:
            return False
        needed = DAY + self.setting.grace_period_hours * HOUR
        left = key.created + PROMISE_DAYS * DAY - moment
        return left < needed and now - moment < needed + PATIENCE_DAYS * DAY

    @property
    def days_between(self) -> int:
        """Days between rotations: as set, or by the age rule."""
        if self.setting.rotation_days is not None:
            return self.setting.rotation_days
        return int(standard_days(PROMISE_DAYS, self.setting.grace_period_hours))

    def _mail(self, subject: str) -> None:
        assert self.acting is not None
        now = self.core.seconds
        if subject.endswith("rotated"):
            self.counts["mails: rotated"] += 1
            self.acting.crowd.mail(now, self.rates.copy_update)
        elif subject.endswith("in use"):
            self.counts["mails: old key still in use"] += 1
            self.acting.crowd.mail(now, self.rates.reminder_update)
        else:
            self.counts["mails: old key retired"] += 1

    def _emit(self, line: Any) -> None:
        if "SlotFreed" in line:
            self.counts[f"slot freed: {line['rule'].replace('_', ' ')}"] += 1
        elif "RetirementBlocked" in line:
            self.counts["retirements held back: the current key was not Active"] += 1


def _history(member: Member, key: FleetKey) -> str:
    """What people did while the key lived, and how its rotation went; times in days of the key's age."""

    def age(moment: float) -> str:
        return f"{(moment - key.created) / DAY:.2f}"

    acts = [f"{act} at {age(start)}, mended at {age(end)}" for act, start, end in member.blocks if end > key.created]
    acts += [f"{act} at {age(start)}, not mended" for act, start in member.blocked.items()]
    failing = "" if member.failing_since is None else f"failing since {age(member.failing_since)}"
    return "; ".join(part for part in (*acts, failing, member.last_error[:300]) if part)
