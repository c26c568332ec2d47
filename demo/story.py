# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the demo and the story tests read from the fleet, and how they say it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .old_fleet import SECRETS, USERS, Aws, Key


class StoryError(Exception):
    """A claim of the story did not hold; the text says which."""


def expect(holds: bool, otherwise: str) -> None:
    """Go on if it holds.

    Raises:
        StoryError: it does not.
    """
    if not holds:
        raise StoryError(otherwise)


@dataclass(frozen=True)
class Account:
    """One service account as AWS shows it. The value is kept as a digest alone."""

    user: str | None
    version: str
    value: str
    current_key: str | None
    keys: tuple[Key, ...]
    last_rotated: datetime | None
    next_rotation: datetime | None


@dataclass(frozen=True)
class Fleet:
    """All service accounts at one moment."""

    accounts: dict[str, Account]

    @classmethod
    def read(cls, aws: Aws, without: Collection[str] = ()) -> Fleet:
        """Read the example fleet, but for the hosts that are left out."""
        return cls({host: _read(aws, host, secret) for host, secret in SECRETS.items() if host not in without})


def writes(journal: list[dict[str, Any]]) -> list[str]:
    """What the operator's own calls in the journal changed, e.g. ["iam:CreateRole"]."""
    reading = ("Describe", "Get", "List", "Filter", "Lookup", "Batch", "AssumeRole", "Simulate", "Generate")
    return [
        f"{call['service']}:{call['action']}"
        for call in journal
        if (call["principal"] or "").endswith(":root") and not call["action"].startswith(reading)
    ]


def calls_of_rotations(journal: list[dict[str, Any]], fleet: Fleet) -> dict[str, list[str]]:
    """The AWS calls of each service account's first rotation in a stretch of the journal, the mail not counted.

    Args:
        journal: the stretch; the calls of the functions and of the keys that they prove are looked at.
        fleet: the fleet as it was when the stretch began; it tells whose keys are whose.

    Returns:
        Host to the actions of its rotation, up to the move of AWSCURRENT.
    """
    owners: dict[str | None, str] = {secret: host for host, secret in SECRETS.items()}
    for host, account in fleet.accounts.items():
        owners.update(dict.fromkeys([account.user, *(key.key_id for key in account.keys)], host))
    owners.pop(None, None)
    rotations: dict[str, list[str]] = {}
    finished: set[str] = set()
    for call in journal:
        owner = _owner(call, owners)
        if owner is None or owner in finished or call["service"] in ("ses", "logs"):
            continue
        rotations.setdefault(owner, []).append(f"{call['service']}:{call['action']}")
        if call["action"] == "UpdateSecretVersionStage" and call["ids"].get("VersionStage") == "AWSCURRENT":
            finished.add(owner)
    return {host: calls for host, calls in rotations.items() if host in finished}


def _owner(call: dict[str, Any], owners: dict[str | None, str]) -> str | None:
    """The service account that a call of a function, or of a key under proof, was made for."""
    principal = call["principal"] or ""
    if ":assumed-role/" not in principal:
        return owners.get(principal.rpartition(":user/")[2].rpartition("/")[2])
    ids = call["ids"]
    secret = str(ids.get("SecretId", "")).partition(":secret:")[2][:-7]
    names = (secret, ids.get("UserName"), ids.get("AccessKeyId"), str(ids.get("Name", "")).removeprefix("retire-"))
    return next((owners[name] for name in names if name in owners), None)


def table(before: Fleet, now: Fleet, mails: list[dict[str, Any]]) -> str:
    """A line per service account that a person can read."""
    head = ("service account", "strategy", "key age before", "now", "old key", "last rotation", "next", "mails")
    rows = [head]
    for host, account in now.accounts.items():
        old = before.accounts[host]
        ages = {key.key_id: key.age_days for key in old.keys}
        current = next((key for key in account.keys if key.key_id == account.current_key), None)
        gone = old.current_key not in [key.key_id for key in account.keys]
        rows.append(
            (
                host,
                "iam_access_key" if account.user else "noop",
                f"{ages[old.current_key]} days" if old.current_key else "-",
                f"{current.age_days} days" if current else "-",
                ("deleted" if gone else "kept") if account.user else "-",
                f"{account.last_rotated:%Y-%m-%d}" if account.last_rotated else "never",
                f"{account.next_rotation:%Y-%m-%d}" if account.next_rotation else "-",
                str(sum(account.user in mail["subject"].split() for mail in mails)) if account.user else "-",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _read(aws: Aws, host: str, secret: str) -> Account:
    user = USERS[host][1] if host in USERS else None
    described = aws.client("secretsmanager").describe_secret(SecretId=secret)
    stages = described["VersionIdsToStages"]
    value = aws.value(secret)
    return Account(
        user=user,
        version=next(version for version, labels in stages.items() if "AWSCURRENT" in labels),
        value=hashlib.sha256(value.encode()).hexdigest(),
        current_key=json.loads(value)["AWS_ACCESS_KEY_ID"] if user else None,
        keys=tuple(aws.keys(user)) if user else (),
        last_rotated=described.get("LastRotatedDate"),
        next_rotation=described.get("NextRotationDate"),
    )
