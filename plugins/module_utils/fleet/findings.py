# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a service account's state says about it, in words: findings with a mend. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from ..rotation import names
from ..rotation.binding import tag_value
from .aws import CallError
from .batch import run_all
from .batch_result import said
from .errors import StateError
from .planning import due_reason, existing_secret, existing_user, timestamp
from .reader import Reader
from .schedule import DAY
from .state import Key, State, Target

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True)
class Finding:
    """One thing worth saying. An error keeps the service account out of a run."""

    id: str
    severity: Severity
    text: str
    mend: str


def findings(state: State) -> list[Finding]:
    """Everything worth saying about one service account, errors first."""
    try:
        existing_secret(state)
    except StateError as error:
        return [_from_error(_missing_id(state), error)]
    found: list[Finding] = []
    try:
        existing_user(state)
    except StateError as error:
        found.append(_from_error("user-missing", error))
    for check in _CHECKS:
        found += check(state)
    return sorted(found, key=lambda finding: ("error", "warning", "info").index(finding.severity))


def describe(state: State) -> dict[str, object]:
    """The state as rotation_info returns it: snake_case, no value."""
    secret, user, key = state.secret, state.user, state.current_key
    keys = user.keys if user else ()
    return {
        "name": state.target.name,
        "secret_name": state.target.secret_name,
        "iam_user": state.target.iam_user,
        "rotation_strategy": state.target.rotation_strategy,
        "exists": secret is not None,
        "arn": secret.arn if secret else None,
        "deleted_date": _text(secret.deleted if secret else None),
        "rotation_enabled": bool(secret and secret.rotation_enabled),
        "rotation_lambda_arn": secret.function_arn if secret else None,
        "rotation_rules": dict(secret.rules) if secret else {},
        "last_rotated_date": _text(secret.last_rotated if secret else None),
        "next_rotation_date": _text(secret.next_rotation if secret else None),
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


def _check_document(state: State) -> list[Finding]:
    target, facts = state.target, state.document
    if facts is None:
        return []
    if target.rotation_strategy == names.NOOP:
        if not facts.names_access_key:
            return []
        return [
            Finding(
                "noop-with-access-key",
                "error",
                f"secret {target.secret_name} holds {names.ACCESS_KEY_ID}, but its strategy noop would only move a "
                "label over an old key",
                "use rotation_strategy: iam_access_key with iam_user, or take the key out of the document",
            )
        ]
    if facts.problem is not None:
        return [_from_error("document", StateError(f"secret {target.secret_name}: {facts.problem}"))]
    if facts.user_name != target.iam_user:
        return [
            Finding(
                "user-differs",
                "error",
                f"the document in {target.secret_name} names user {facts.user_name}, the inventory {target.iam_user}",
                "mend iam_user or secret_name in the inventory, or USER_NAME in the document (spelt as in IAM)",
            )
        ]
    return []


def _check_binding(state: State) -> list[Finding]:
    secret, user = state.secret, state.user
    bound = user.tags.get(names.TAG_SECRET) if user else None
    if secret is None or bound is None or bound == tag_value(secret.arn):
        return []
    return [
        Finding(
            "foreign-binding",
            "error",
            f"IAM user {state.target.iam_user} is bound to another secret, {bound} (tag {names.TAG_SECRET})",
            "mend iam_user, or, if that secret is not in use any more, take the tag off the user",
        )
    ]


def _check_key(state: State) -> list[Finding]:
    facts, key = state.document, state.current_key
    if facts is None or state.user is None or facts.problem or facts.user_name != state.target.iam_user:
        return []
    if facts.access_key_id is None:
        return [Finding("no-key", "info", "the document holds no access key yet", "the first rotation makes one")]
    if key is None or not key.active:
        what = "is Inactive" if key else "is none of the user's keys"
        return [
            Finding(
                "key-not-active",
                "warning",
                f"{facts.access_key_id}, which {state.target.secret_name} holds, {what}",
                "its consumers fail already: rotate now, or store the key that they use",
            )
        ]
    age = (state.now - key.created) // DAY
    if age > state.target.max_key_age_days:
        text = f"{key.access_key_id} is {age} days old; the promise is {state.target.max_key_age_days}"
        return [Finding("key-too-old", "warning", text, "deploy rotates it, or run the rotate playbook")]
    return []


def _check_rotation(state: State) -> list[Finding]:
    secret = state.secret
    if secret is None:
        return []
    found = []
    if not secret.rotation_enabled:
        text = f"rotation of {secret.name} is off"
        found.append(Finding("rotation-off", "info", text, "deploy attaches the schedule"))
    pending = secret.labels.get(names.AWSPENDING)
    if pending is not None and pending != secret.labels.get(names.AWSCURRENT):
        text = f"AWSPENDING of {secret.name} is on {pending}: a rotation is running, or one failed"
        mend = "rotate again once its cause is mended; the function's log has it"
        found.append(Finding("pending", "warning", text, mend))
    return found


def _check_unread(state: State) -> list[Finding]:
    return [
        Finding("unread", "warning", f"could not be read: {what}", "allow the operator secretsmanager:GetSecretValue")
        for what in state.unread
    ]


_CHECKS: tuple[Callable[[State], list[Finding]], ...] = (
    _check_document,
    _check_binding,
    _check_key,
    _check_rotation,
    _check_unread,
)


def _missing_id(state: State) -> str:
    secret = state.secret
    if secret is None:
        return "secret-missing"
    if secret.deleted is not None:
        return "secret-awaits-deletion"
    return "secret-is-replica" if secret.is_replica else "secret-managed-elsewhere"


def _from_error(identity: str, error: Exception) -> Finding:
    text, _, mend = str(error).partition("; ")
    return Finding(identity, "error", text, mend)


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


def read_all(reader: Reader, targets: Sequence[Target]) -> dict[str, object]:
    """The state of a list of service accounts, as rotation_info returns it; one that cannot be read says why."""
    outcomes = run_all(reader.read, targets)
    secrets: list[dict[str, Any]] = []
    for outcome in outcomes:
        if outcome.result is not None:
            secrets.append({**describe(outcome.result), "failed": False, "msg": ""})
        else:
            reason = said(outcome.error)
            finding = Finding("unreadable", "error", reason, _mend(outcome.error))
            secrets.append(
                {"name": outcome.item.name, "failed": True, "msg": reason, "due": None, "findings": [asdict(finding)]}
            )
    times = [outcome.result.now for outcome in outcomes if outcome.result is not None]
    ready = [item["name"] for item in secrets if not any(_is_error(finding) for finding in item["findings"])]
    return {"now": timestamp(min(times)) if times else None, "ready": ready, "secrets": secrets}


def _mend(error: Exception | None) -> str:
    """The way out when AWS's answer could not be had."""
    code = error.code if isinstance(error, CallError) else ""
    if code.startswith("AccessDenied"):
        return "allow the operator this call"
    # Refused before any permission counts (a Region that is not enabled), or no answer at all (botocore's own errors).
    if code in ("UnrecognizedClientException", "InvalidClientTokenId") or "Connect" in code or "Timeout" in code:
        return "is aws_region right and enabled, and can AWS be reached from here?"
    return "try again"


def _is_error(finding: dict[str, str]) -> bool:
    return finding["severity"] == "error"
