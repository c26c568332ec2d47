# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A schedule group of EventBridge Scheduler: there, or gone. No other collection has a module for it."""

from __future__ import annotations

from typing import Any

from .aws import Client, call, call_or_none

_MISSING = ("ResourceNotFoundException",)
_ACTIVE = "ACTIVE"


def bring_about(client: Client, name: str, present: bool, check_mode: bool) -> dict[str, Any]:
    """Make or delete a schedule group.

    Deleting one deletes the schedules in it: retirements that are still due would never happen.

    Returns:
        The module's result.

    Raises:
        CallError: refused.
    """
    answer = call_or_none("scheduler:GetScheduleGroup", client.get_schedule_group, _MISSING, Name=name)
    there = answer is not None and answer.get("State", _ACTIVE) == _ACTIVE
    changed = there != present
    if changed and not check_mode:
        if present:
            call("scheduler:CreateScheduleGroup", client.create_schedule_group, Name=name)
        else:
            call_or_none("scheduler:DeleteScheduleGroup", client.delete_schedule_group, _MISSING, Name=name)
    states = {True: {"schedule_group": name}, False: {}}
    return {"changed": changed, "diff": {"before": states[there], "after": states[present]}}
