# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What is in an AWS account and in no inventory: secrets of our functions, users with Active keys. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..schedule import DAY
from ..state import Secret
from .finding import KEY_AGE_DAYS, ROOT_KEY, ROTATE_90_DAYS, Finding

ROOT = "<root_account>"


@dataclass(frozen=True)
class ReportedUser:
    """One line of the credential report: an IAM user with the creation times of its Active keys, or root."""

    name: str
    active_keys: tuple[datetime, ...]


def read_report(content: str) -> list[ReportedUser]:
    """The users of a credential report.

    Source: IAM User Guide, Getting credential reports; times are ISO 8601, or N/A.
    """
    found = []
    for row in csv.DictReader(io.StringIO(content)):
        keys = [
            _time(row.get(f"access_key_{slot}_last_rotated"))
            for slot in (1, 2)
            if row.get(f"access_key_{slot}_active") == "true"
        ]
        found.append(ReportedUser(row["user"], tuple(keys)))
    return found


def users(report: Iterable[ReportedUser], known: Collection[str], now: datetime) -> list[Finding]:
    """Active keys of users that no host of the inventory covers, the root user first."""
    covered = {name.lower() for name in known}
    found: list[Finding] = []
    for user in report:
        if not user.active_keys or user.name.lower() in covered:
            continue
        count = len(user.active_keys)
        keys = f"{count} Active access key{'s' if count > 1 else ''}"
        age = max((now - created) // DAY for created in user.active_keys)
        if user.name == ROOT:
            text, mend = f"the root user has {keys}", "delete it: nothing should work as root"
            found.insert(0, Finding("root-access-key", "warning", text, mend, ROOT_KEY))
            continue
        text = f"IAM user {user.name} has {keys}, the oldest of {age} days, and no host of the inventory covers it"
        mend = "bring it in as a service account, or replace the key by a role and delete it"
        old = age > KEY_AGE_DAYS
        found.append(
            Finding("user-uncovered", "warning" if old else "info", text, mend, ROTATE_90_DAYS if old else None)
        )
    return found


def secrets(listed: Iterable[Secret], functions: Collection[str], known: Collection[str]) -> list[Finding]:
    """Secrets that our functions rotate and no host of the inventory names."""
    return [
        Finding(
            "secret-uncovered",
            "warning",
            f"{secret.name} is rotated by {secret.function_arn}, and no host of the inventory names it",
            "add a host for it, or turn its rotation off (CancelRotateSecret)",
        )
        for secret in listed
        if secret.rotation_enabled and secret.function_arn in functions and secret.name not in known
    ]


def unread(what: str, code: str) -> Finding:
    """A part of the account that the caller may not read."""
    return Finding("account-unread", "warning", f"{what} could not be read: {code}", "allow the caller this call")


def _time(text: str | None) -> datetime:
    try:
        return datetime.fromisoformat((text or "").replace("Z", "+00:00")).astimezone(UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)  # an Active key without a date: the oldest there can be
