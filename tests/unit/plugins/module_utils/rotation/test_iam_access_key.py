# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Strategy iam_access_key, step by step."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    AwsError,
    BindingError,
    DocumentError,
    ProofError,
    RotationError,
    SlotError,
    SupersededError,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory import iam
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Act, Crash, Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.iam import Key
from ansible_collections.evergreen.key_rotation.tests.unit.memory.invariants import settled
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import AWSPENDING, SecretState
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World, document
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.room import (
    MINUTES,
    rotate_with_retries,
)

USER = "acmecorp-ai"
GRACE = "key-rotation:grace-period-hours"
PUT = "secretsmanager:PutSecretValue"
CREATE = "iam:CreateAccessKey"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def enrolled(world: World) -> tuple[SecretState, Key]:
    return world.enrol(USER, port=5432)


def pending(world: World, secret: SecretState, steps: int = 1) -> str:
    token = world.secrets.start_rotation(secret)
    for step in STEPS[:steps]:
        world.step(secret, token, step)
    return token


def test_a_steady_rotation_makes_at_most_twenty_calls_but_the_mail(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    for _ in range(3):
        before = len(world.core.calls)
        world.rotate(secret)
        made = [action for action in world.core.actions()[before:] if action != "ses:SendEmail"]
        assert len(made) <= 20, made
        world.advance(85 * 24)
    assert "iam:DeleteAccessKey" in made, "the steady state frees a slot"


def test_the_users_fields_survive_and_the_key_is_new(world: World, enrolled: Any) -> None:
    secret, old = enrolled
    world.rotate(secret)
    now = json.loads(secret.text() or "")
    assert now.pop("AWS_ACCESS_KEY_ID") != old.key_id
    assert now.pop("AWS_SECRET_ACCESS_KEY") != old.secret
    assert now == {
        "USER_NAME": USER,
        "NOTIFY_EMAIL": "platform@acmecorp.com",
        "password": "mark-password",
        "port": 5432,
    }
    assert json.loads(secret.text("AWSPREVIOUS") or "")["AWS_ACCESS_KEY_ID"] == old.key_id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": "key-rotation:secret", "value": None}, BindingError),
        ({"name": "key-rotation:secret", "value": "arn:other"}, BindingError),
    ],
)
@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
def test_an_unbound_user_gets_no_key(world: World, enrolled: Any, step: str, change: dict, error: type) -> None:
    secret, _ = enrolled
    token = pending(world, secret, 3 if step == "finishSecret" else 0)
    tags = world.iam.users[USER].tags
    if change["value"] is None:
        del tags[change["name"]]
    else:
        tags[change["name"]] = change["value"]
    keys, current = len(world.iam.keys(USER)), secret.text()
    with pytest.raises(error):
        world.step(secret, token, step)
    assert (len(world.iam.keys(USER)), secret.text()) == (keys, current)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("mark-no-json", DocumentError),
        ('{"password": "mark"}', DocumentError),
        ('{"USER_NAME": "nobody", "password": "mark"}', BindingError),
        ('{"USER_NAME": "ACMECORP-AI", "password": "mark"}', BindingError),
    ],
)
def test_a_document_that_claims_nonsense_is_refused(world: World, enrolled: Any, text: str, error: type) -> None:
    secret, _ = enrolled
    world.secrets.put_by_hand(secret, text)
    for steps in ("createSecret", "testSecret"):
        token = secret.labels.get(AWSPENDING) or world.secrets.start_rotation(secret)
        with pytest.raises(error) as caught:
            world.step(secret, token, steps)
        assert "mark" not in str(caught.value)
    assert len(world.iam.keys(USER)) == 1


def test_a_binary_secret_is_refused(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    world.secrets.put_by_hand(secret, None, b"mark-binary")
    with pytest.raises(DocumentError, match="binary"):
        pending(world, secret)


def rotates_once_its_orphan_is_quiet(world: World, secret: SecretState, token: str, orphan: bool) -> None:
    """IAM reports a use hours late: no sooner may a key that no version names be deleted."""
    if orphan:
        for _ in range(2):
            with pytest.raises(SlotError, match="is in no version of the secret"):
                world.rotate(secret, token)
            world.core.sleep(11.9 * 3600 / 2)
        world.core.sleep(0.2 * 3600)
    world.rotate(secret, token)
    assert len(world.iam.keys(USER)) == 2


@pytest.mark.parametrize("kind", ["error", "timeout", "crash"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failing_create_makes_at_most_an_orphan(world: World, enrolled: Any, kind: Any, when: Any) -> None:
    secret, _ = enrolled
    fault = Fault(kind, action=CREATE, when=when)
    world.core.hooks = [fault]
    token = world.secrets.start_rotation(secret)
    with pytest.raises((AwsError, Crash)):
        world.step(secret, token, "createSecret")
    assert world.core.actions().count(CREATE) == 1, "CreateAccessKey is never repeated blindly"
    assert len(world.iam.keys(USER)) == (2 if when == "after" else 1)
    rotates_once_its_orphan_is_quiet(world, secret, token, when == "after")


def test_a_throttled_create_is_repeated_while_time_is_left(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    world.core.hooks = [Fault("error", 1, CREATE, code="Throttling", status=400) for _ in range(3)]
    pending(world, secret)
    assert world.core.actions().count(CREATE) == 4


def test_a_create_that_stays_throttled_ends_with_time_to_spare(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    world.core.hooks = [Fault("error", 0, CREATE, code="Throttling", status=400)]
    began = world.core.seconds
    with pytest.raises(AwsError, match="Throttling"):
        pending(world, secret)
    assert world.core.seconds - began <= 60 - 30
    assert len(world.iam.keys(USER)) == 1


def test_no_key_is_made_with_too_little_time(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    world.timeout_seconds = 30
    with pytest.raises(RotationError, match="too little"):
        pending(world, secret)
    assert CREATE not in world.core.actions()


@pytest.mark.parametrize(
    ("faults", "raises", "keys"),
    [
        ([Fault("error", action=PUT, when="before", code="Denied", status=403)], True, 1),
        ([Fault("error", action=PUT, when="before", code="InternalFailure", status=500)], True, 2),
        ([Fault("timeout", action=PUT, when="before")], True, 2),
        ([Fault("timeout", action=PUT, when="after")], False, 2),
        ([Fault("error", action=PUT, when="after", status=500)], False, 2),
        ([Fault("error", action=PUT, when="after", code="Throttling", status=400)], False, 2),
        (
            [
                Fault("error", action=PUT, code="Denied", status=403),
                Fault("error", 3, "secretsmanager:GetSecretValue"),
            ],
            True,
            2,
        ),
        (
            [Fault("error", action=PUT, code="Denied", status=403), Fault("error", action="iam:DeleteAccessKey")],
            True,
            2,
        ),
    ],
)
def test_a_failing_put_is_read_back_and_compensated(
    world: World, enrolled: Any, faults: list[Fault], raises: bool, keys: int
) -> None:
    secret, _ = enrolled
    world.core.hooks = [replace(fault) for fault in faults]
    token = world.secrets.start_rotation(secret)
    if raises:
        with pytest.raises(AwsError, match="PutSecretValue"):
            world.step(secret, token, "createSecret")
    else:
        world.step(secret, token, "createSecret")
    assert len(world.iam.keys(USER)) == keys
    assert all(hook.struck for hook in world.core.hooks)  # type: ignore[attr-defined]
    world.core.hooks = []
    rotates_once_its_orphan_is_quiet(world, secret, token, raises and keys == 2)


def test_a_value_that_another_attempt_stored_meanwhile_wins(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    token = world.secrets.start_rotation(secret)
    other = document(USER, Key("AKIAOTHERATTEMPT0001", "mark-other", world.core.seconds))
    world.core.hooks = [Act(lambda: setattr(secret.versions[token], "text", other), action=PUT)]
    with pytest.raises(AwsError, match="ResourceExistsException"):
        world.step(secret, token, "createSecret")
    assert secret.versions[token].text == other
    assert len(world.iam.keys(USER)) == 1, "our own key, which nobody knows, is deleted"


def test_a_repeated_create_makes_no_second_key(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    token = pending(world, secret)
    world.step(secret, token, "createSecret")
    assert world.core.actions().count(CREATE) == 1


def test_a_pending_key_that_is_not_listed_yet_is_waited_for_and_then_given_up(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    world.iam.listed_after_seconds = 10_000
    token = pending(world, secret)
    world.core.sleep(590)
    with pytest.raises(ProofError, match="does not list the pending key"):
        world.step(secret, token, "createSecret")
    assert secret.labels[AWSPENDING] == token
    world.core.sleep(10)
    with pytest.raises(SupersededError, match="Inactive or gone"):
        world.step(secret, token, "createSecret")
    assert AWSPENDING not in secret.labels


def test_a_pending_key_that_was_switched_off_is_given_up(world: World, enrolled: Any) -> None:
    secret, _ = enrolled
    token = pending(world, secret)
    world.iam.keys(USER)[-1].active = False
    with pytest.raises(SupersededError, match="Inactive or gone"):
        world.step(secret, token, "createSecret")
    world.core.sleep(121)
    world.rotate(secret)
    assert len(world.iam.keys(USER)) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"USER_NAME": "another"},
        {"password": "mark-by-hand"},
        {"AWS_ACCESS_KEY_ID": "AKIA0000000000000001"},
        {"AWS_ACCESS_KEY_ID": "mark-secret-in-the-wrong-field"},
        {"AWS_ACCESS_KEY_ID": None},
        None,
    ],
)
@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
def test_a_pending_value_that_is_no_rotation_of_the_current_one_is_given_up(
    world: World, enrolled: Any, step: str, change: dict | None
) -> None:
    secret, _ = enrolled
    token = pending(world, secret)
    fields = {**json.loads(secret.versions[token].text or ""), **(change or {})}
    secret.versions[token].text = json.dumps(fields) if change else "mark-no-json"
    before = secret.text()
    with pytest.raises(SupersededError) as caught:
        world.step(secret, token, step)
    assert "mark" not in str(caught.value)
    assert AWSPENDING not in secret.labels
    assert secret.text() == before


def test_a_user_that_the_role_may_not_ask_after_is_named_with_the_way_out(world: World, enrolled: Any) -> None:
    """A deleted user carries no tag, so AWS answers AccessDenied and not NoSuchEntity."""
    secret, _ = enrolled
    token = world.secrets.start_rotation(secret)
    world.core.hooks = [Fault("error", action="iam:GetUser", code="AccessDenied", status=403)]
    with pytest.raises(BindingError, match=f"user {USER} does not exist, or is not bound .*deploy binds it"):
        world.step(secret, token, "createSecret")


@pytest.mark.parametrize("same_token", [True, False])
@pytest.mark.parametrize("steady", [True, False])
def test_a_third_key_that_iam_lets_through_in_a_burst_does_not_stay(
    world: World, enrolled: Any, monkeypatch: pytest.MonkeyPatch, steady: bool, same_token: bool
) -> None:
    """createSecret runs twice at once, with one token or two, and both make a key before IAM counts."""
    secret, _ = enrolled
    if steady:
        world.rotate(secret)
        world.advance(85 * 24)
    current = world.current_key(secret)
    monkeypatch.setattr(iam, "KEYS_PER_USER", 3)
    token = world.secrets.start_rotation(secret)

    def another() -> None:
        if not same_token:
            del secret.labels[AWSPENDING]
        world.step(secret, token if same_token else world.secrets.start_rotation(secret), "createSecret")

    world.core.hooks = [Act(another, action=CREATE)]
    with contextlib.suppress(RotationError):
        world.step(secret, token, "createSecret")
    world.core.hooks = []
    monkeypatch.undo()
    assert world.core.actions().count(CREATE) == 2 + steady
    assert len(world.iam.keys(USER)) == (2 if same_token else 3), (
        "of one token, the one that came too late is taken back"
    )
    assert world.current_key(secret) is current
    assert secret.text(AWSPENDING) is not None
    world.core.sleep(121)
    world.rotate(secret, secret.labels[AWSPENDING])
    world.advance(85 * 24)
    assert len(rotate_with_retries(world, secret, MINUTES)) == (not same_token), "a lost attempt may live for minutes"
    world.advance(25)
    assert [key.active for key in world.iam.keys(USER)] == [False, True]
    settled(world, secret, USER)
