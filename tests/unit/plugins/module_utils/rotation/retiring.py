# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A rotation that just ended, and the mails that tell of its old key."""

from __future__ import annotations

from typing import Any

from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import SecretState
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import World

USER = "acmecorp-ai"
GRACE = "key-rotation:grace-period-hours"
HOLD = "key-rotation:hold-until"
HOUR = 3600.0
POSTPONED, RETIRED = "Old access key of acmecorp-ai is still in use", "Old access key of acmecorp-ai retired"


def rotated(age_days: float = 80.0, grace: str | None = None, tags: Any = ()) -> tuple[World, SecretState, Key]:
    """The secret, and the key that was replaced: promoted at 2026-01-01 00:00, with a schedule, and no mail yet."""
    world = World()
    secret, old = world.enrol(USER, age_days)
    secret.tags.update(tags)
    if grace is not None:
        secret.tags[GRACE] = grace
    world.rotate(secret)
    world.ses.mails.clear()
    return world, secret, old
