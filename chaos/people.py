# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What people do to a service account behind the rotation's back, and how they mend it when they are asked to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.memory.iam import KEYS_PER_USER, Key
from tests.unit.memory.invariants import broken_current, names
from tests.unit.memory.secretsmanager import AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretState
from tests.unit.memory.world import World, document

USER = "acmecorp-ai"
NEW_ADDRESS = "new-team@acmecorp.com"
GRACE = "key-rotation:grace-period-hours"


@dataclass(frozen=True)
class Act:
    """One act of a person.

    Attributes:
        harmless: it takes no working key and no label away, so that all invariants hold on.
        may_need_mending: it can leave what no rule may touch, so that an error may ask for a person.
        unplanned: it changes when, or whether, the old key goes.
    """

    name: str
    do: Callable[[World, SecretState], object]
    harmless: bool
    may_need_mending: bool
    unplanned: bool = False


def _key_of(world: World, secret: SecretState, label: str) -> Key | None:
    key_id = names(secret.text(label))
    if label != AWSCURRENT and key_id == names(secret.text()):
        return None
    return world.iam.key(key_id or "")


def _deactivate(label: str) -> Callable[[World, SecretState], None]:
    def act(world: World, secret: SecretState) -> None:
        if key := _key_of(world, secret, label):
            key.active = False

    return act


def _delete(label: str) -> Callable[[World, SecretState], None]:
    def act(world: World, secret: SecretState) -> None:
        if key := _key_of(world, secret, label):
            key.deleted = world.core.seconds

    return act


def _create_key(world: World, secret: SecretState) -> None:
    if world.iam.users and len(world.iam.keys(USER)) < KEYS_PER_USER:
        world.iam.add_key(USER)


def _edit(world: World, secret: SecretState) -> None:
    fields = json.loads(secret.text() or "{}")
    world.secrets.put_by_hand(secret, json.dumps({**fields, "NOTIFY_EMAIL": NEW_ADDRESS}))


def _move_back(world: World, secret: SecretState) -> None:
    if AWSPREVIOUS in secret.labels:
        secret.move(AWSCURRENT, secret.labels[AWSPREVIOUS])


def _roll_back(world: World, secret: SecretState) -> None:
    if key := _key_of(world, secret, AWSPREVIOUS):
        key.active = True
        _move_back(world, secret)


def _delete_user(world: World, secret: SecretState) -> None:
    world.iam.users.pop(USER, None)


def _remake_user(world: World, secret: SecretState) -> None:
    if world.iam.users.pop(USER, None):
        world.iam.add_user(USER)
        world.iam.add_key(USER)


def _cancel(world: World, secret: SecretState) -> None:
    secret.rotation_enabled = False


def _change_grace(world: World, secret: SecretState) -> None:
    secret.tags[GRACE] = "24" if secret.tags.get(GRACE) == "0" else "0"


def _nonsense_tags(world: World, secret: SecretState) -> None:
    secret.tags |= {GRACE: "soon", "key-rotation:hold-until": "never", "key-rotation:notify-email": "a@b.c, d@e.f"}


def _unbind(world: World, secret: SecretState) -> None:
    for user in world.iam.users.values():
        user.tags.pop("key-rotation:secret", None)


def _spoil(world: World, secret: SecretState) -> None:
    fields = json.loads(secret.text() or "{}")
    world.secrets.put_by_hand(secret, json.dumps({**fields, "AWS_SECRET_ACCESS_KEY": "mark-typo"}))


def _drop_label(world: World, secret: SecretState) -> None:
    secret.labels.pop(AWSPENDING, None)


def _drop_schedules(world: World, secret: SecretState) -> None:
    world.scheduler.schedules.clear()


ACTS: dict[str, Act] = {
    act.name: act
    for act in (
        Act("cancels the rotation", _cancel, True, False),
        Act("changes the grace period", _change_grace, True, False, unplanned=True),
        Act("creates a key", _create_key, True, False),
        Act("deactivates the current key", _deactivate(AWSCURRENT), False, True),
        Act("deactivates the pending key", _deactivate(AWSPENDING), False, True),
        Act("deactivates the previous key", _deactivate(AWSPREVIOUS), True, False),
        Act("deletes the current key", _delete(AWSCURRENT), False, True),
        Act("deletes the pending key", _delete(AWSPENDING), False, True),
        Act("deletes the previous key", _delete(AWSPREVIOUS), True, False),
        Act("deletes the user", _delete_user, False, True),
        Act("drops AWSPENDING", _drop_label, True, False),
        Act("drops the schedules", _drop_schedules, True, False, unplanned=True),
        Act("edits the secret", _edit, True, False),
        Act("moves AWSCURRENT back", _move_back, False, True),
        Act("moves AWSCURRENT back and its key on", _roll_back, False, True),
        Act("remakes the user", _remake_user, False, True),
        Act("spoils the secret", _spoil, False, True),
        Act("unbinds the user", _unbind, False, True),
        Act("writes nonsense tags", _nonsense_tags, True, False, unplanned=True),
    )
}
NOOP_ACTS = ("cancels the rotation", "drops AWSPENDING", "edits the secret", "moves AWSCURRENT back")


def mend(world: World, secret: SecretState) -> None:
    """What the errors, the audit and repair ask a person to do: user, binding, a working key, no unknown keys."""
    if USER not in world.iam.users:
        world.iam.add_user(USER)
    user = world.iam.users[USER]
    user.tags.setdefault("key-rotation:since", world.core.now().isoformat())
    user.tags["key-rotation:secret"] = secret.arn
    secret.rotation_enabled = True
    secret.labels.pop(AWSPENDING, None)
    current = world.current_key(secret)
    labelled = {names(secret.text(label)) for label in (AWSCURRENT, AWSPREVIOUS)}
    for key in world.iam.keys(USER):
        if key.key_id not in labelled:
            key.deleted = world.core.seconds
    if current is not None:
        current.active = True
        if broken_current(world, secret) is None and f'"{USER}"' in (secret.text() or ""):
            return
    for key in world.iam.keys(USER):
        key.deleted = world.core.seconds
    address = json.loads(secret.text() or "{}").get("NOTIFY_EMAIL", "")
    world.secrets.put_by_hand(secret, document(USER, world.iam.add_key(USER), NOTIFY_EMAIL=address))
