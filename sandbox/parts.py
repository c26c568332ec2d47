# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The parts of the embedded AWS, in the order in which they are installed."""

from __future__ import annotations

from collections.abc import Callable

from . import (
    event_targets,
    identity,
    lambda_function,
    log_filter,
    mail,
    moto_speed,
    moto_time,
    scanning,
    scheduler,
    secretsmanager,
)
from .world import World

Install = Callable[[World], None]

PARTS: tuple[Install, ...] = (
    moto_time.install,
    moto_speed.install,
    identity.install,
    mail.install,
    log_filter.install,
    lambda_function.install,
    secretsmanager.install,
    scheduler.install,
    event_targets.install,
    scanning.install,
)
"""Each patches moto for one world; it runs again, on moto's own functions, for the next world of the process."""
