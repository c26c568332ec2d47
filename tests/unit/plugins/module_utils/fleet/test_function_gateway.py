# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A role, or a right of it, that is not yet everywhere is waited for; any other refusal is not."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.aws import CallError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.function import Wanted, plan
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.function_gateway import FunctionGateway

WANTED = Wanted("f", {"Role": "arn:role", "DeadLetterConfig": {"TargetArn": "arn:queue"}}, "arm64", "sha", "1" * 12)


class RefusedError(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.response = {"Error": {"Code": "InvalidParameterValueException", "Message": text}}


class Lambda:
    """Refuses the first creations."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.created: list[dict[str, Any]] = []

    def create_function(self, **arguments: Any) -> None:
        if self.refusals:
            raise RefusedError(self.refusals.pop(0))
        self.created.append(arguments)

    def add_permission(self, **_: Any) -> None: ...

    def get_waiter(self, _: str) -> Lambda:
        return self

    def wait(self, **_: Any) -> None: ...


def create(client: Lambda, timeout: int = 60) -> list[float]:
    slept: list[float] = []
    gateway = FunctionGateway(client, "f", timeout, now=lambda: sum(slept), sleep=slept.append)
    gateway.apply(plan(None, WANTED), WANTED, b"zip")
    return slept


@pytest.mark.parametrize(
    "text",
    [
        "The role defined for the function cannot be assumed by Lambda.",
        "The provided execution role does not have permissions to call SendMessage on SQS",
        "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
    ],
)
def test_iam_is_given_time(text: str) -> None:
    client = Lambda(text, text)
    assert len(create(client)) == 2
    assert client.created[0]["DeadLetterConfig"] == {"TargetArn": "arn:queue"}


def test_a_right_that_never_comes_is_told() -> None:
    text = "The provided execution role does not have permissions to call SendMessage on SQS"
    with pytest.raises(CallError, match="SendMessage on SQS"):
        create(Lambda(*[text] * 9), timeout=4)


def test_another_refusal_is_told_at_once() -> None:
    client = Lambda("The runtime is no longer supported")
    with pytest.raises(CallError, match="no longer supported"):
        create(client)
    assert client.refusals == []
