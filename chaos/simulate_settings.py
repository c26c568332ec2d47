# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the simulation assumes, each figure with its unit; the table prints them from here."""

from __future__ import annotations

import math
from dataclasses import dataclass

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
YEAR = 365 * DAY
PROMISE_DAYS = 90
"""max_key_age_days: no Active key may be older."""


@dataclass(frozen=True)
class Setting:
    """What a user may set.

    Attributes:
        rotation_days: days between rotations; None: by the age rule.
        pipeline_days: a deploy runs every so many days; it asks of each key whether it would break the promise.
    """

    name: str
    grace_period_hours: int = 24
    quiet_hours: int = 12
    max_extension_hours: int = 168
    rotation_days: int | None = None
    pipeline_days: int = 1


DEFAULT = Setting("default")
OTHERS = (
    Setting("grace 0", grace_period_hours=0),
    Setting("grace 72 h, quiet 24 h", grace_period_hours=72, quiet_hours=24),
    Setting("every 89 days", rotation_days=89),
    Setting("deploy once a week", pipeline_days=7),
)


@dataclass(frozen=True)
class Rates:
    """How often things go wrong. "calls" are AWS calls of our function."""

    # AWS and the network
    latency_seconds: float = 0.08
    calls_per_crash: int = 5_000
    calls_per_lost_answer: int = 2_000
    calls_per_server_error: int = 1_000
    steps_per_second_delivery: int = 2_000
    firings_per_lost_firing: int = 1_000
    outages_per_year: float = 4.0
    outage_hours: tuple[float, float] = (0.5, 8.0)
    mails_per_refused_mail: int = 50
    iam_calls_per_second: float = 10.0
    iam_burst: float = 20.0
    busy_hours_share: float = 0.02
    busy_left_share: float = 0.02
    slow_key_median_seconds: float = 5.0
    slow_key_sigma: float = 1.0
    very_slow_key_share: float = 0.002
    very_slow_key_seconds: tuple[float, float] = (60.0, 1200.0)
    flicker_seconds: float = 60.0
    flicker_share: float = 0.1
    last_used_delay_hours: float = 4.0
    # Secrets Manager's retries (unpublished): then once in each following day's window
    retry_seconds: tuple[float, ...] = (300.0, 900.0, 3600.0)
    new_token_share: float = 0.2
    # people, per service account and year
    edits: float = 0.5
    broken_edits: float = 0.01
    extra_keys: float = 0.05
    deactivations: float = 0.02
    deletions: float = 0.01
    labels_back: float = 0.02
    cancellations: float = 0.02
    # people's answers: median hours and sigma of a lognormal
    alarm_answer: tuple[float, float] = (6.0, 1.0)
    outage_answer: tuple[float, float] = (1.0, 1.0)
    copy_update: tuple[float, float] = (6.0, 1.2)
    reminder_update: tuple[float, float] = (3.0, 1.0)
    unread_mail_share: float = 0.08
    pipeline_skipped_share: float = 0.05
    # enrolment
    enrolment_days: float = 60.0
    old_key_median_days: float = 150.0
    old_key_sigma: float = 0.8


@dataclass(frozen=True)
class Kind:
    """A way in which consumers hold a key.

    Attributes:
        cache_seconds: read again after so long; 0: for each use; infinite: a copy, updated by hand after the mail.
    """

    name: str
    cache_seconds: float
    share: float


KINDS = (
    Kind("reads each time", 0.0, 0.30),
    Kind("cache 1 h", HOUR, 0.25),
    Kind("cache 12 h", 12 * HOUR, 0.15),
    Kind("cache 24 h", DAY, 0.10),
    Kind("cache 7 days", 7 * DAY, 0.05),
    Kind("copy by hand", math.inf, 0.15),
)
USES = ((MINUTE, 0.4), (HOUR, 0.3), (DAY, 0.2), (7 * DAY, 0.1))
"""How often a consumer uses the key (seconds between two uses) and which share of the consumers."""


def assumptions(rates: Rates) -> list[tuple[str, str]]:
    """The assumptions in words: what, and its figure."""
    low, high = rates.outage_hours
    return [
        ("crash of the function, before or after an effect", f"1 in {rates.calls_per_crash:,} calls"),
        ("answer lost after the effect (time-out 5 s)", f"1 in {rates.calls_per_lost_answer:,} calls"),
        ("server error (500) without effect", f"1 in {rates.calls_per_server_error:,} calls"),
        ("step delivered twice by Lambda", f"1 in {rates.steps_per_second_delivery:,} steps"),
        ("retirement firing lost", f"1 in {rates.firings_per_lost_firing:,}"),
        ("IAM or Secrets Manager down in the Region", f"{rates.outages_per_year:g} a year, {low:g} to {high:g} h"),
        ("IAM token bucket of an AWS account", f"{rates.iam_calls_per_second:g} calls/s, burst {rates.iam_burst:g}"),
        (
            "hours in which other callers leave IAM little",
            f"{rates.busy_hours_share:.0%} of hours, "
            f"{rates.iam_calls_per_second * rates.busy_left_share:g} calls/s left",
        ),
        (
            "a new key works (and is listed) after",
            f"median {rates.slow_key_median_seconds:g} s, sigma {rates.slow_key_sigma:g}; "
            f"{rates.very_slow_key_share:.1%}: 1 to 20 min",
        ),
        ("and then flickers", f"{rates.flicker_share:.0%} of questions refused for {rates.flicker_seconds:g} s"),
        ("last use is reported late by", f"{rates.last_used_delay_hours:g} h"),
        ("SES refuses a mail", f"1 in {rates.mails_per_refused_mail}"),
        (
            "Secrets Manager retries a failed rotation after",
            ", ".join(f"{wait / MINUTE:g}" for wait in rates.retry_seconds)
            + f" min, then once a day; {rates.new_token_share:.0%} of retries with a new token",
        ),
        (
            "people, per service account and year",
            f"edit of the secret {rates.edits:g} (broken {rates.broken_edits:g}), extra key by hand "
            f"{rates.extra_keys:g}, key deactivated {rates.deactivations:g}, deleted {rates.deletions:g}, label moved "
            f"back {rates.labels_back:g}, rotation cancelled {rates.cancellations:g}",
        ),
        ("a failed rotation's alarm is answered after", _lognormal(rates.alarm_answer)),
        ("a consumer's outage is mended after", _lognormal(rates.outage_answer)),
        (
            "a copy by hand is updated after the mail",
            f"{_lognormal(rates.copy_update)}; {rates.unread_mail_share:.0%} of mails unread; "
            f"after a reminder {_lognormal(rates.reminder_update)}",
        ),
        ("the deploy pipeline runs every day", f"{rates.pipeline_skipped_share:.0%} of its runs fail"),
        ("consumers per service account", "1 to 3: " + ", ".join(f"{kind.name} {kind.share:.0%}" for kind in KINDS)),
        ("a consumer uses the key", "each minute 40%, hour 30%, day 20%, week 10%; never reads again on an error"),
        (
            "fleet at the start",
            f"enrolled over {rates.enrolment_days:g} days, key ages of median {rates.old_key_median_days:g} days",
        ),
    ]


def _lognormal(median_and_sigma: tuple[float, float]) -> str:
    median, sigma = median_and_sigma
    return f"median {median:g} h, 1 in 20 after {median * math.exp(1.645 * sigma):.0f} h"
