# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Settings: the environment must make sense; a tag that does not counts as absent, and is told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import ConfigurationError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.settings import (
    from_environment,
    is_plain_address,
)

ROLE = {"RETIREMENT_ROLE_ARN": "arn:aws:iam::123456789012:role/r"}


def test_defaults() -> None:
    settings = from_environment({})
    assert (settings.grace_period_hours, settings.quiet_hours, settings.max_extension_hours) == (24, 12, 168)
    assert (settings.max_key_age_days, settings.proof_successes, settings.proof_spacing_seconds) == (90, 3, 2.0)
    assert (settings.notify_from, settings.retirement_group) == ("", "key-rotation")
    assert settings.retirement_dead_letter_arn == ""


@pytest.mark.parametrize(
    "name",
    ["GRACE_PERIOD_HOURS", "QUIET_HOURS", "PROOF_SPACING_SECONDS", "RETIREMENT_GROUP", "RETIREMENT_DEAD_LETTER_ARN"],
)
def test_an_empty_variable_counts_as_absent(name: str) -> None:
    assert from_environment({name: ""}) == from_environment({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUIET_HOURS", "5"),
        ("QUIET_HOURS", "x"),
        ("QUIET_HOURS", "12.5"),
        ("MAX_KEY_AGE_DAYS", "0"),
        ("MAX_KEY_AGE_DAYS", "1001"),
        ("GRACE_PERIOD_HOURS", "-1"),
        ("GRACE_PERIOD_HOURS", "1"),
        ("GRACE_PERIOD_HOURS", "11"),
        ("GRACE_PERIOD_HOURS", "2160"),
        ("GRACE_PERIOD_HOURS", "٢٤"),
        ("GRACE_PERIOD_HOURS", "24\n"),
        ("MAX_EXTENSION_HOURS", "-1"),
        ("PROOF_SUCCESSES", "0"),
        ("PROOF_SPACING_SECONDS", "nan"),
        ("PROOF_SPACING_SECONDS", "-1"),
    ],
)
def test_nonsense_in_the_environment_names_the_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        from_environment({name: value})


@pytest.mark.parametrize(
    ("tag", "value", "field", "expected", "ignored"),
    [
        ("grace-period-hours", "0", "grace_period_hours", 0, False),
        ("grace-period-hours", "12", "grace_period_hours", 12, False),
        ("grace-period-hours", "2159", "grace_period_hours", 2159, False),
        ("grace-period-hours", "11", "grace_period_hours", 24, True),
        ("grace-period-hours", "2160", "grace_period_hours", 24, True),
        ("grace-period-hours", "-0", "grace_period_hours", 24, True),
        ("grace-period-hours", "", "grace_period_hours", 24, True),
        ("grace-period-hours", "24h", "grace_period_hours", 24, True),
        ("grace-period-hours", "9999999999", "grace_period_hours", 24, True),
        ("max-key-age-days", "30", "max_key_age_days", 30, False),
        ("max-key-age-days", "0", "max_key_age_days", 90, True),
        ("max-key-age-days", "1001", "max_key_age_days", 90, True),
        ("notify-email", "a.b+c@acmecorp.com", "notify_email", "a.b+c@acmecorp.com", False),
        ("notify-email", "a@b.c,d@e.f", "notify_email", None, True),
        ("notify-email", "A <a@b.c>", "notify_email", None, True),
        ("hold-until", "2026-03-01T00:00:00Z", "hold_until", datetime(2026, 3, 1, tzinfo=UTC), False),
        ("hold-until", "2026-03-01T02:00:00+02:00", "hold_until", datetime(2026, 3, 1, tzinfo=UTC), False),
        ("hold-until", "2026-03-01", "hold_until", datetime(2026, 3, 1, tzinfo=UTC), False),
        ("hold-until", "0001-01-01T00:00:00+23:00", "hold_until", None, True),
        ("hold-until", "soon", "hold_until", None, True),
        ("disposable-keys", "AKIAIOSFODNN7EXAMPLE", "disposable_keys", {"AKIAIOSFODNN7EXAMPLE"}, False),
        (
            "disposable-keys",
            "AKIAIOSFODNN7EXAMPLE, AKIAIOSFODNN7EXAMPL2",
            "disposable_keys",
            {"AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPL2"},
            False,
        ),
        ("disposable-keys", "all", "disposable_keys", set(), False),
    ],
)
def test_tags_win_where_they_are_valid(tag: str, value: str, field: str, expected: Any, ignored: bool) -> None:
    settings = from_environment(ROLE).with_tags({f"key-rotation:{tag}": value})
    assert getattr(settings, field) == expected
    assert settings.ignored_tags == ((f"key-rotation:{tag}",) if ignored else ())


def test_the_age_in_the_tag_bounds_the_grace_period_in_the_tag() -> None:
    tags = {"key-rotation:max-key-age-days": "2", "key-rotation:grace-period-hours": "48"}
    settings = from_environment(ROLE).with_tags(tags)
    assert settings.grace_period_hours == 24
    assert settings.ignored_tags == ("key-rotation:grace-period-hours",)


def test_a_grace_period_needs_a_role_that_ends_it() -> None:
    with pytest.raises(ConfigurationError, match="RETIREMENT_ROLE_ARN"):
        from_environment({}).with_tags({})
    assert from_environment({}).with_tags({"key-rotation:grace-period-hours": "0"}).grace_period_hours == 0


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a@b.c", True),
        ("first.last+tag@sub.acmecorp.com", True),
        ("a@b", False),
        ("", False),
        ("a@b.c ", False),
        ("a@b.c\nBcc: x@y.z", False),
        ("a@b.c;d@e.f", False),
        ("<a@b.c>", False),
        ("a@@b.c", False),
        ("a" * 250 + "@b.c", True),
        ("a" * 251 + "@b.c", False),
    ],
)
def test_plain_addresses(text: str, plain: bool) -> None:
    assert is_plain_address(text) is plain
