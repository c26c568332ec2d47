# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Retirement after edits of the value: an edit that keeps the key is no promotion; another key is one."""

from __future__ import annotations

import json

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import DocumentError
from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import SecretState, VersionState
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import World, document
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.retiring import (
    HOUR,
    USER,
    rotated,
)


def edit(world: World, secret: SecretState, **fields: str) -> None:
    """A person's PutSecretValue."""
    world.secrets.put_by_hand(secret, json.dumps({**json.loads(secret.text() or "{}"), **fields}))


def test_an_edit_does_not_begin_the_grace_period_anew() -> None:
    world, secret, old = rotated()
    world.core.sleep(23 * HOUR)
    edit(world, secret, password="new")
    assert world.retire(secret, old.key_id) == "waiting"
    world.core.sleep(1.1 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"


def test_edits_every_hour_do_not_keep_the_old_key_for_ever() -> None:
    world, secret, old = rotated()
    outcomes = []
    for hour in range(24):
        edit(world, secret, password=f"new-{hour}")
        outcomes += world.advance(1)
    assert outcomes == ["retired"]
    assert not old.active


@pytest.mark.parametrize("grace", ["24", "72"])
def test_an_edit_does_not_carry_a_key_in_use_past_its_promise(grace: str) -> None:
    """Found by the simulation: edited while the old key was in its extension, near the end of its promise."""
    world, secret, old = rotated(age_days=84.0, grace=grace)
    outcomes = []
    for hour in range(6 * 24):
        if hour % 20 == 0:
            edit(world, secret, password=f"new-{hour}")
        if old.active:
            world.iam.use(old.key_id)
        outcomes += world.advance(1)
    assert outcomes[-1] == "retired"
    assert set(outcomes[:-1]) == {"postponed"}
    (off,) = [call for call in world.core.calls if call.action == "iam:UpdateAccessKey"]
    assert 88.5 < (off.at - old.created) / 24 / HOUR <= 89


def test_an_unreadable_value_in_between_does_not_either() -> None:
    world, secret, old = rotated()
    text = secret.text()
    world.core.sleep(22 * HOUR)
    world.secrets.put_by_hand(secret, "{")
    with pytest.raises(DocumentError):
        world.retire(secret, old.key_id)
    world.secrets.put_by_hand(secret, text)
    world.core.sleep(2.1 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"


def test_an_attempt_that_was_given_up_in_between_does_not_either() -> None:
    """Its version names a third key, which never was current."""
    world, secret, old = rotated()
    world.core.sleep(20 * HOUR)
    given_up = VersionState(world.secrets.token(), world.core.seconds, document(USER, Key("AKIA9", "", 0.0)))
    secret.versions[given_up.version_id] = given_up
    edit(world, secret, password="new")
    world.core.sleep(4.1 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"


def test_another_key_put_by_hand_begins_the_grace_period_anew() -> None:
    """Whoever holds the old key has had no time to change until then; a later edit does not change that."""
    world, secret, old = rotated()
    world.core.sleep(20 * HOUR)
    by_hand = world.iam.add_key(USER)
    edit(world, secret, AWS_ACCESS_KEY_ID=by_hand.key_id, AWS_SECRET_ACCESS_KEY=by_hand.secret)
    put = world.core.seconds
    world.core.sleep(1 * HOUR)
    edit(world, secret, password="new")
    world.core.sleep(21 * HOUR)
    assert world.retire(secret, old.key_id) == "waiting"
    world.core.seconds = put + 24.1 * HOUR
    assert world.retire(secret, old.key_id) == "retired"


def test_the_old_key_put_back_by_hand_begins_it_anew() -> None:
    """The old key, and then the new one again: the grace period counts from the last of them."""
    world, secret, old = rotated()
    new = secret.text()
    world.core.sleep(20 * HOUR)
    world.secrets.put_by_hand(secret, document(USER, old))
    world.core.sleep(1 * HOUR)
    world.secrets.put_by_hand(secret, new)
    edit(world, secret, password="new")
    world.core.sleep(23.9 * HOUR)
    assert world.retire(secret, old.key_id) == "waiting"
    world.core.sleep(0.2 * HOUR)
    assert world.retire(secret, old.key_id) == "retired"
