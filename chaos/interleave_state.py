# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A world of the in-memory AWS as one hashable value, and back: so that thousands of worlds can be kept and compared.

What no code of ours can read again (log lines, mails, the journal) is left out; it is scanned when it is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.unit.memory.iam import Key, UserState
from tests.unit.memory.scheduler import ScheduleState
from tests.unit.memory.secretsmanager import SecretState, VersionState
from tests.unit.memory.world import World

Items = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Frozen:
    """All of a world's state that a call can read or change. Times are seconds since the epoch."""

    seconds: float
    users: tuple[tuple[str, str, Items, tuple[tuple[Any, ...], ...]], ...]
    keys_made: int
    secrets: tuple[tuple[str, str, Items, bool, tuple[tuple[Any, ...], ...], Items, float], ...]
    versions_made: int
    schedules: tuple[tuple[str, str, datetime, str, str, float, int], ...]


def freeze(world: World) -> Frozen:
    """The state of a world, as a value."""
    return Frozen(
        world.core.seconds,
        tuple(
            (user.name, user.path, _items(user.tags), tuple(astuple_key(key) for key in user.keys))
            for user in world.iam.users.values()
        ),
        world.iam.made,
        tuple(
            (
                secret.arn,
                secret.name,
                _items(secret.tags),
                secret.rotation_enabled,
                tuple((v.version_id, v.created, v.text, v.binary) for v in secret.versions.values()),
                _items(secret.labels),
                secret.promoted,
            )
            for secret in world.secrets.secrets.values()
        ),
        world.secrets.made,
        tuple(
            (
                group,
                name,
                state.request["StartDate"],
                state.request["ScheduleExpression"],
                state.request["Target"]["Input"],
                state.next_firing,
                state.hours,
            )
            for (group, name), state in sorted(world.scheduler.schedules.items())
        ),
    )


def thaw(frozen: Frozen, world: World) -> World:
    """Put a world into a state that was frozen; its knobs (lags, environment) stay."""
    world.core.seconds = frozen.seconds
    world.iam.users = {
        name.lower(): UserState(name, path, dict(tags), [Key(*key) for key in keys])
        for name, path, tags, keys in frozen.users
    }
    world.iam.made = frozen.keys_made
    world.secrets.secrets = {
        arn: SecretState(
            arn,
            name,
            dict(tags),
            enabled,
            {version[0]: VersionState(*version) for version in versions},
            dict(labels),
            promoted,
        )
        for arn, name, tags, enabled, versions, labels, promoted in frozen.secrets
    }
    world.secrets.made = frozen.versions_made
    world.scheduler.schedules = {
        (group, name): ScheduleState(
            {
                "GroupName": group,
                "Name": name,
                "StartDate": start,
                "ScheduleExpression": expression,
                "Target": {"Input": payload},
            },
            firing,
            hours,
        )
        for group, name, start, expression, payload, firing, hours in frozen.schedules
    }
    world.core.calls.clear()
    return world


def astuple_key(key: Key) -> tuple[Any, ...]:
    """A key's fields, in the order of its constructor."""
    return (key.key_id, key.secret, key.created, key.active, key.deleted, key.used, key.used_by)


def _items(mapping: dict[str, str]) -> Items:
    return tuple(sorted(mapping.items()))
