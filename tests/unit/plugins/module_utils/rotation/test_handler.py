# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The handler: whatever happens leaves as one of our errors, without a cause and without a value."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    ConfigurationError,
    EventError,
    RotationError,
)
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.handler import (
    iam_access_key,
    make_handler,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import Context, World

EVENT = {
    "Step": "createSecret",
    "SecretId": "arn:aws:secretsmanager:us-east-1:123456789012:secret:/acmecorp/x-AbCdEf",
    "ClientRequestToken": "token-1",
    "RotationToken": "mark-rotation-token",
    "Later": "mark-unknown-field",
}


class MarkedError(Exception):
    """Shows a value, as clients' exceptions do."""


@pytest.mark.parametrize("problem", [MarkedError("mark-value"), KeyError("mark-value"), ValueError("mark-value")])
def test_any_exception_leaves_as_ours_without_a_value(problem: Exception) -> None:
    world = World()

    def serve(*_: Any) -> str:
        raise problem

    context = Context(world.core, "rotation", 60, world.core.seconds)
    with pytest.raises(RotationError) as caught:
        make_handler(serve, world.runtime())(EVENT, context)
    shown = "".join(traceback.format_exception(caught.value)) + str(caught.value) + json.dumps(world.lines)
    assert "mark" not in shown
    assert type(problem).__name__ in str(caught.value)
    assert "test_handler.py:" in str(caught.value), "the place of the bug is told"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_real_client_error_shows_no_value_anywhere() -> None:
    world = World()
    secret, _ = world.enrol()
    token = world.secrets.start_rotation(secret)
    world.core.hooks = [Fault("error", action="secretsmanager:PutSecretValue", code="Denied", status=403)]
    with pytest.raises(RotationError) as caught:
        world.step(secret, token, "createSecret")
    assert "mark" not in "".join(traceback.format_exception(caught.value)) + json.dumps(world.lines)


def test_success_is_one_line_and_a_metric() -> None:
    world = World()
    secret = world.secrets.add("/db", "mark-value")
    token = world.secrets.start_rotation(secret)
    assert world.step(secret, token, "createSecret", "noop") == {"outcome": "succeeded"}
    (line,) = world.lines
    assert line["Served"] == 1
    assert line["outcome"] == "succeeded"
    assert (line["function"], line["step"], line["token"]) == ("rotation-noop", "createSecret", token)
    assert line["secret_id"] == secret.arn
    metrics = line["_aws"]["CloudWatchMetrics"][0]
    assert metrics["Namespace"] == "KeyRotation"
    assert metrics["Metrics"] == [{"Name": "Served", "Unit": "Count"}]
    assert all(name in line for dimensions in metrics["Dimensions"] for name in dimensions)
    assert abs(line["_aws"]["Timestamp"] - world.core.seconds * 1000) < 1000


def test_a_failure_is_one_line_and_a_metric() -> None:
    world = World()
    with pytest.raises(EventError):
        world.invoke({**EVENT, "Step": "mark-step" * 200})
    (line,) = world.lines
    assert line["Failed"] == 1
    assert (line["outcome"], line["error_type"]) == ("failed", "EventError")
    assert line["error"].startswith("unknown Step")
    assert "mark" not in json.dumps(line), "what has not the shape of a name or an id may be anything"
    assert (line["secret_id"], line["token"]) == (EVENT["SecretId"], EVENT["ClientRequestToken"])


@pytest.mark.parametrize("event", [None, [], "mark", 7, {}, {"SecretId": ["mark"]}])
def test_events_of_any_shape_are_refused(event: object) -> None:
    world = World()
    with pytest.raises(EventError) as caught:
        world.invoke(event)
    assert "mark" not in str(caught.value) + json.dumps(world.lines)
    assert world.core.calls == []


def test_an_environment_that_makes_no_sense_touches_nothing() -> None:
    world = World(GRACE_PERIOD_HOURS="3")
    secret, _ = world.enrol()
    with pytest.raises(ConfigurationError):
        world.step(secret, world.secrets.start_rotation(secret), "createSecret")
    assert world.core.calls == []


@pytest.mark.parametrize("qualifier", ["", ":live", ":7"])
def test_an_alias_is_no_part_of_the_function_that_a_schedule_calls(qualifier: str) -> None:
    world = World()
    secret, _ = world.enrol()
    token = world.secrets.start_rotation(secret)

    class Aliased(Context):
        @property
        def invoked_function_arn(self) -> str:
            return super().invoked_function_arn + qualifier

    for step in ("createSecret", "testSecret", "finishSecret"):
        context = Aliased(world.core, "rotation", 60, world.core.seconds)
        event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token}
        make_handler(iam_access_key, world.runtime())(event, context)
    (schedule,) = world.scheduler.schedules.values()
    assert schedule.request["Target"]["Arn"] == "arn:aws:lambda:us-east-1:123456789012:function:rotation"
