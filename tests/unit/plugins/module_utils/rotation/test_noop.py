# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Strategy noop: not one byte changes, and no old key is passed off as new."""

from __future__ import annotations

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import DocumentError, EventError
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import AWSCURRENT, AWSPREVIOUS
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import World

DATABASE = {"text": '{"user":  "app",\n "password": "mark-pässword", "port": 5432.0}'}


@pytest.mark.parametrize(
    "value", [DATABASE, {"text": "mark no json"}, {"text": ""}, {"binary": b"\x00\xff"}, {"binary": b""}]
)
def test_the_value_stays_byte_for_byte(value: dict) -> None:
    world = World()
    secret = world.secrets.add("/db", **value)
    for _ in range(3):
        token = world.rotate(secret, strategy="noop")
        version = secret.versions[token]
        assert (version.text, version.binary) == (value.get("text"), value.get("binary"))
        assert secret.labels[AWSCURRENT] == token
        assert secret.labels[AWSPREVIOUS] != token
    assert {call.action.split(":")[0] for call in world.core.calls} == {"secretsmanager"}


@pytest.mark.parametrize("step", ["createSecret", "testSecret", "finishSecret"])
@pytest.mark.parametrize(
    "value",
    [
        {"text": '{"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}'},
        {"text": '{"AWS_ACCESS_KEY_ID": 1}'},
        {"binary": b'{"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}'},
    ],
)
def test_an_access_key_is_refused(value: dict, step: str) -> None:
    world = World()
    secret = world.secrets.add("/db", **value)
    token = world.secrets.start_rotation(secret)
    with pytest.raises(DocumentError, match="iam_access_key"):
        world.step(secret, token, step, "noop")
    assert secret.versions[token].empty


def test_there_is_nothing_to_retire() -> None:
    world = World()
    secret = world.secrets.add("/db", **DATABASE)
    event = {"Action": "retire", "SecretId": secret.arn, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}
    with pytest.raises(EventError, match="no access keys"):
        world.invoke(event, "noop")
    assert world.core.calls == []
