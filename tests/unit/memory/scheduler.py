# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""EventBridge Scheduler's recurring schedules, and the mails that SES took."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .core import Core, ServiceError


@dataclass
class ScheduleState:
    """One schedule: as it was asked for, and when it fires next (seconds since the epoch)."""

    request: dict[str, Any]
    next_firing: float
    hours: int

    @property
    def event(self) -> dict[str, Any]:
        """What it sends."""
        event: dict[str, Any] = json.loads(self.request["Target"]["Input"])
        return event


@dataclass
class Scheduler:
    """The schedules of one Region, by group and name."""

    core: Core
    schedules: dict[tuple[str, str], ScheduleState] = field(default_factory=dict)

    def next_due(self, until: float) -> ScheduleState | None:
        """The schedule that fires first, if any does until then; its next firing is moved on."""
        waiting = min(self.schedules.values(), key=lambda schedule: schedule.next_firing, default=None)
        if waiting is None or waiting.next_firing > until:
            return None
        self.core.seconds = max(self.core.seconds, waiting.next_firing)
        waiting.next_firing += waiting.hours * 3600
        return waiting

    def methods(self) -> dict[str, Callable[..., Any]]:
        """What the client offers."""
        return {
            "create_schedule": self._create_schedule,
            "update_schedule": self._update_schedule,
            "get_schedule": self._get_schedule,
            "delete_schedule": self._delete_schedule,
        }

    def _put(self, request: dict[str, Any]) -> dict[str, Any]:
        start: datetime = request["StartDate"]
        if start.timestamp() < self.core.seconds - 300:
            raise ServiceError("ValidationException", 400, "StartDate is too far in the past")
        hours = int(request["ScheduleExpression"].removeprefix("rate(").split()[0])
        self.schedules[request["GroupName"], request["Name"]] = ScheduleState(request, start.timestamp(), hours)
        return {"ScheduleArn": f"arn:aws:scheduler:::{request['Name']}"}

    def _create_schedule(self, **request: Any) -> dict[str, Any]:
        if (request["GroupName"], request["Name"]) in self.schedules:
            raise ServiceError("ConflictException", 409, request["Name"])
        return self._put(request)

    def _update_schedule(self, **request: Any) -> dict[str, Any]:
        self._known(request["GroupName"], request["Name"])
        return self._put(request)

    def _known(self, group: str, name: str) -> ScheduleState:
        if (group, name) not in self.schedules:
            raise ServiceError("ResourceNotFoundException", 404, name)
        return self.schedules[group, name]

    def _get_schedule(self, GroupName: str, Name: str) -> dict[str, Any]:
        return dict(self._known(GroupName, Name).request)

    def _delete_schedule(self, GroupName: str, Name: str) -> dict[str, Any]:
        self._known(GroupName, Name)
        del self.schedules[GroupName, Name]
        return {}


@dataclass
class Ses:
    """SES version 2: keeps what was sent."""

    mails: list[dict[str, Any]] = field(default_factory=list)

    def methods(self) -> dict[str, Callable[..., Any]]:
        """What the client offers."""
        return {"send_email": self._send_email}

    def subjects(self) -> list[str]:
        """The subjects of all mails, in order."""
        return [mail["Content"]["Simple"]["Subject"]["Data"] for mail in self.mails]

    def bodies(self) -> list[str]:
        """The bodies of all mails, in order."""
        return [mail["Content"]["Simple"]["Body"]["Text"]["Data"] for mail in self.mails]

    def _send_email(self, **mail: Any) -> dict[str, Any]:
        self.mails.append(mail)
        return {"MessageId": str(len(self.mails))}
