# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a function is handed: clients, clock and environment by its composition root, the rest by Lambda."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from .gateway import Client
from .telemetry import Emit, Telemetry


class Clients(Protocol):
    """Makes each client when it is first needed, and keeps it."""

    def secretsmanager(self) -> Client:
        """Secrets Manager."""

    def iam(self) -> Client:
        """IAM."""

    def iam_create(self) -> Client:
        """IAM, never repeating a request by itself: for CreateAccessKey alone."""

    def scheduler(self) -> Client:
        """EventBridge Scheduler."""

    def ses(self) -> Client:
        """SES, version 2."""

    def sts(self, access_key_id: str, secret_access_key: str) -> Client:
        """STS with the credentials of a key that is to be proven."""


@dataclass(frozen=True)
class Runtime:
    """What lives as long as the function's process."""

    clients: Clients
    environment: Mapping[str, str]
    clock: Callable[[], float]
    """Seconds since the epoch."""
    sleep: Callable[[float], None]
    emit: Emit


@dataclass(frozen=True)
class Invocation:
    """What belongs to one invocation."""

    runtime: Runtime
    telemetry: Telemetry
    function_arn: str
    """Unqualified."""
    timeout_seconds: int
    """The function's time-out, as the context showed it at the start."""
    remaining_seconds: Callable[[], float]

    @property
    def account(self) -> str:
        """The account that the function stands in."""
        return self.function_arn.split(":")[4]

    def now(self) -> datetime:
        """This moment, in UTC."""
        return datetime.fromtimestamp(self.runtime.clock(), UTC)
