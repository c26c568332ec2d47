# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The handler: whatever happens leaves as one of our errors, without a cause and without a value."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from boto3.session import Session
from botocore.exceptions import ParamValidationError

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    ConfigurationError,
    EventError,
    RotationError,
)
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.handler import (
    iam_access_key,
    make_handler,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Call, Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.invariants import silent
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import SecretState
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, Context, World

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


def run_to_the_retirement(world: World, secret: SecretState) -> tuple[int, list[BaseException]]:
    """A rotation, step by step whatever fails, and its retirement; gives how many calls were made, and all errors."""
    problems: list[BaseException] = []
    before = len(world.core.calls)
    token = world.secrets.start_rotation(secret)
    events: list[dict[str, str]] = [
        *({**EVENT, "Step": step, "SecretId": secret.arn, "ClientRequestToken": token} for step in STEPS),
        {"Action": "retire", "SecretId": secret.arn, "AccessKeyId": world.iam.keys("acmecorp-ai")[-1].key_id},
    ]
    for event in events:
        if "Action" in event:
            world.core.sleep(25 * 3600)
        try:
            world.invoke(event)
        except RotationError as problem:
            problems.append(problem)
    return len(world.core.calls) - before, problems


def steady() -> tuple[World, SecretState]:
    """A secret that has rotated once, 85 days ago."""
    world = World()
    secret, _ = world.enrol()
    world.rotate(secret)
    world.advance(85 * 24)
    world.lines.clear()
    return world, secret


def test_botocores_own_validation_error_shows_its_values_nowhere() -> None:
    """Each call in turn is refused by the real client before it is sent, with an error that shows what it was given."""
    client = Session().client("secretsmanager", region_name="us-east-1")
    shown: list[str] = []
    due: list[int] = []

    def refuse(call: Call, when: str) -> None:
        if when == "before":
            due[0] -= 1
        if when == "before" and due[0] == 0:
            try:
                client.put_secret_value(SecretId=dict(call.arguments), SecretString=["mark-value"])
            except ParamValidationError as problem:
                shown.append(str(problem))
                raise

    calls, _ = run_to_the_retirement(*steady())
    for number in range(1, calls + 1):
        world, secret = steady()
        due[:] = [number]
        world.core.hooks = [refuse]
        _, problems = run_to_the_retirement(world, secret)
        silent(world, problems)
    assert len(shown) == calls > 20
    assert all("mark-value" in text for text in shown), "the real error shows values; else nothing is proven"
    assert any("mark-rotation-token" in text for text in shown)
    assert any("mark-password" in text for text in shown)


@pytest.mark.parametrize("text", ["mark-no-json", '{"mark": ', '["mark-list"]', '{"password": "mark"}', "mark\ud800"])
@pytest.mark.parametrize("label", ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"])
def test_a_value_that_is_no_json_shows_nowhere(label: str, text: str) -> None:
    """In each labelled version in turn: the steps, the slot rules and the retirement read them all."""
    world, secret = steady()
    token = world.secrets.start_rotation(secret)
    secret.versions[secret.labels[label]].text = text
    world.iam.keys("acmecorp-ai")[0].active = True
    problems: list[BaseException] = []
    retire = {"Action": "retire", "SecretId": secret.arn, "AccessKeyId": world.iam.keys("acmecorp-ai")[0].key_id}
    for event in [*({**EVENT, "Step": s, "SecretId": secret.arn, "ClientRequestToken": token} for s in STEPS), retire]:
        try:
            world.invoke(event)
        except RotationError as problem:
            problems.append(problem)
    assert problems, "nothing was provoked"
    silent(world, problems)
    assert not any("unexpected" in str(problem) for problem in problems), problems
