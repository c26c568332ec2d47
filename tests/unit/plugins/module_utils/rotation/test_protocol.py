# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The four steps in each state of the labels, with either strategy."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    AwsError,
    EventError,
    ProofError,
    RotationError,
    SupersededError,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.core import Act, Fault
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import (
    AWSCURRENT,
    AWSPENDING,
    AWSPREVIOUS,
    SecretState,
)
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, Strategy, World
from ansible_collections.evergreen.key_rotation.tests.unit.plugins.module_utils.rotation.room import (
    MINUTES,
    rotate_with_retries,
)

STRATEGIES: list[Strategy] = ["iam_access_key", "noop"]
WORKING_STEPS = ["createSecret", "testSecret", "finishSecret"]


def start(strategy: Strategy) -> tuple[World, SecretState]:
    world = World()
    if strategy == "iam_access_key":
        return world, world.enrol()[0]
    return world, world.secrets.add("/acmecorp/prod/database/credentials", '{"password": "mark-password"}')


def state(world: World) -> str:
    """Everything that a step could change, but the journal."""
    return repr((world.secrets.secrets, world.iam.users, world.scheduler.schedules, world.ses.mails))


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("step", WORKING_STEPS)
def test_an_unknown_token_touches_nothing(step: str, strategy: Strategy) -> None:
    world, secret = start(strategy)
    world.secrets.start_rotation(secret)
    before = state(world)
    with pytest.raises(EventError, match="unknown or an older token"):
        world.step(secret, "11111111-0000-4000-8000-000000000000", step, strategy)
    assert state(world) == before


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("step", WORKING_STEPS)
def test_an_older_token_touches_nothing(step: str, strategy: Strategy) -> None:
    world, secret = start(strategy)
    token = world.rotate(secret, strategy=strategy)
    world.advance(85 * 24)
    world.rotate(secret, strategy=strategy)
    before = state(world)
    with pytest.raises(EventError, match="unknown or an older token"):
        world.step(secret, token, step, strategy)
    assert state(world) == before


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
def test_nothing_is_done_while_rotation_is_off(step: str, strategy: Strategy) -> None:
    world, secret = start(strategy)
    token = world.secrets.start_rotation(secret)
    secret.rotation_enabled = False
    before = state(world)
    with pytest.raises(EventError, match="is off; nothing to do"):
        world.step(secret, token, step, strategy)
    assert state(world) == before


@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
def test_a_roll_back_holds_the_secret(step: str) -> None:
    world, secret = start("iam_access_key")
    token = world.rotate(secret)
    secret.labels[AWSPENDING] = secret.labels[AWSPREVIOUS]
    for candidate in (token, secret.labels[AWSPREVIOUS]):
        before = state(world)
        with pytest.raises(EventError, match="roll-back"):
            world.step(secret, candidate, step)
        assert state(world) == before


@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
def test_what_cannot_be_read_is_not_taken_for_the_end_of_a_roll_back(step: str) -> None:
    world, secret = start("iam_access_key")
    token = world.rotate(secret)
    secret.labels[AWSPENDING] = secret.labels[AWSPREVIOUS]
    for number in (1, 2):
        world.core.hooks = [Fault("error", number, "secretsmanager:GetSecretValue")]
        before = state(world)
        with pytest.raises(AwsError, match="GetSecretValue"):
            world.step(secret, token, step)
        assert state(world) == before


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
def test_an_edit_right_after_the_move_is_no_roll_back(step: str, strategy: Strategy) -> None:
    """AWSPREVIOUS and AWSPENDING are on one version, but with AWSCURRENT's key, or none: the label is let go."""
    world, secret = start(strategy)
    token = world.secrets.start_rotation(secret)
    for each in STEPS:
        world.step(secret, token, each, strategy)
    by_hand = (secret.text() or "").replace("mark-password", "mark-by-hand")
    world.secrets.put_by_hand(secret, by_hand)
    assert secret.labels[AWSPENDING] == secret.labels[AWSPREVIOUS] == token
    with pytest.raises(SupersededError, match="AWSPENDING is taken off"):
        world.step(secret, token, step, strategy)
    assert AWSPENDING not in secret.labels
    world.advance(26)
    world.rotate(secret, strategy=strategy)
    assert "mark-by-hand" in (secret.text() or "")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_replay_of_every_step_after_success_changes_nothing(strategy: Strategy) -> None:
    world, secret = start(strategy)
    token = world.rotate(secret, strategy=strategy)
    before = state(world)
    for step in STEPS:
        world.step(secret, token, step, strategy)
    assert state(world) == before


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_each_step_twice_gives_one_rotation(strategy: Strategy) -> None:
    world, secret = start(strategy)
    token = world.secrets.start_rotation(secret)
    for step in STEPS:
        world.step(secret, token, step, strategy)
        world.step(secret, token, step, strategy)
    assert world.secrets.end_rotation(secret, token)
    assert len(world.iam.users) == 0 or len(world.iam.keys("acmecorp-ai")) == 2


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_finish_before_create_is_refused(strategy: Strategy) -> None:
    world, secret = start(strategy)
    token = world.secrets.start_rotation(secret)
    with pytest.raises(EventError, match="createSecret comes before"):
        world.step(secret, token, "finishSecret", strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
def test_a_secret_without_a_value_is_refused(step: str, strategy: Strategy) -> None:
    world = World()
    secret = world.secrets.add("/empty")
    token = world.secrets.start_rotation(secret)
    with pytest.raises(EventError, match="no current value"):
        world.step(secret, token, step, strategy)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
def test_a_value_changed_by_hand_gives_the_pending_one_up(step: str, strategy: Strategy) -> None:
    world, secret = start(strategy)
    token = world.secrets.start_rotation(secret)
    world.step(secret, token, "createSecret", strategy)
    by_hand = (secret.text() or "").replace("mark-password", "mark-by-hand")
    world.secrets.put_by_hand(secret, by_hand)
    with pytest.raises(SupersededError, match="AWSPENDING is taken off"):
        world.step(secret, token, step, strategy)
    assert AWSPENDING not in secret.labels
    assert secret.text() == by_hand
    world.core.sleep(600)
    said = rotate_with_retries(world, secret, MINUTES, strategy=strategy)
    assert len(said) == (strategy == "iam_access_key"), "a retry of the attempt that was given up may run still"
    assert "mark-by-hand" in (secret.text() or "")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_value_changed_between_reading_and_moving_is_never_reverted(strategy: Strategy) -> None:
    """The move is a compare-and-swap on the very version that was read."""
    world, secret = start(strategy)
    token = world.secrets.start_rotation(secret)
    for step in STEPS[:3]:
        world.step(secret, token, step, strategy)
    by_hand = (secret.text() or "").replace("mark-password", "mark-by-hand")
    action = "secretsmanager:UpdateSecretVersionStage"
    world.core.hooks = [Act(lambda: world.secrets.put_by_hand(secret, by_hand), action=action)]
    with pytest.raises(RotationError, match="UpdateSecretVersionStage failed: InvalidParameter"):
        world.step(secret, token, "finishSecret", strategy)
    assert secret.text() == by_hand


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_move_names_both_versions_and_leaves_pending_alone(strategy: Strategy) -> None:
    world, secret = start(strategy)
    before = secret.labels[AWSCURRENT]
    token = world.rotate(secret, strategy=strategy)
    moves = [call for call in world.core.calls if call.action == "secretsmanager:UpdateSecretVersionStage"]
    assert [move.arguments for move in moves] == [
        {
            "SecretId": secret.arn,
            "VersionStage": AWSCURRENT,
            "MoveToVersionId": token,
            "RemoveFromVersionId": before,
        }
    ]
    assert secret.labels == {AWSCURRENT: token, AWSPREVIOUS: before}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("copied", [False, True])
def test_the_wiring_test_of_an_enrolment_passes(strategy: Strategy, copied: bool) -> None:
    """RotateImmediately=false: testSecret alone, on a version that is empty or holds a copy of AWSCURRENT."""
    world, secret = start(strategy)
    token = world.secrets.start_rotation(secret)
    if copied:
        secret.versions[token].text = secret.text()
    before = copy.deepcopy(secret)
    world.step(secret, token, "testSecret", strategy)
    assert secret == before


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_the_rotation_token_goes_to_the_put_and_nowhere_else(strategy: Strategy) -> None:
    world, secret = start(strategy)
    token = world.rotate(secret, strategy=strategy)
    carrying = [call.action for call in world.core.calls if f"mark-rotation-token-{token}" in str(call.arguments)]
    assert carrying == ["secretsmanager:PutSecretValue"]
    assert "mark" not in repr(world.lines)


def test_finish_before_test_promotes_nothing_that_does_not_work() -> None:
    world, secret = start("iam_access_key")
    world.iam.working_after_seconds = 15
    token = world.secrets.start_rotation(secret)
    world.step(secret, token, "createSecret")
    before = state(world)
    with pytest.raises(ProofError, match="stopped working"):
        world.step(secret, token, "finishSecret")
    assert state(world) == before
    world.rotate(secret, token)
