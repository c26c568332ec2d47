# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Consumers of a key: what they hold, when they use it, and what fails. Computed over spans, not use by use."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from .simulate_settings import HOUR, KINDS, USES, Kind, Rates

WhyDead = Callable[[str | None], str | None]
"""Why a key does not work (None: it does)."""


def lognormal_seconds(rng: Random, median_and_sigma_hours: tuple[float, float]) -> float:
    """How long a person takes, in seconds."""
    median, sigma = median_and_sigma_hours
    return median * HOUR * math.exp(sigma * rng.gauss(0.0, 1.0))


@dataclass
class Consumer:
    """One program that works with the service account's key.

    Attributes:
        period: seconds between two uses; phase: of the first.
        held: the key that it uses now.
        refresh_at: when it reads the secret next.
        at: until when all is accounted for.
    """

    kind: Kind
    period: float
    phase: float
    held: str | None
    refresh_at: float
    at: float
    failing: bool = False
    repair_of: str | None = None
    spans: dict[str | None, list[float]] = field(default_factory=dict)

    def uses(self, start: float, end: float) -> int:
        """How often it uses the key after start, until end."""
        return math.floor((end - self.phase) / self.period) - math.floor((start - self.phase) / self.period)

    def last_use(self, key_id: str, until: float) -> float | None:
        """When it used this key last, as far as is remembered, not later than until."""
        span = self.spans.get(key_id)
        if span is None:
            return None
        moment = math.floor((min(span[1], until) - self.phase) / self.period) * self.period + self.phase
        return moment if moment > span[0] else None

    def remember(self, start: float, end: float) -> None:
        """It held a working key for a while."""
        span = self.spans.get(self.held)
        if span is None:
            if len(self.spans) >= 3:
                del self.spans[next(iter(self.spans))]
            self.spans[self.held] = [start, end]
        else:
            span[1] = end


@dataclass
class Crowd:
    """All consumers of one service account.

    Attributes:
        outages, failed_uses: by cause; shared by the whole shard.
    """

    consumers: list[Consumer]
    rng: Random
    rates: Rates
    outages: Counter[str]
    failed_uses: Counter[str]

    def sync(self, until: float, current: str | None, why_dead: WhyDead) -> None:
        """Account for the time up to now, through which neither AWSCURRENT nor any key's status has changed."""
        for consumer in self.consumers:
            while consumer.at < until:
                self._span(consumer, until, current, why_dead)

    def _span(self, consumer: Consumer, until: float, current: str | None, why_dead: WhyDead) -> None:
        if consumer.kind.cache_seconds == 0.0:
            consumer.held = current
        start, end = consumer.at, min(until, consumer.refresh_at)
        cause = why_dead(consumer.held)
        if cause is None:
            consumer.failing = False
            consumer.repair_of = None
            if end > start:
                consumer.remember(start, end)
        else:
            end = self._fail(consumer, cause, start, end, current)
        consumer.at = end
        if end >= consumer.refresh_at:
            consumer.held = current
            ttl = consumer.kind.cache_seconds
            # What it reads stays the same until then, so the readings in between need no account.
            consumer.refresh_at = end + ttl * math.floor((until - end) / ttl + 1) if ttl < math.inf else math.inf

    def _fail(self, consumer: Consumer, cause: str, start: float, end: float, current: str | None) -> float:
        """It holds a dead key: count what fails; once it notices, somebody lets it read the secret again."""
        first = (math.floor((start - consumer.phase) / consumer.period) + 1) * consumer.period + consumer.phase
        if first > end:
            return end
        label = f"{cause}: {consumer.kind.name}"
        if not consumer.failing:
            consumer.failing = True
            self.outages[label] += 1
        if consumer.kind.cache_seconds > 0.0 and consumer.held != current and consumer.repair_of != consumer.held:
            consumer.repair_of = consumer.held
            repaired = first + lognormal_seconds(self.rng, self.rates.outage_answer)
            consumer.refresh_at = min(consumer.refresh_at, repaired)
            end = min(end, consumer.refresh_at)
        self.failed_uses[label] += consumer.uses(start, end)
        return end

    def mail(self, now: float, median_and_sigma: tuple[float, float]) -> None:
        """The team got a mail: whoever reads it updates the copies."""
        for consumer in self.consumers:
            if consumer.kind.cache_seconds == math.inf and self.rng.random() >= self.rates.unread_mail_share:
                updated = now + lognormal_seconds(self.rng, median_and_sigma)
                consumer.refresh_at = min(consumer.refresh_at, updated)

    def last_use(self, key_id: str, until: float) -> float | None:
        """When any consumer used this key last."""
        return max((use for one in self.consumers if (use := one.last_use(key_id, until)) is not None), default=None)


def make_consumers(rng: Random, now: float, key_id: str) -> list[Consumer]:
    """The consumers of a new service account."""
    found = []
    for _ in range(rng.choice((1, 1, 2, 2, 3))):
        kind = rng.choices(KINDS, [kind.share for kind in KINDS])[0]
        period = rng.choices([use[0] for use in USES], [use[1] for use in USES])[0]
        wait = kind.cache_seconds if 0.0 < kind.cache_seconds < math.inf else math.inf
        refresh = now + rng.random() * wait if wait < math.inf else math.inf
        found.append(Consumer(kind, period, now - rng.random() * period, key_id, refresh, now))
    return found
