# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""AWS calls: what an error says, whether the request surely had no effect, and that no value shows."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import AwsError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.gateway import SecretStore, Version, call
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Fault, ReadTimeoutError, ServiceError
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import Clients, World


class ParamValidationError(Exception):
    """As botocore's: shows the values it refuses."""


@pytest.mark.parametrize(
    ("problem", "code", "refused"),
    [
        (ServiceError("LimitExceeded", 409, "mark"), "LimitExceeded", True),
        (ServiceError("Throttling", 400), "Throttling", True),
        (ServiceError("AccessDenied", 403), "AccessDenied", True),
        (ServiceError("InternalFailure", 500, "mark"), "InternalFailure", False),
        (ServiceError("ServiceUnavailable", 503), "ServiceUnavailable", False),
        (ServiceError("Odd", 302), "Odd", False),
        (ReadTimeoutError("mark"), "ReadTimeoutError", False),
        (ConnectionError("mark"), "ConnectionError", False),
        (ParamValidationError("mark"), "ParamValidationError", True),
        (KeyError("mark"), "KeyError", False),
    ],
)
def test_errors_are_made_of_names_and_codes(problem: Exception, code: str, refused: bool) -> None:
    def method(**arguments: Any) -> None:
        raise problem

    with pytest.raises(AwsError) as caught:
        call("iam:CreateAccessKey", method, Value="mark-value")
    assert (caught.value.action, caught.value.code, caught.value.refused) == ("iam:CreateAccessKey", code, refused)
    assert str(caught.value) == f"iam:CreateAccessKey failed: {code}"
    assert "mark" not in "".join(traceback.format_exception(caught.value)).replace("mark-value", "", 1)


def test_a_refusal_after_a_repeat_does_not_say_that_nothing_happened() -> None:
    """The client repeats what got no answer: the first request may have had its effect."""
    problem = ServiceError("AccessDenied", 403)
    problem.response["ResponseMetadata"]["RetryAttempts"] = 1

    def method() -> None:
        raise problem

    with pytest.raises(AwsError) as caught:
        call("secretsmanager:PutSecretValue", method)
    assert not caught.value.refused


def test_an_answer_without_a_code_shows_its_status() -> None:
    problem = ServiceError("x")
    problem.response = {"ResponseMetadata": {"HTTPStatusCode": 502}}

    def method() -> None:
        raise problem

    with pytest.raises(AwsError, match="failed: 502"):
        call("iam:GetUser", method)


@pytest.mark.parametrize(
    ("code", "label", "none"),
    [
        ("ResourceNotFoundException", None, True),
        ("ResourceNotFoundException", "AWSPENDING", True),
        ("InvalidRequestException", "AWSPENDING", True),
        ("InvalidRequestException", None, False),
        ("DecryptionFailure", "AWSPENDING", False),
    ],
)
def test_only_a_missing_value_is_none(code: str, label: str | None, none: bool) -> None:
    world = World()
    secret = world.secrets.add("s", "mark-text")
    store = SecretStore(Clients(world).secretsmanager(), secret.arn)
    world.core.hooks = [Fault("error", code=code, status=400)]
    version = secret.labels["AWSCURRENT"]
    if none:
        assert store.value(version, label) is None
    else:
        with pytest.raises(AwsError, match=code):
            store.value(version, label)


def test_all_pages_of_versions_are_read() -> None:
    world = World()
    secret = world.secrets.add("s", "v0")
    for number in range(1, 7):
        world.secrets.put_by_hand(secret, f"v{number}")
    listed = SecretStore(Clients(world).secretsmanager(), secret.arn).versions()
    assert len(listed) == 7
    assert sum(not version.labels for version in listed) == 5


def test_a_version_shows_no_value() -> None:
    world = World()
    assert "mark" not in repr(Version("v", world.core.now(), "mark-text", b"mark-binary"))
