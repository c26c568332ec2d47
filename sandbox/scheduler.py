# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""EventBridge Scheduler that fires: at(), rate() and cron() on the virtual clock, targets invoked as their role.

Source: EventBridge Scheduler API Reference and User Guide, "Schedule types".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from moto.scheduler.models import EventBridgeSchedulerBackend, Schedule
from moto.scheduler.responses import EventBridgeSchedulerResponse

from .clock import Timer
from .errors import refusal
from .patching import replace
from .schedule_expressions import ExpressionError, parse_cron, parse_rate
from .scheduler_target import Delivery, Targets, check_target
from .world import World

Operation = Callable[[EventBridgeSchedulerBackend, dict[str, Any]], dict[str, Any]]
_PAST_START_SECONDS = 300.0
"""How far in the past a StartDate may lie."""
_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_NAME = re.compile(r"[0-9a-zA-Z-_.]{1,64}")


@dataclass
class Plan:
    """What hangs on one schedule besides moto's own record."""

    group: str
    client_token: str | None
    firings: Iterator[float]
    timer: Timer | None = None


class Scheduler:
    """The schedules of one world. Public methods are called with world.lock held."""

    def __init__(self, world: World) -> None:
        self._clock = world.clock
        self._world = world
        self._targets = Targets(world)
        self._plans: dict[str, Plan] = {}
        """By schedule ARN."""
        world.resets.append(self._plans.clear)

    def create_schedule(self, backend: EventBridgeSchedulerBackend, params: dict[str, Any]) -> dict[str, Any]:
        """CreateSchedule: a repeated ClientToken is no conflict."""
        group = _group(backend, params)
        name = params["Name"]
        if name in group.schedules:
            there = group.schedules[name]
            token = params.get("ClientToken")
            if token and self._plans[there.arn].client_token == token:
                return {"ScheduleArn": there.arn}
            raise refusal("ConflictException", f"Schedule {name} already exists.", 409)
        schedule = self._checked(backend, group.name, params)
        group.add_schedule(schedule)
        self._plan(backend, schedule, params)
        return {"ScheduleArn": schedule.arn}

    def update_schedule(self, backend: EventBridgeSchedulerBackend, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateSchedule: replaces everything; what the call leaves out goes back to its default."""
        group = _group(backend, params)
        before = _existing(group, params["Name"])
        schedule = self._checked(backend, group.name, params)
        schedule.creation_date = before.creation_date
        group.add_schedule(schedule)
        self._forget(schedule.arn)
        self._plan(backend, schedule, params)
        return {"ScheduleArn": schedule.arn}

    def get_schedule(self, backend: EventBridgeSchedulerBackend, params: dict[str, Any]) -> dict[str, Any]:
        """GetSchedule."""
        shown = _existing(_group(backend, params), params["Name"]).to_dict()
        return {name: value for name, value in shown.items() if value is not None}

    def delete_schedule(self, backend: EventBridgeSchedulerBackend, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteSchedule."""
        group = _group(backend, params)
        self._forget(_existing(group, params["Name"]).arn)
        group.delete_schedule(params["Name"])
        return {}

    def delete_schedule_group(self, backend: EventBridgeSchedulerBackend, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteScheduleGroup, with everything in it."""
        group = _group(backend, {"GroupName": params["Name"]})
        if group.name == "default":
            raise refusal("ValidationException", "The default schedule group can't be deleted.")
        for schedule in group.schedules.values():
            self._forget(schedule.arn)
        backend.delete_schedule_group(group.name)
        return {}

    def create_schedule_group(self, backend: EventBridgeSchedulerBackend, params: dict[str, Any]) -> dict[str, Any]:
        """CreateScheduleGroup."""
        if params["Name"] in backend.schedule_groups:
            raise refusal("ConflictException", f"Schedule group {params['Name']} already exists.", 409)
        return {"ScheduleGroupArn": backend.create_schedule_group(params["Name"], params.get("Tags") or []).arn}

    def _checked(self, backend: EventBridgeSchedulerBackend, group: str, params: dict[str, Any]) -> Schedule:
        """moto's record of a schedule whose parameters AWS accepts."""
        if not _NAME.fullmatch(params["Name"]):
            raise refusal("ValidationException", f"Invalid schedule name {params['Name']!r}.")
        now = self._clock.now()
        start, end = params.get("StartDate"), params.get("EndDate")
        next_firings(params, now, new=True)
        if start is not None and start < now - _PAST_START_SECONDS:
            raise refusal("ValidationException", "The StartDate you specify cannot be earlier than 5 minutes ago.")
        if start is not None and end is not None and end <= start:
            raise refusal("ValidationException", "The EndDate must come after the StartDate.")
        _check_window(params.get("FlexibleTimeWindow") or {})
        check_target(backend.region_name, group, params["Target"])
        return Schedule(
            region=backend.region_name,
            account_id=backend.account_id,
            group_name=group,
            name=params["Name"],
            description=params.get("Description"),
            schedule_expression=params["ScheduleExpression"],
            schedule_expression_timezone=params.get("ScheduleExpressionTimezone"),
            flexible_time_window=params["FlexibleTimeWindow"],
            target=_with_defaults(params["Target"]),
            state=params.get("State"),
            kms_key_arn=params.get("KmsKeyArn"),
            start_date=start,
            end_date=end,
            action_after_completion=params.get("ActionAfterCompletion", "NONE"),
        )

    def _plan(self, backend: EventBridgeSchedulerBackend, schedule: Schedule, params: dict[str, Any]) -> None:
        firings = next_firings(params, self._clock.now())
        plan = Plan(schedule.group_name, params.get("ClientToken"), firings)
        self._plans[schedule.arn] = plan
        self._arm(backend, schedule, plan)

    def _arm(self, backend: EventBridgeSchedulerBackend, schedule: Schedule, plan: Plan) -> None:
        """Set the timer for the next firing; after the last one the schedule completes."""
        due = next(plan.firings, None)
        if due is not None:
            plan.timer = self._clock.call_at(due, lambda: self._fire(backend, schedule, plan, due))

    def _fire(self, backend: EventBridgeSchedulerBackend, schedule: Schedule, plan: Plan, due: float) -> None:
        with self._world.lock:
            if self._plans.get(schedule.arn) is not plan:
                return
            if schedule.state == "ENABLED":
                self._targets.deliver(Delivery(schedule.arn, schedule.name, plan.group, schedule.target, due))
            self._arm(backend, schedule, plan)
            completed = plan.timer is None or plan.timer.action is None
            if completed and schedule.action_after_completion == "DELETE" and schedule.state == "ENABLED":
                self._forget(schedule.arn)
                backend.schedule_groups[plan.group].delete_schedule(schedule.name)

    def _forget(self, arn: str) -> None:
        plan = self._plans.pop(arn, None)
        if plan is not None and plan.timer is not None:
            plan.timer.cancel()


def next_firings(params: dict[str, Any], now: float, new: bool = False) -> Iterator[float]:
    """Every moment at which a schedule fires from now on, epoch seconds.

    Args:
        params: ScheduleExpression, ScheduleExpressionTimezone, StartDate, EndDate (epoch seconds).
        now: epoch seconds.
        new: whether an at() in the past is refused.

    Returns:
        An iterator that may never end.
    """
    text = params["ScheduleExpression"]
    zone = _zone(params.get("ScheduleExpressionTimezone") or "UTC")
    start, end = params.get("StartDate"), params.get("EndDate")
    at = _AT.fullmatch(text)
    try:
        if at is not None:
            moment = datetime.fromisoformat(at[1]).replace(tzinfo=zone).timestamp()
            if new and moment <= now:
                raise refusal("ValidationException", f"Invalid Schedule Expression {text}: it lies in the past.")
            return iter([moment])
        if text.startswith("rate("):
            return _until(_rate_moments(parse_rate(text), start, now), end)
        cron = parse_cron(text)
    except (ExpressionError, ValueError):
        raise refusal("ValidationException", f"Invalid Schedule Expression {text}.") from None
    if str(zone) != "UTC":
        raise refusal("ValidationException", "The embedded AWS evaluates cron() in UTC only.")
    return _until(cron.moments(max(now, start or now)), end)


def install(world: World) -> None:
    """Put these operations in the place of moto's."""
    scheduler = Scheduler(world)
    for name in (name for name in vars(Scheduler) if not name.startswith("_")):
        replace(EventBridgeSchedulerResponse, name, _handler(getattr(scheduler, name)))


def _handler(
    operation: Callable[[EventBridgeSchedulerBackend, dict[str, Any]], dict[str, Any]],
) -> Callable[[Any], str]:
    def handle(response: Any) -> str:
        params = json.loads(response.body) if response.body else {}
        params["Name"] = response.uri.split("?")[0].rsplit("/", 1)[-1]
        group = response.querystring.get("groupName")
        if group:
            params["GroupName"] = group[0]
        return json.dumps(operation(response.scheduler_backend, params))

    return handle


def _group(backend: EventBridgeSchedulerBackend, params: dict[str, Any]) -> Any:
    name = params.get("GroupName") or "default"
    if name not in backend.schedule_groups:
        raise refusal("ResourceNotFoundException", f"Schedule group {name} does not exist.", 404)
    return backend.schedule_groups[name]


def _existing(group: Any, name: str) -> Any:
    if name not in group.schedules:
        raise refusal("ResourceNotFoundException", f"Schedule {name} does not exist.", 404)
    return group.schedules[name]


def _with_defaults(target: dict[str, Any]) -> dict[str, Any]:
    policy = {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185, **(target.get("RetryPolicy") or {})}
    return {**target, "RetryPolicy": policy}


def _check_window(window: dict[str, Any]) -> None:
    if window.get("Mode") not in ("OFF", "FLEXIBLE"):
        raise refusal("ValidationException", "FlexibleTimeWindow.Mode must be OFF or FLEXIBLE.")
    if (window["Mode"] == "FLEXIBLE") != ("MaximumWindowInMinutes" in window):
        raise refusal("ValidationException", "MaximumWindowInMinutes belongs to a FLEXIBLE time window only.")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise refusal("ValidationException", f"Invalid ScheduleExpressionTimezone {name}.") from None


def _rate_moments(interval: float, start: float | None, now: float) -> Iterator[float]:
    """From StartDate on, one every interval; without one the first at once. Moments that are past are left out."""
    moment = now if start is None else start
    if moment < now:
        moment += -(-(now - moment) // interval) * interval
    while True:
        yield moment
        moment += interval


def _until(moments: Iterator[float], end: float | None) -> Iterator[float]:
    for moment in moments:
        if end is not None and moment > end:
            return
        yield moment
