# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What governs one rotation: the function's environment, over which the secret's tags win where they are valid."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from . import names
from .errors import ConfigurationError

_PLAIN_ADDRESS = re.compile(r"[^\s@,;<>()\"\[\]\\:]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True)
class Settings:
    """The settings of one secret's rotation; each field carries its unit in its name."""

    notify_from: str
    grace_period_hours: int
    quiet_hours: int
    max_extension_hours: int
    max_key_age_days: int
    proof_successes: int
    proof_spacing_seconds: float
    retirement_role_arn: str
    retirement_group: str
    retirement_dead_letter_arn: str
    """The queue for retirements that the scheduler could not ask for; empty for none."""
    notify_email: str | None = None
    disposable_keys: frozenset[str] = frozenset()
    hold_until: datetime | None = None
    ignored_tags: tuple[str, ...] = ()
    """Names of tags whose values make no sense: they count as absent, and are logged."""

    def with_tags(self, tags: Mapping[str, str]) -> Settings:
        """These settings with a secret's own tags over them.

        Raises:
            ConfigurationError: there is a grace period, but no role to end it with.
        """
        ignored: list[str] = []

        def number(tag: str, least: int, below: int, default: int, also: int | None = None) -> int:
            text = tags.get(tag)
            if text is None:
                return default
            value = int(text) if re.fullmatch(r"[0-9]{1,6}", text) else -1
            if value == also or least <= value < below:
                return value
            ignored.append(tag)
            return default

        max_age = number(names.TAG_MAX_KEY_AGE_DAYS, 1, 1001, self.max_key_age_days)
        grace = number(names.TAG_GRACE_PERIOD_HOURS, self.quiet_hours, max_age * 24, self.grace_period_hours, also=0)
        address = tags.get(names.TAG_NOTIFY_EMAIL)
        if address is not None and not is_plain_address(address):
            ignored.append(names.TAG_NOTIFY_EMAIL)
            address = None
        hold = tags.get(names.TAG_HOLD_UNTIL)
        hold_until = parse_time(hold)
        if hold is not None and hold_until is None:
            ignored.append(names.TAG_HOLD_UNTIL)
        if grace and not self.retirement_role_arn:
            raise ConfigurationError(
                "RETIREMENT_ROLE_ARN of the function is not set: after a grace period the previous key could not be "
                "retired; set it, or a grace period of 0"
            )
        return replace(
            self,
            max_key_age_days=max_age,
            grace_period_hours=grace,
            notify_email=address,
            disposable_keys=frozenset(re.findall(r"[A-Z0-9]{16,128}", tags.get(names.TAG_DISPOSABLE_KEYS, ""))),
            hold_until=hold_until,
            ignored_tags=tuple(ignored),
        )


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the function's environment variables.

    Raises:
        ConfigurationError: a value that makes no sense, naming the variable and what it may be.
    """

    def number(name: str, default: int, least: int, most: int) -> int:
        text = environment.get(name, "") or str(default)
        value = int(text) if re.fullmatch(r"[0-9]{1,6}", text) else -1
        if not least <= value <= most:
            raise ConfigurationError(f"{name} of the function must be a whole number from {least} to {most}")
        return value

    quiet = number("QUIET_HOURS", names.QUIET_HOURS, names.LEAST_QUIET_HOURS, 1000)
    max_age = number("MAX_KEY_AGE_DAYS", names.MAX_KEY_AGE_DAYS, 1, 1000)
    grace = number("GRACE_PERIOD_HOURS", names.GRACE_PERIOD_HOURS, 0, max_age * 24 - 1)
    if 0 < grace < quiet:
        raise ConfigurationError(f"GRACE_PERIOD_HOURS of the function must be 0 or at least QUIET_HOURS ({quiet})")
    spacing = environment.get("PROOF_SPACING_SECONDS", "") or str(names.PROOF_SPACING_SECONDS)
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]+)?", spacing):
        raise ConfigurationError("PROOF_SPACING_SECONDS of the function must be a number of seconds, e.g. 2")
    return Settings(
        notify_from=environment.get("NOTIFY_FROM", ""),
        grace_period_hours=grace,
        quiet_hours=quiet,
        max_extension_hours=number("MAX_EXTENSION_HOURS", names.MAX_EXTENSION_HOURS, 0, 24_000),
        max_key_age_days=max_age,
        proof_successes=number("PROOF_SUCCESSES", names.PROOF_SUCCESSES, 1, 100),
        proof_spacing_seconds=float(spacing),
        retirement_role_arn=environment.get("RETIREMENT_ROLE_ARN", ""),
        retirement_group=environment.get("RETIREMENT_GROUP", "") or names.RETIREMENT_GROUP,
        retirement_dead_letter_arn=environment.get("RETIREMENT_DEAD_LETTER_ARN", ""),
    )


def is_plain_address(text: str) -> bool:
    """Say whether text is one mail address and nothing else (no display name, no list)."""
    return len(text) <= 254 and _PLAIN_ADDRESS.fullmatch(text) is not None


def parse_time(text: str | None) -> datetime | None:
    """Read ISO 8601, in UTC where no offset is given; None for anything else."""
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter: a year that the offset carries out of the calendar
        return None
