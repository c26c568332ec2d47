# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The two events that a function serves: a step of a rotation, and the retirement of a key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard, cast

from .errors import EventError

Step = Literal["createSecret", "setSecret", "testSecret", "finishSecret"]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
RETIRE = "retire"

_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")
_SECRET_ARN = re.compile(r"arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]{1,519}")


LOGGED = {
    "secret_id": ("SecretId", _SECRET_ARN),
    "token": ("ClientRequestToken", re.compile(r"[A-Za-z0-9-]{1,64}")),
    "step": ("Step", re.compile("|".join(STEPS))),
    "action": ("Action", re.compile(RETIRE)),
    "access_key_id": ("AccessKeyId", _KEY_ID),
}
"""Field of a log line -> the event's field that it shows, and the shape that this must have to be shown."""


@dataclass(frozen=True)
class StepEvent:
    """One step that Secrets Manager asks for. Source: Secrets Manager User Guide, rotate-secrets_lambda."""

    step: Step
    secret_id: str
    token: str
    rotation_token: str | None = field(repr=False)


@dataclass(frozen=True)
class RetireEvent:
    """The retirement of one previous key, asked for by its schedule."""

    secret_id: str
    access_key_id: str


def parse_event(event: object, function_arn: str) -> StepEvent | RetireEvent:
    """Read an event; fields that are not known are tolerated.

    Args:
        event: what Lambda hands in.
        function_arn: this function's own, unqualified ARN.

    Raises:
        EventError: neither a known step nor a known action, a field missing or of the wrong shape,
            or a secret of another account or Region.
    """
    if not isinstance(event, Mapping):
        raise EventError("the event is no JSON object; only Secrets Manager and the retirement schedule call this")
    secret_id = _text(event, "SecretId")
    if not _SECRET_ARN.fullmatch(secret_id):
        raise EventError("SecretId is not the ARN of a secret; Secrets Manager always sends the ARN")
    if _home(secret_id) != _home(function_arn):
        raise EventError(f"{secret_id} belongs to another account or Region than this function")
    if "Action" in event:
        if event["Action"] != RETIRE:
            raise EventError("unknown Action; the only one is retire")
        access_key_id = _text(event, "AccessKeyId")
        if not is_key_id(access_key_id):
            raise EventError("AccessKeyId does not look like an access key id")
        return RetireEvent(secret_id, access_key_id)
    step = _text(event, "Step")
    if step not in STEPS:
        raise EventError(f"unknown Step; there are {', '.join(STEPS)}")
    rotation_token = event.get("RotationToken")
    return StepEvent(
        cast(Step, step),
        secret_id,
        _text(event, "ClientRequestToken"),
        rotation_token if isinstance(rotation_token, str) and rotation_token else None,
    )


def is_key_id(text: str | None) -> TypeGuard[str]:
    """Say whether text has the form of an access key id (a placeholder has not)."""
    return text is not None and _KEY_ID.fullmatch(text) is not None


def _home(arn: str) -> tuple[str, str, str]:
    """Partition, Region and account of an ARN."""
    parts = arn.split(":", 5)
    return parts[1], parts[3], parts[4]


def _text(event: Mapping[Any, Any], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise EventError(f"the event has no {name}")
    return value
