# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Proof that a key works and belongs to the user: IAM is eventually consistent, so one success is none."""

from __future__ import annotations

from collections.abc import Callable

from .errors import AwsError, ProofError

RESERVE_SECONDS = 3.0
"""Time left for the answer to reach Secrets Manager."""


def prove(
    whoami: Callable[[], str],
    account: str,
    user_name: str,
    successes: int,
    spacing_seconds: float,
    sleep: Callable[[float], None],
    remaining_seconds: Callable[[], float],
) -> None:
    """Ask GetCallerIdentity with the key until it answers rightly often enough in a row.

    Args:
        whoami: the ARN that GetCallerIdentity gives with the key.
        account, user_name: whose key it must be, exactly.
        successes: how many right answers in a row.
        spacing_seconds: between two questions.
        remaining_seconds: what the function's time-out leaves.

    Raises:
        ProofError: the key is another user's, or did not prove itself in the time that was left.
    """
    in_a_row = 0
    last = "no answer"
    while True:
        try:
            arn = whoami()
        except AwsError as problem:
            in_a_row, last = 0, problem.code
        else:
            if not is_user(arn, account, user_name):
                raise ProofError(f"the pending key belongs to {arn}, not to user {user_name} of account {account}")
            in_a_row, last = in_a_row + 1, f"{in_a_row + 1} right answers in a row"
        if in_a_row >= successes:
            return
        if remaining_seconds() < spacing_seconds + RESERVE_SECONDS:
            raise ProofError(
                f"the pending key of {user_name} did not work {successes} times in a row within the function's "
                f"time-out (last: {last}); the current key is untouched and Secrets Manager tries again"
            )
        sleep(spacing_seconds)


def is_user(arn: str, account: str, user_name: str) -> bool:
    """Say whether an ARN is exactly this account's user, whatever its path.

    Source: IAM User Guide, reference_identifiers: arn:PARTITION:iam::ACCOUNT:user/PATH/NAME.
    """
    parts = arn.split(":", 5)
    if len(parts) != 6:
        return False
    kind, *path = parts[5].split("/")
    return parts[2] == "iam" and parts[4] == account and kind == "user" and bool(path) and path[-1] == user_name
