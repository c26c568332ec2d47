# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Making room, rule (d): the key of an abandoned attempt goes, once no attempt at it can be alive."""

from __future__ import annotations

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.names import GIVEN_UP
from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import (
    AWSCURRENT,
    AWSPENDING,
    AWSPREVIOUS,
    SecretState,
    VersionState,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import World, document
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.room import (
    HOUR,
    USER,
    extra_key,
    frees,
    version_naming,
)


@pytest.fixture
def world() -> World:
    """Enrolled a day ago, with one old key."""
    world = World()
    world.enrol(USER)
    world.core.sleep(24 * HOUR)
    return world


@pytest.fixture
def secret(world: World) -> SecretState:
    return next(iter(world.secrets.secrets.values()))


@pytest.mark.parametrize(
    ("followed", "age_hours", "used_by", "used_after", "rule"),
    [
        (121, 20, None, 0, "is_abandoned"),
        (121, 20, "sts", 119, "is_abandoned"),
        (121, 20, "sts", 121, None),  # by a retry, or by a consumer after a roll-back
        (121, 20, "bedrock", 20, None),
        (119, 20, None, 0, None),
        (121, 3000, None, 0, None),
        (None, 20, None, 0, None),
    ],
)
def test_rule_d_the_key_of_an_abandoned_attempt(
    world: World,
    secret: SecretState,
    followed: float | None,
    age_hours: float,
    used_by: str | None,
    used_after: float,
    rule: str | None,
) -> None:
    """followed: seconds since the next rotation was started; used_after: seconds since its own was."""
    key = extra_key(world, age_hours)
    version_naming(world, secret, key, HOUR)
    if used_by:
        key.used, key.used_by = world.core.seconds - HOUR + used_after, used_by
    if followed is not None:
        world.secrets.start_rotation(secret)
        secret.versions[secret.labels.pop(AWSPENDING)].created -= followed
    assert frees(world, secret) == rule


@pytest.mark.parametrize(("used_after", "rule"), [(119, "is_abandoned"), (121, None)])
def test_rule_d_a_key_that_a_retry_made_was_tested_by_that_retry(
    world: World, secret: SecretState, used_after: float, rule: str | None
) -> None:
    """Found by the simulation: the first attempt made no key, so that the key is younger than its version.

    The test was taken for a consumer's use: the key blocked the slot for a grace period, which may be longer than all
    the time that is kept for retries.
    """
    key = extra_key(world, 0.5)
    version_naming(world, secret, key, HOUR)
    key.used, key.used_by = key.created + used_after, "sts"
    world.secrets.start_rotation(secret)
    secret.versions[secret.labels.pop(AWSPENDING)].created -= 121
    assert frees(world, secret) == rule


@pytest.mark.parametrize(
    ("key", "label", "rule"),
    [
        ("another", None, "is_abandoned"),
        ("none", None, "is_abandoned"),
        ("current", None, None),
        ("current", AWSCURRENT, None),
        ("current", AWSPREVIOUS, None),
        ("another", AWSPREVIOUS, None),
        ("another", "LIVE", None),
    ],
)
def test_rule_d_only_a_rotation_ends_the_attempts_before_it(
    world: World, secret: SecretState, key: str, label: str | None, rule: str | None
) -> None:
    """A later version with another label, or with AWSCURRENT's key, may be an edit: it takes AWSPENDING from nobody."""
    version_naming(world, secret, extra_key(world, 20), 10 * HOUR)
    texts = {"another": document(USER, Key("AKIA9", "", 0.0)), "none": None, "current": secret.text()}
    later = VersionState(world.secrets.token(), world.core.seconds - HOUR, texts[key])
    secret.versions[later.version_id] = later
    if label is not None:
        secret.move(label, later.version_id)
    assert frees(world, secret) == rule


@pytest.mark.parametrize("labels", [[GIVEN_UP], [GIVEN_UP, AWSPREVIOUS], [AWSPREVIOUS], ["LIVE"]])
@pytest.mark.parametrize("used_by", [None, "sts", "bedrock"])
def test_rule_d_our_own_label_says_at_once_that_no_attempt_is_alive(
    world: World, secret: SecretState, labels: list[str], used_by: str | None
) -> None:
    """Only if it is the version's one label: what is labelled otherwise was current, or is somebody's."""
    key = extra_key(world, 0.1)
    version_naming(world, secret, key, 360, labels[0])
    secret.labels.update(dict.fromkeys(labels, secret.labels[labels[0]]))
    if used_by:
        key.used, key.used_by = world.core.seconds - 1, used_by
    expected = "is_abandoned" if labels == [GIVEN_UP] and used_by != "bedrock" else None
    assert frees(world, secret) == expected


def test_rule_d_every_version_that_names_the_key_must_be_dead(world: World, secret: SecretState) -> None:
    key = extra_key(world, 20)
    version_naming(world, secret, key, 10 * HOUR, GIVEN_UP)
    version_naming(world, secret, key, HOUR)
    assert frees(world, secret) is None
