# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Histories that broke the design once; each was found by the chaos commands and is kept as a test of its own."""

from __future__ import annotations

from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Act
from ansible_collections.evergreen.key_rotation.tests.unit.memory.invariants import settled
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import VersionState
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import World, document

USER = "acmecorp-ai"


def test_a_lost_race_of_two_attempts_leaves_a_key_older_than_the_winners() -> None:
    """createSecret of token A and of a new token B run side by side, IAM lets a third key through, B wins.

    A's key is in an unlabelled version and a moment OLDER than AWSCURRENT's: rule (d), which asked for a newer one,
    never took it away, and every later rotation was refused.
    """
    world = World()
    secret, _ = world.enrol(USER)
    world.rotate(secret)
    world.advance(85 * 24)

    def attempt_a_stores_its_key() -> None:
        loser = world.iam.add_key(USER, age_days=1 / 86_400)
        version = VersionState(world.secrets.token(), world.core.seconds, document(USER, loser))
        secret.versions[version.version_id] = version

    world.core.hooks = [Act(attempt_a_stores_its_key, action="iam:CreateAccessKey", when="after")]
    world.rotate(secret)
    world.advance(85 * 24)
    world.rotate(secret)
    world.advance(85 * 24)
    settled(world, secret, USER)
