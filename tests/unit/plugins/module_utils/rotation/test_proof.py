# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The proof of a key: in a row, by the right user, within the time."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import (
    AwsError,
    ProofError,
    SlotError,
)
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.proof import is_user, prove
from ansible_collections.evergreen.key_rotation.tests.unit.memory.secretsmanager import AWSPENDING
from ansible_collections.evergreen.key_rotation.tests.unit.memory.world import STEPS, World

ACCOUNT, USER = "123456789012", "acmecorp-ai"
ARN = f"arn:aws:iam::{ACCOUNT}:user/{USER}"
NO = AwsError("sts:GetCallerIdentity", "InvalidClientTokenId", True)


def run(answers: Iterable[str | AwsError], seconds: float = 60.0, successes: int = 3) -> tuple[int, list[float]]:
    """Prove with these answers; gives how many were asked for, and the sleeps."""
    waiting = iter(answers)
    slept: list[float] = []
    asked = 0

    def whoami() -> str:
        nonlocal asked
        asked += 1
        answer = next(waiting)
        if isinstance(answer, AwsError):
            raise answer
        return answer

    prove(whoami, ACCOUNT, USER, successes, 2.0, slept.append, lambda: seconds - sum(slept))
    return asked, slept


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([ARN] * 3, 3),
        ([NO, ARN, ARN, ARN], 4),
        ([ARN, NO, ARN, ARN, ARN], 5),
        ([ARN, ARN, NO, ARN, ARN, NO, ARN, ARN, ARN], 9),
    ],
)
def test_right_answers_must_come_in_a_row(answers: list[str | AwsError], asked: int) -> None:
    assert run([*answers, ARN, ARN]) == (asked, [2.0] * (asked - 1))


def test_one_success_needs_no_sleep() -> None:
    assert run([ARN], successes=1) == (1, [])


@pytest.mark.parametrize(
    ("answers", "last"), [([NO] * 99, "InvalidClientTokenId"), ([ARN, ARN, NO] * 33, "in a row|InvalidClientTokenId")]
)
def test_it_stops_while_time_is_left_to_answer(answers: list[str | AwsError], last: str) -> None:
    with pytest.raises(ProofError, match=last) as caught:
        run(answers, seconds=20)
    assert "current key is untouched" in str(caught.value)


def test_it_asks_as_often_as_the_time_allows() -> None:
    # 20 s, 2 s apart, 3 s kept back: asked at 0, 2, … 16 s; at 16 s only 4 s are left, less than 2 + 3.
    left = iter([NO] * 8 + [ARN])
    with pytest.raises(ProofError, match="1 right answers"):
        run(left, seconds=20)
    assert list(left) == []


@pytest.mark.parametrize(
    "arn", [f"{ARN}-2", f"arn:aws:iam::210987654321:user/{USER}", f"arn:aws:sts::{ACCOUNT}:assumed-role/r/{USER}"]
)
def test_another_identity_ends_it_at_once(arn: str) -> None:
    with pytest.raises(ProofError, match="belongs to"):
        run([NO, arn, ARN, ARN, ARN])


@pytest.mark.parametrize(
    ("arn", "yes"),
    [
        (ARN, True),
        (f"arn:aws:iam::{ACCOUNT}:user/division/team/{USER}", True),
        (f"arn:aws-us-gov:iam::{ACCOUNT}:user/{USER}", True),
        (f"arn:aws-cn:iam::{ACCOUNT}:user/x/{USER}", True),
        (f"arn:aws:iam::{ACCOUNT}:user/{USER}/other", False),
        (f"arn:aws:iam::{ACCOUNT}:user/x-{USER}", False),
        (f"arn:aws:iam::{ACCOUNT}:user/{USER}x", False),
        (f"arn:aws:iam::{ACCOUNT}:user/{USER.upper()}", False),
        (f"arn:aws:iam::{ACCOUNT}:role/{USER}", False),
        (f"arn:aws:iam::{ACCOUNT}:root", False),
        (f"arn:aws:iam::{ACCOUNT}:user", False),
        (f"arn:aws:sts::{ACCOUNT}:user/{USER}", False),
        (USER, False),
        ("", False),
    ],
)
def test_identity_is_exact(arn: str, yes: bool) -> None:
    assert is_user(arn, ACCOUNT, USER) is yes


@pytest.mark.parametrize(
    ("working_after_seconds", "answers", "asked"),
    [
        (15, [], 8 + 3 + 1),  # refused at 0, 2, … 14 s; then in a row; and once more before the promotion
        (0, [False, True, True, True], 4 + 3 + 1),  # works once, then fails for a while
        (0, [False, False, True, False, False, True], 6 + 3 + 1),
    ],
)
def test_a_rotation_outlives_a_key_that_works_late_or_now_and_then(
    working_after_seconds: float, answers: list[bool], asked: int
) -> None:
    """answers: which of the first questions IAM refuses."""
    world = World()
    secret, old = world.enrol(USER)
    world.iam.working_after_seconds = working_after_seconds
    world.iam.refusals = list(answers)
    world.rotate(secret)
    assert world.core.actions().count("sts:GetCallerIdentity") == asked
    new = world.current_key(secret)
    assert new is not None
    assert new is not old
    assert world.iam.works(new.key_id, new.secret)


def test_a_key_that_fails_again_after_its_proof_is_not_promoted_until_it_works() -> None:
    world = World()
    secret, old = world.enrol(USER)
    token = world.secrets.start_rotation(secret)
    world.iam.refusals = [False] * 3 + [True]
    for step in STEPS[:3]:
        world.step(secret, token, step)
    with pytest.raises(ProofError, match="stopped working"):
        world.step(secret, token, "finishSecret")
    assert world.current_key(secret) is old
    assert world.scheduler.schedules == {}
    world.rotate(secret, token)
    assert world.current_key(secret) is not old


@pytest.mark.parametrize("same_token", [True, False])
def test_a_key_that_never_works_leaves_the_current_one_as_it_is(same_token: bool) -> None:
    """Retried for hours; no keys pile up; once IAM is well, the rotation ends."""
    world = World()
    secret, old = world.enrol(USER)
    world.iam.working_after_seconds = 1e9
    token = world.secrets.start_rotation(secret)
    for attempt in range(5):
        if attempt and not same_token:
            with pytest.raises(SlotError, match="none may safely make room"):
                world.rotate(secret, token)  # the attempt before may live for minutes more
            world.core.sleep(121)
        with pytest.raises(ProofError, match="current key is untouched"):
            world.rotate(secret, token)
        assert world.current_key(secret) is old
        assert world.iam.works(old.key_id, old.secret)
        assert len(world.iam.keys(USER)) == 2
        assert (f"retire-{old.key_id}" in str(world.scheduler.schedules), world.ses.mails) == (False, [])
        world.advance(1)
        if not same_token:
            del secret.labels[AWSPENDING]
            token = world.secrets.start_rotation(secret)
    world.iam.working_after_seconds = 0
    world.core.sleep(121)
    world.rotate(secret, token)
    assert world.current_key(secret) is not old
    assert len(world.iam.keys(USER)) == 2
    world.advance(31)
    assert world.scheduler.schedules == {}
