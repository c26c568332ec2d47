# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The proof of a key: in a row, by the right user, within the time."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import AwsError, ProofError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.proof import is_user, prove

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
