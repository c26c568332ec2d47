# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Events: what is served, and what is refused before anything is touched."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import EventError, RotationError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.event import (
    RetireEvent,
    StepEvent,
    is_key_id,
    parse_event,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:rotation"
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/acmecorp/x-AbCdEf"
STEP = {"Step": "createSecret", "SecretId": SECRET, "ClientRequestToken": "t", "RotationToken": "mark-token"}
RETIRE = {"Action": "retire", "SecretId": SECRET, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}


@pytest.mark.parametrize("step", ["createSecret", "setSecret", "testSecret", "finishSecret"])
def test_each_step_is_read_and_unknown_fields_are_tolerated(step: str) -> None:
    event = parse_event({**STEP, "Step": step, "Later": {"x": 1}}, FUNCTION)
    assert event == StepEvent(step, SECRET, "t", "mark-token")  # type: ignore[arg-type]
    assert "mark" not in repr(event)


@pytest.mark.parametrize("token", ["", None, 7])
def test_a_rotation_token_is_optional(token: Any) -> None:
    event = parse_event({**STEP, "RotationToken": token}, FUNCTION)
    assert isinstance(event, StepEvent)
    assert event.rotation_token is None


def test_a_retirement_is_read() -> None:
    assert parse_event({**RETIRE, "Later": 1}, FUNCTION) == RetireEvent(SECRET, "AKIAIOSFODNN7EXAMPLE")


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (None, "no JSON object"),
        ([STEP], "no JSON object"),
        ("createSecret", "no JSON object"),
        ({}, "no SecretId"),
        ({**STEP, "SecretId": 7}, "no SecretId"),
        ({**STEP, "SecretId": "/acmecorp/x"}, "not the ARN"),
        ({**STEP, "SecretId": SECRET.replace("secretsmanager", "s3")}, "not the ARN"),
        ({**STEP, "SecretId": SECRET + " mark"}, "not the ARN"),
        ({**STEP, "SecretId": SECRET + "\n"}, "not the ARN"),
        ({**STEP, "SecretId": SECRET.replace("us-east-1", "eu-west-1")}, "another account or Region"),
        ({**STEP, "SecretId": SECRET.replace("123456789012", "210987654321")}, "another account or Region"),
        ({**STEP, "SecretId": SECRET.replace("arn:aws:", "arn:aws-cn:")}, "another account or Region"),
        ({**STEP, "Step": "mark-step"}, "unknown Step"),
        ({**STEP, "Step": "createsecret"}, "unknown Step"),
        ({**STEP, "Step": None}, "no Step"),
        ({"SecretId": SECRET}, "no Step"),
        ({**STEP, "ClientRequestToken": ""}, "no ClientRequestToken"),
        ({**RETIRE, "Action": "mark-delete"}, "unknown Action"),
        ({**RETIRE, "Action": None}, "unknown Action"),
        ({**RETIRE, "AccessKeyId": ""}, "no AccessKeyId"),
        ({**RETIRE, "AccessKeyId": "mark"}, "does not look like"),
        ({**RETIRE, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE/../x"}, "does not look like"),
        ({**RETIRE, "SecretId": SECRET.replace("us-east-1", "eu-west-1")}, "another account or Region"),
    ],
)
def test_everything_else_is_refused(event: object, words: str) -> None:
    with pytest.raises(EventError, match=words) as caught:
        parse_event(event, FUNCTION)
    assert "mark" not in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "AKIA", "none yet, a placeholder", "akiaiosfodnn7example", "A" * 129])
def test_a_placeholder_is_no_key_id(text: str | None) -> None:
    assert not is_key_id(text)


@pytest.mark.parametrize(("hours", "outcome"), [(1, "waiting"), (48, "retired")])
def test_whoever_may_only_invoke_the_function_changes_nothing(hours: float, outcome: str) -> None:
    """Within the grace period and after it: each step with each token that there is, a retirement of each key.

    After it the other service account's old key is due, and its retirement asked for: by its own events only.
    """
    world = World()
    secret, old = world.enrol("acmecorp-ai")
    other, _ = world.enrol("ecr-deployments")
    for account in (secret, other):
        world.rotate(account)
    world.core.sleep(hours * 3600)
    assert world.retire(secret, old.key_id) == outcome
    world.ses.mails.clear()

    def state() -> str:
        return repr((world.secrets.secrets, world.iam.users, world.scheduler.schedules, world.ses.mails))

    before = state()
    tokens = [*secret.versions, *other.versions, "11111111-0000-4000-8000-000000000000"]
    keys = [key.key_id for user in world.iam.users.values() for key in user.keys]
    forged: list[dict[str, str]] = [
        *({"Step": step, "SecretId": secret.arn, "ClientRequestToken": token} for step in STEPS for token in tokens),
        *({**RETIRE, "SecretId": secret.arn, "AccessKeyId": key_id} for key_id in (*keys, "AKIAIOSFODNN7EXAMPLE")),
    ]
    for event in forged:
        with contextlib.suppress(RotationError):
            world.invoke(event)
        assert state() == before, event
