# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The answer of rotation_info: states and findings of service accounts, and of the account around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from ..account_reader import AccountReader
from ..aws import CallError
from ..batch import run_all
from ..batch_result import said
from ..errors import StateError
from ..planning import due_reason, timestamp
from ..progress import Progress
from ..reader import Reader
from ..schedule import DAY
from ..state import Key, State, Target
from . import account
from .checks import findings
from .finding import SEVERITIES, Finding


def describe(state: State) -> dict[str, object]:
    """The state as rotation_info returns it: snake_case, no value."""
    secret, user, key = state.secret, state.user, state.current_key
    keys = user.keys if user else ()
    return {
        "name": state.target.name,
        "secret_name": state.target.secret_name,
        "iam_user": state.target.iam_user,
        "rotation_strategy": state.target.rotation_strategy,
        "max_key_age_days": state.target.max_key_age_days,
        "exempt_until": state.target.exempt_until if state.exempt else None,
        "exists": secret is not None,
        "arn": secret.arn if secret else None,
        "deleted_date": _text(secret.deleted if secret else None),
        "rotation_enabled": bool(secret and secret.rotation_enabled),
        "rotation_lambda_arn": secret.function_arn if secret else None,
        "rotation_rules": dict(secret.rules) if secret else {},
        "last_rotated_date": _text(secret.last_rotated if secret else None),
        "next_rotation_date": _text(secret.next_rotation if secret else None),
        "last_accessed_date": _text(secret.last_accessed if secret else None),
        "retirement_date": _text(state.retirement_start),
        "labels": dict(secret.labels) if secret else {},
        "tags": dict(secret.tags) if secret else {},
        "user_arn": user.arn if user else None,
        "user_tags": {tag: value for tag, value in user.tags.items() if tag.startswith("key-rotation:")}
        if user
        else {},
        "current_key": _key(key, state.now) if key else None,
        "other_keys": [_key(item, state.now) for item in keys if item != key],
        "due": _due(state),
        "findings": [asdict(finding) for finding in findings(state)],
    }


def read_all(reader: Reader, targets: Sequence[Target], progress: Progress) -> dict[str, object]:
    """The state of a list of service accounts, as rotation_info returns it; one that cannot be read says why."""

    def read(target: Target) -> State:
        return reader.read(target, lambda listed: not findings(listed))

    progress.begin(len(targets))
    outcomes = run_all(read, targets, ended=progress.ended)
    secrets: list[dict[str, Any]] = []
    for outcome in outcomes:
        if outcome.result is not None:
            secrets.append({**describe(outcome.result), "failed": False, "msg": ""})
        else:
            reason = said(outcome.error)
            finding = Finding("unreadable", "error", reason, _mend(outcome.error))
            secrets.append(
                {
                    "name": outcome.item.name,
                    "secret_name": outcome.item.secret_name,
                    "iam_user": outcome.item.iam_user,
                    "rotation_strategy": outcome.item.rotation_strategy,
                    "failed": True,
                    "msg": reason,
                    "due": None,
                    "findings": [asdict(finding)],
                }
            )
    times = [outcome.result.now for outcome in outcomes if outcome.result is not None]
    ready = [item["name"] for item in secrets if not any(_is_error(finding) for finding in item["findings"])]
    return {
        "now": timestamp(min(times)) if times else None,
        "ready": ready,
        "secrets": secrets,
        "heaviest_day": _heaviest_day(secrets),
    }


def _heaviest_day(secrets: Sequence[Mapping[str, Any]]) -> dict[str, object] | None:
    """The day on which most of them rotate next, the first of several; None when none has a date."""
    days = Counter(item["next_rotation_date"][:10] for item in secrets if item.get("next_rotation_date"))
    if not days:
        return None
    date = min(days, key=lambda day: (-days[day], day))
    return {"date": date, "rotations": days[date]}


def read_account(reader: AccountReader, known: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Findings about the account around the service accounts: two listings, whatever its size.

    Args:
        known: secrets and iam_users that the inventory names, and functions, the ARNs of our functions.
    """
    found: list[Finding] = []
    try:
        report, now = reader.credential_report()
        found += account.users(account.read_report(report), known.get("iam_users") or (), now)
    except CallError as error:
        found.append(account.unread("the IAM users (credential report)", error.code))
    try:
        found += account.secrets(reader.secrets(), known.get("functions") or (), known.get("secrets") or ())
    except CallError as error:
        found.append(account.unread("the list of secrets", error.code))
    return [asdict(finding) for finding in sorted(found, key=lambda item: SEVERITIES.index(item.severity))]


def _mend(error: Exception | None) -> str:
    """The way out when AWS's answer could not be had."""
    code = error.code if isinstance(error, CallError) else ""
    if code.startswith("AccessDenied") and isinstance(error, CallError) and "resource-based policy" in error.text:
        return (
            "run as one of the principals that its resource policy names, and add the caller to secret_administrators"
        )
    if code.startswith("AccessDenied"):
        return "allow the operator this call"
    # Refused before any permission counts (a Region that is not enabled), or no answer at all (botocore's own errors).
    if code in ("UnrecognizedClientException", "InvalidClientTokenId") or "Connect" in code or "Timeout" in code:
        return "is aws_region right and enabled, and can AWS be reached from here?"
    return "try again"


def _is_error(finding: dict[str, str]) -> bool:
    return finding["severity"] == "error"


def _due(state: State) -> str | None:
    try:
        return due_reason(state)
    except StateError:
        return None


def _key(key: Key, now: datetime) -> dict[str, object]:
    return {
        "access_key_id": key.access_key_id,
        "status": key.status,
        "created": timestamp(key.created),
        "age_days": (now - key.created) // DAY,
        "last_used": _text(key.last_used),
    }


def _text(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment is not None else None
