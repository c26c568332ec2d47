# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The event queue of one AWS account: Secrets Manager's schedule and retries, the retirements, the samples."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import RotationError
from tests.unit.memory.core import START, Crash
from tests.unit.memory.scheduler import ScheduleState
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPENDING
from tests.unit.memory.world import STEPS

from .simulate_consumers import lognormal_seconds
from .simulate_people import People
from .simulate_settings import DAY, HOUR, YEAR, Rates, Setting
from .simulate_world import FleetWorld, Member

SAMPLE_DAYS = 7
BIN_DAYS = 0.25
BINS = 480
"""Ages of 120 days and more fall into the last bin."""
DRAIN_DAYS = 14
"""After the end nothing new happens for so long; then each secret must take one more rotation."""
LAST_DAYS = 3
"""So long Secrets Manager may try, as the age rule allows it to."""
WEDGED_DAYS = 10


@dataclass
class Result:
    """What one AWS account's simulation gives; adding up is the whole fleet's."""

    counts: Counter[str] = field(default_factory=Counter)
    outages: Counter[str] = field(default_factory=Counter)
    failed_uses: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    weather: Counter[str] = field(default_factory=Counter)
    ages: list[list[int]] = field(default_factory=list)
    histories: list[str] = field(default_factory=list)
    wedged: list[str] = field(default_factory=list)
    oldest_days: float = 0.0

    def add(self, other: Result) -> None:
        """Take another account's figures in."""
        for name in ("counts", "outages", "failed_uses", "violations", "weather"):
            getattr(self, name).update(getattr(other, name))
        if not self.ages:
            self.ages = [[0] * BINS for _ in other.ages]
        for mine, theirs in zip(self.ages, other.ages, strict=True):
            for index, number in enumerate(theirs):
                mine[index] += number
        self.histories += other.histories
        self.wedged += other.wedged
        self.oldest_days = max(self.oldest_days, other.oldest_days)


class Fleet:
    """One AWS account with its service accounts, from their enrolment to the end."""

    def __init__(self, setting: Setting, rates: Rates, members: int, years: float, seed: str) -> None:
        self.rng = Random(seed)
        self.setting = setting
        self.rates = rates
        self.years = years
        self.world = FleetWorld(self.rng, rates, setting, years)
        self.core = self.world.weather
        self.result = Result(
            self.world.counts, self.world.outages, self.world.failed_uses, self.world.violations, self.core.happened
        )
        self.orphans: set[str] = set()
        self.draining = False  # nobody breaks anything any more
        self.examining = False  # nor does anybody help
        self._queue: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._number = 0
        self.world.fleet_scheduler.armed = self._arm
        self.people = People(self)
        for number in range(members):
            self.at(START + self.rng.random() * rates.enrolment_days * DAY, self._enrol, number)
        for week in range(math.ceil(years * YEAR / DAY / SAMPLE_DAYS)):
            self.at(START + week * SAMPLE_DAYS * DAY, self._sample)

    def at(self, moment: float, act: Callable[..., None], *arguments: Any) -> None:
        """Let something happen then."""
        self._number += 1
        heapq.heappush(self._queue, (moment, self._number, act, arguments))

    def run(self) -> Result:
        """All of it."""
        end = START + self.years * YEAR
        self._run_until(end)
        self._count_keys("at the end")
        self._drain(end)
        self.result.wedged = [member.wedged for member in self.world.members.values() if member.wedged]
        self.result.histories = self.world.histories
        self.result.oldest_days = self.world.oldest_days
        self.world.counts["orphan keys ever"] = len(self.orphans)
        return self.result

    def _run_until(self, end: float) -> None:
        queue = self._queue
        while queue and queue[0][0] <= end:
            moment, _, act, arguments = heapq.heappop(queue)
            self.core.seconds = moment
            act(*arguments)
        self.core.seconds = end

    def _count_keys(self, when: str) -> None:
        """Judge what is Active now, and count the keys that nobody knows."""
        now = self.core.seconds
        for member in self.world.members.values():
            self.world.sync(member)
            for key in self.world.keys(member):
                if key.active:
                    self.world.judge(key, now)
            self.world.counts[f"orphan keys {when}"] += len(self._orphans_of(member))

    def _drain(self, end: float) -> None:
        """The weather clears, people mend what they broke; then each secret rotates once more, with nobody's help."""
        self.draining = True
        self.core.calm = True
        for member in self.world.members.values():
            self.core.seconds = max(end, member.busy_until)
            self.people.mend(member)
        self._run_until(end + DRAIN_DAYS * DAY)
        self.examining = True
        for member in self.world.members.values():
            self.core.seconds = end + DRAIN_DAYS * DAY
            self.attempt(member)
        self._run_until(end + (DRAIN_DAYS + LAST_DAYS) * DAY)
        for member in self.world.members.values():
            if member.failing_since is not None:
                member.wedged = f"{member.user}: {member.last_error[:400]}"
            self.world.counts["orphan keys after the last rotation"] += len(self._orphans_of(member))

    def _enrol(self, number: int) -> None:
        rates = self.rates
        age = min(900.0, rates.old_key_median_days * math.exp(rates.old_key_sigma * self.rng.gauss(0.0, 1.0)))
        member = self.world.enrol_member(number, age)
        member.basis = self.core.seconds
        self.plan_next(member)
        self.people.draw_acts(member, START + self.years * YEAR)
        self.attempt(member)

    def plan_next(self, member: Member) -> None:
        """Secrets Manager's next date: any moment of the UTC day that is so many days after the basis."""
        day = member.basis // DAY + self.world.days_between
        member.due = (day + 1) * DAY
        self._timer(member, (day + self.rng.random()) * DAY)

    def _timer(self, member: Member, moment: float) -> None:
        member.timer += 1
        self.at(moment, self._fire, member, member.timer)

    def _fire(self, member: Member, timer: int) -> None:
        if timer != member.timer or not member.secret.rotation_enabled:
            return
        if not (self.draining and member.failing_since is None):
            self.attempt(member)

    def attempt(self, member: Member) -> bool:
        """One attempt at a rotation, by the schedule, a retry or a person: say whether it succeeded."""
        core = self.core
        core.seconds = max(core.seconds, member.busy_until)
        self.world.counts["attempts"] += 1
        token = self._token(member)
        try:
            for step in STEPS:
                event = {
                    "Step": step,
                    "SecretId": member.secret.arn,
                    "ClientRequestToken": token,
                    "RotationToken": f"rotation-token-of-{token}",
                }
                self.world.serve(member, event)
                if not core.calm and self.rng.random() * self.rates.steps_per_second_delivery < 1.0:
                    self.world.counts["steps delivered twice"] += 1
                    self.world.serve(member, event)
            done = self.world.secrets.end_rotation(member.secret, token)
            member.last_error = "finishSecret did not move AWSCURRENT"
        except (RotationError, Crash) as problem:
            done = False
            member.last_error = f"{type(problem).__name__}: {problem}"
        member.busy_until = core.seconds
        if done:
            self._succeeded(member)
        else:
            self._failed(member, token)
        return done

    def _token(self, member: Member) -> str:
        """The version that the attempt is about: the one that was left pending, or a new one."""
        labels = member.secret.labels
        pending = labels.get(AWSPENDING)
        if pending is not None:
            same = self.rng.random() >= self.rates.new_token_share or pending == labels[AWSCURRENT]
            if same:
                return str(pending)
            del labels[AWSPENDING]
        return str(self.world.secrets.start_rotation(member.secret))

    def _succeeded(self, member: Member) -> None:
        counts, now = self.world.counts, self.core.seconds
        counts["rotations"] += 1
        if member.failures:
            counts["rotations that needed a retry"] += 1
        member.failing_since, member.failures, member.alarm, member.last_error = None, 0, False, ""
        member.mended(now)
        member.basis = now
        self.plan_next(member)

    def _failed(self, member: Member, token: str) -> None:
        now = self.core.seconds
        if member.failing_since is None:
            member.failing_since = now
        member.failures += 1
        self.world.counts[f"failed attempts: {member.last_error.split(':')[0]}"] += 1
        self.orphans |= self._orphans_of(member)
        if now - member.failing_since > WEDGED_DAYS * DAY and not member.blocked:
            member.wedged = f"{member.user}: failing for {WEDGED_DAYS} days: {member.last_error[:400]}"
        waits = self.rates.retry_seconds
        if member.failures % (len(waits) + 1):
            self._timer(member, now + waits[member.failures % (len(waits) + 1) - 1])
            return
        self._timer(member, (now // DAY + 1 + self.rng.random()) * DAY)
        if not member.alarm:
            member.alarm = True
            self.world.counts["alarms: a rotation failed four times"] += 1
            self.at(now + lognormal_seconds(self.rng, self.rates.alarm_answer), self.people.answer_alarm, member)

    def _orphans_of(self, member: Member) -> set[str]:
        """Keys of the user that no version of the secret names, and no person made."""
        known = {self.world.named(member.secret, version) for version in member.secret.versions} | member.by_hand
        return {key.key_id for key in self.world.keys(member)} - {name for name in known if name}

    def _arm(self, name: tuple[str, str], schedule: ScheduleState) -> None:
        self.at(schedule.next_firing, self._retire, name, schedule)

    def _retire(self, name: tuple[str, str], schedule: ScheduleState) -> None:
        """A retirement schedule fires, every six hours, until the function ends it."""
        if self.world.fleet_scheduler.schedules.get(name) is not schedule:
            return
        counts = self.world.counts
        if self.rng.random() * self.rates.firings_per_lost_firing < 1.0 and not self.core.calm:
            counts["retirement firings lost"] += 1
        else:
            event = schedule.event
            member = self.world.by_arn[event["SecretId"]]
            self.core.seconds = max(self.core.seconds, member.busy_until)
            try:
                outcome = self.world.serve(member, event)
            except (RotationError, Crash):
                outcome = "failed"
            counts[f"retirement: {outcome.replace('_', ' ')}"] += 1
            member.busy_until = self.core.seconds
        schedule.next_firing += schedule.hours * HOUR
        self._arm(name, schedule)

    def _sample(self) -> None:
        """The ages of all Active keys, as a histogram."""
        ages = [0] * BINS
        now = self.core.seconds
        for user in self.world.iam.users.values():
            for key in user.keys:
                if key.active:
                    ages[min(BINS - 1, int((now - key.created) / DAY / BIN_DAYS))] += 1
        self.result.ages.append(ages)
