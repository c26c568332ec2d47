# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Events: what is served, and what is refused before anything is touched."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import EventError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.event import (
    RetireEvent,
    StepEvent,
    is_key_id,
    parse_event,
)

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
