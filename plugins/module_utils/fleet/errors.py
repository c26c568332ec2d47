# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Errors of the fleet package. Each text names the thing, what was found and the way out; never a value."""

from __future__ import annotations


class FleetError(Exception):
    """What was asked for cannot be done."""


class ScheduleError(FleetError):
    """A schedule, or its window, is not one that Secrets Manager accepts."""


class StateError(FleetError):
    """What AWS holds does not fit what the inventory asks for."""


class WaitError(FleetError):
    """AWS did not reach the awaited state before the deadline."""
