# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Calls to AWS with errors that a person can read, and AWS's own time. Clients are handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from .errors import FleetError

Client = Any
"""A boto3 client: the standard library has no type for it."""


class CallError(FleetError):
    """An AWS call failed.

    Attributes:
        code: AWS error code, or the name of the client's exception.
    """

    def __init__(self, action: str, code: str, text: str) -> None:
        super().__init__(f"{action} failed: {code}: {text}" if text else f"{action} failed: {code}")
        self.code = code
        self.text = text


def call(action: str, method: Callable[..., Any], /, **arguments: Any) -> Any:
    """Make one AWS call that carries names and ids only.

    Args:
        action: as in a policy, e.g. iam:GetUser; stands in the error.
        method: the client's method.

    Raises:
        CallError: whatever went wrong.
    """
    try:
        return method(**arguments)
    except Exception as problem:
        response = getattr(problem, "response", None)
        if isinstance(response, Mapping):
            error = response.get("Error", {})
            raise CallError(action, str(error.get("Code", "Unknown")), str(error.get("Message", ""))) from None
        raise CallError(action, type(problem).__name__, "") from None


def call_or_none(action: str, method: Callable[..., Any], missing: tuple[str, ...], /, **arguments: Any) -> Any:
    """As call(); None when AWS answers with one of the codes that mean "there is no such thing".

    Raises:
        CallError: any other failure.
    """
    try:
        return call(action, method, **arguments)
    except CallError as error:
        if error.code in missing:
            return None
        raise


def time_of(answer: Mapping[str, Any]) -> datetime:
    """AWS's time of an answer, UTC; this machine's where the answer does not say."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC)


def tags_of(answer: Mapping[str, Any]) -> dict[str, str]:
    """Tags as a mapping."""
    return {tag["Key"]: tag.get("Value", "") for tag in answer.get("Tags") or []}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A mapping as AWS takes tags."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
