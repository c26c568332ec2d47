# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A user's second key that stands in a rotation's way, and what makes room for a new one."""

from __future__ import annotations

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import SlotError
from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import SecretState, VersionState
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import Strategy, World, document

USER = "acmecorp-ai"
HOUR = 3600.0
MINUTES, A_DAY = 0.1, 30.0


def rotate_with_retries(
    world: World, secret: SecretState, *pauses_hours: float, strategy: Strategy = "iam_access_key"
) -> list[str]:
    """The next rotation: at once, and then after each pause, for as long as no key may make room.

    Args:
        pauses_hours: MINUTES outlasts a dead attempt, A_DAY a grace period that was just asked for.

    Returns:
        What the attempts that failed said; none when the first succeeded.
    """
    token = world.secrets.start_rotation(secret)
    said: list[str] = []
    for pause in pauses_hours:
        try:
            world.rotate(secret, token, strategy)
            return said
        except SlotError as problem:
            said.append(str(problem))
            world.advance(pause)
    world.rotate(secret, token, strategy)
    return said


def extra_key(world: World, age_hours: float, active: bool = True, used_hours_ago: float | None = None) -> Key:
    key = world.iam.add_key(USER, age_hours / 24, active)
    if used_hours_ago is not None:
        key.used, key.used_by = world.core.seconds - used_hours_ago * HOUR, "bedrock"
    return key


def version_naming(world: World, secret: SecretState, key: Key, age_seconds: float, label: str | None = None) -> None:
    version = VersionState(world.secrets.token(), world.core.seconds - age_seconds, document(USER, key))
    secret.versions[version.version_id] = version
    if label:
        secret.labels[label] = version.version_id


def frees(world: World, secret: SecretState) -> str | None:
    """The rule that made room; None: none did, and nothing was deleted."""
    before = {key.key_id for key in world.iam.keys(USER)}
    token = world.secrets.start_rotation(secret)
    try:
        world.step(secret, token, "createSecret")
    except SlotError:
        assert {key.key_id for key in world.iam.keys(USER)} == before
        return None
    return str(next(line["rule"] for line in world.lines if "SlotFreed" in line))
