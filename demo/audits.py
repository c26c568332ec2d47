# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Made-up audits in the shape of report.json's input: the example fleet, and fleets of any size."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings import account, reading
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.planning import settings_tags
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import (
    DocumentFacts,
    Key,
    Secret,
    State,
    Target,
    User,
)

from .old_fleet import DATABASES, USERS

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = timedelta(days=1)
PLACE = "us-east-1:123456789012"
FUNCTION = f"arn:aws:lambda:{PLACE}:function:key-rotation-iam-access-key"
ACCOUNTS = ("acmecorp-prod", "acmecorp-stage", "acmecorp-data", "acmecorp-tools")
TEAMS = ("payments", "search", "billing", "ml", "delivery", "mobile", "reports", "platform")
JOBS = ("api", "worker", "export", "sync", "backup", "images", "mail", "bridge")


def example(deployed: bool) -> list[dict[str, Any]]:
    """The fleet of inventory/acmecorp.yml, before its first deploy or 30 days after it."""
    states = [
        _state(name, secret, user, 30 if deployed else 100, deployed) for name, (secret, user) in USERS.items()
    ] + [_state(name, secret, None, 30, deployed) for name, secret in DATABASES.items()]
    return [_audit("acmecorp-prod", states, [])]


def many(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """A large fleet with what large fleets have: most is well, some is not."""
    chance = random.Random(seed)
    share = -(-count // len(ACCOUNTS))
    audits = []
    for label in ACCOUNTS:
        states = []
        for number in range(share):
            name = f"{chance.choice(TEAMS)}-{chance.choice(JOBS)}-{number:03d}"
            user = None if chance.random() < 0.2 else name
            state = _state(name, f"/acmecorp/{name}/credentials", user, chance.uniform(0, 84), True)
            states.append(_trouble(state, chance) if chance.random() < 0.06 else state)
        people = [
            account.ReportedUser(f"person-{number}", (NOW - chance.uniform(5, 300) * DAY,)) for number in range(4)
        ]
        audits.append(_audit(label, states, [asdict(item) for item in account.users(people, [], NOW)]))
    return audits


def _audit(label: str, states: list[State], around: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "account": label,
        "region": "us-east-1",
        "reason": "",
        "now": NOW.isoformat(),
        "secrets": [{**reading.describe(state), "failed": False, "msg": ""} for state in states],
        "account_findings": around,
    }


def _state(name: str, secret_name: str, user: str | None, age: float, deployed: bool) -> State:
    """A service account as it should be, or as it is before the first deploy."""
    target = Target(name, secret_name, "iam_access_key" if user else "noop", 90, 24, iam_user=user, rotation_days=85)
    arn = f"arn:aws:secretsmanager:{PLACE}:secret:{secret_name}-AbCdEf"
    rotated: Mapping[str, Any] = {
        "tags": settings_tags(target),
        "rotation_enabled": True,
        "function_arn": FUNCTION if user else f"{FUNCTION}-noop",
        "rules": {"AutomaticallyAfterDays": 85},
        "last_rotated": NOW - age * DAY,
        "next_rotation": NOW + (85 - age) * DAY,
    }
    labels = {"AWSCURRENT": "v2", "AWSPREVIOUS": "v1"} if deployed else {"AWSCURRENT": "v1"}
    fields = {"tags": {}, **(rotated if deployed else {}), "labels": labels, "last_accessed": NOW}
    secret = Secret(arn, secret_name, **fields)
    if user is None:
        return State(target, NOW, secret, None, DocumentFacts())
    key_id = f"AKIA{abs(hash_of(name)):016X}"[:20]
    key = Key(key_id, "Active", NOW - age * DAY, NOW - 0.2 * DAY)
    tags = {"key-rotation:secret": arn} if deployed else {}
    facts = DocumentFacts(user, key_id, None, True)
    return State(target, NOW, secret, User(user, f"arn:aws:iam::123456789012:user/{user}", tags, (key,)), facts)


def _trouble(state: State, chance: random.Random) -> State:
    """One thing wrong."""
    secret, user = state.secret, state.user
    if secret is None or user is None:
        return replace(state, secret=None)
    key = user.keys[0]
    old = replace(key, access_key_id=f"{key.access_key_id[:18]}ZZ", created=NOW - 86 * DAY)
    aged = replace(key, created=NOW - chance.uniform(91, 260) * DAY)
    return chance.choice(
        (
            replace(state, user=replace(user, keys=(aged,)), secret=replace(secret, last_rotated=aged.created)),
            replace(state, user=replace(user, keys=(old, key))),
            replace(state, user=replace(user, keys=(replace(key, last_used=NOW - 60 * DAY),))),
            replace(state, secret=replace(secret, next_rotation=NOW - 2 * DAY)),
            replace(state, secret=replace(secret, labels={**secret.labels, "AWSPENDING": "v3"})),
            replace(state, user=replace(user, tags={})),
            replace(state, user=None),
            replace(state, secret=replace(secret, rotation_enabled=False)),
        )
    )


def hash_of(name: str) -> int:
    """The same number for the same name in every run."""
    return random.Random(name).getrandbits(60)
