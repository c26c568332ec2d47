# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""From Lambda's event to a step or a retirement, and from any exception to an error without a value in it."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from . import settings as settings_of
from .errors import EventError, RotationError
from .event import LOGGED, RetireEvent, StepEvent, parse_event
from .gateway import SecretStore
from .iam_access_key import IamAccessKey
from .noop import Noop
from .protocol import run_step
from .retirement import retire
from .runtime import Invocation, Runtime
from .telemetry import Telemetry

Handler = Callable[[Any, Any], dict[str, str]]
Serve = Callable[["StepEvent | RetireEvent", SecretStore, Invocation], str]


def iam_access_key(event: StepEvent | RetireEvent, store: SecretStore, invocation: Invocation) -> str:
    """Serve strategy iam_access_key."""
    settings = settings_of.from_environment(invocation.runtime.environment)
    if isinstance(event, RetireEvent):
        return retire(event, store, settings, invocation)
    run_step(event, store, IamAccessKey(event, store, settings, invocation))
    return "succeeded"


def noop(event: StepEvent | RetireEvent, store: SecretStore, invocation: Invocation) -> str:
    """Serve strategy noop."""
    if isinstance(event, RetireEvent):
        raise EventError("strategy noop has no access keys to retire")
    run_step(event, store, Noop(event, store))
    return "succeeded"


def make_handler(serve: Serve, runtime: Runtime) -> Handler:
    """A Lambda handler.

    Args:
        serve: iam_access_key or noop.
        runtime: what the composition root has made.

    Returns:
        A function of event and context that gives {"outcome": ...} and raises nothing but RotationError, with no
        cause: AWS and JSON errors show values in their texts.
    """

    def handle(event: Any, context: Any) -> dict[str, str]:
        function_arn = _unqualified(context.invoked_function_arn)
        known = event if isinstance(event, Mapping) else {}
        telemetry = Telemetry(runtime.emit, runtime.clock, {"function": context.function_name, **_shown(known)})
        left = context.get_remaining_time_in_millis
        # Nothing of the time-out is used up yet, so what is left of it is the time-out.
        invocation = Invocation(runtime, telemetry, function_arn, math.ceil(left() / 1000), lambda: left() / 1000)
        try:
            parsed = parse_event(event, function_arn)
            store = SecretStore(runtime.clients.secretsmanager(), parsed.secret_id)
            outcome = serve(parsed, store, invocation)
        except Exception as problem:
            failure = problem if isinstance(problem, RotationError) else _without_value(problem)
            telemetry.count("Failed", outcome="failed", error_type=type(failure).__name__, error=str(failure))
            raise failure from None
        telemetry.count("Served", outcome=outcome)
        return {"outcome": outcome}

    return handle


def _without_value(problem: Exception) -> RotationError:
    """A bug in this package, told by its kind and place alone."""
    frame = traceback.extract_tb(problem.__traceback__)[-1]
    place = f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}"
    return RotationError(f"unexpected {type(problem).__name__} at {place}; please report it")


def _shown(event: Mapping[Any, Any]) -> dict[str, str]:
    """What of an event may be logged: names and ids of the right shape; never the RotationToken, or a value pasted."""
    fields = {field: event.get(name) for field, (name, _shape) in LOGGED.items()}
    return {
        field: value
        for field, value in fields.items()
        if isinstance(value, str) and LOGGED[field][1].fullmatch(value) is not None
    }


def _unqualified(function_arn: str) -> str:
    """A function's ARN without version or alias. Source: Lambda Developer Guide, configuration-versions."""
    return ":".join(function_arn.split(":")[:7])
