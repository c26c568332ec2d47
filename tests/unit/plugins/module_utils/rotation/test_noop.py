# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Strategy noop: not one byte changes, and no old key is passed off as new."""

from __future__ import annotations

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    DocumentError,
    EventError,
    RotationError,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Act
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import (
    AWSCURRENT,
    AWSPENDING,
    AWSPREVIOUS,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World

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


@pytest.mark.parametrize("moment", ["setSecret", "testSecret", "finishSecret", 1, 2, 3, 4])
def test_a_binary_value_changed_by_hand_is_never_reverted(moment: str | int) -> None:
    """A person stores another value after createSecret has copied the old one: before a step, or a call of the last."""
    world = World()
    secret = world.secrets.add("/db", binary=b"\x00mark-old")
    token = world.secrets.start_rotation(secret)
    change = Act(lambda: world.secrets.put_by_hand(secret, None, b"\x00mark-by-hand"), 1)
    for step in STEPS[:3]:
        if step == moment:
            change.act()
        world.step(secret, token, step, "noop")
    if moment == "finishSecret":
        change.act()
    elif isinstance(moment, int):
        change.number = moment
        world.core.hooks = [change]
    with pytest.raises(RotationError):
        world.step(secret, token, "finishSecret", "noop")
    assert secret.versions[secret.labels[AWSCURRENT]].binary == b"\x00mark-by-hand"
    world.core.hooks = []
    secret.labels.pop(AWSPENDING, None)
    world.rotate(secret, strategy="noop")
    assert secret.versions[secret.labels[AWSCURRENT]].binary == b"\x00mark-by-hand"
