# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Day after day on the virtual clock: no check on keys or secrets fails, but for two Active keys during grace."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from demo.old_fleet import USERS, Aws

from .checks import CHECKS, DAILY, TWO_ACTIVE, verdicts
from .fleet import DAY, HOUR, Consumers, active_keys, deploy, resources, seed_working
from .scanner import JudgeError, Prowler

BOUNDARY = (0, 1, 2, 84, 85, 86, 87, 88, 90, 91)
YEAR = 366
STEP_HOURS = 6
AGE_AT_ENROLMENT = 80
"""Not yet past the promise: a key that is past it when it is enrolled fails until its own grace period is over."""
MOST_DAYS_OF_TWO = 4
"""Grace, the two days in which a slow consumer holds its copy, and the six hours between firings, in whole days."""


def some_days(grace_hours: int) -> list[int]:
    """The boundary, every seventh day, and the days around each rotation of a year."""
    period = 86 if grace_hours == 0 else 85
    around = {turn * period + near for turn in range(1, 5) for near in range(-1, 4)}
    return sorted(day for day in {*BOUNDARY, *around, *range(0, YEAR, 7)} if day < YEAR)


def judge_days(aws: Aws, prowler: Prowler, folder: Path, grace_hours: int, days: Collection[int]) -> str:
    """Deploy the old fleet, live through the days, and ask Prowler on those that are wanted.

    Returns:
        One line for people.

    Raises:
        JudgeError: a check fails on a day on which it must not, or is silent.
    """
    aws.remote.reset()
    seed_working(aws, AGE_AT_ENROLMENT)
    deploy(aws, folder, {"grace_period_hours": grace_hours} if grace_hours != 24 else {}, {}, twice=False)
    ours = resources(aws)
    consumers = Consumers(aws, slow=grace_hours > 0)
    began = aws.remote.now()
    last_of_one = began
    failed: dict[int, int] = {}
    longest = 0.0
    for day in range(max(days) + 1):
        _until(aws, consumers, began + day * DAY)
        two = {arn for arn, number in active_keys(aws).items() if number > 1}
        if not two:
            last_of_one = aws.remote.now()
        longest = max(longest, aws.remote.now() - last_of_one)
        if day not in days:
            continue
        found = [verdict for verdict in verdicts(prowler.scan(DAILY), ours) if verdict.check in DAILY]
        fails = {(verdict.check, verdict.resource) for verdict in found if verdict.status == "FAIL"}
        wanted = {(TWO_ACTIVE, ours[CHECKS[TWO_ACTIVE]][arn]) for arn in two}
        others = [f"{verdict.check} {verdict.status}" for verdict in found if verdict.status not in ("PASS", "FAIL")]
        if fails != wanted or others:
            raise JudgeError(f"grace {grace_hours} h, day {day}: Prowler fails {sorted(fails - wanted)}, {others}")
        if two:
            failed[day] = len(two)
    if grace_hours == 0 and failed:
        raise JudgeError(f"without grace two keys of a user are Active on days {sorted(failed)}")
    if longest > MOST_DAYS_OF_TWO * DAY:
        raise JudgeError(f"two keys of a user stay Active for {longest / DAY:.1f} days")
    return f"  grace {grace_hours:2} h: {len(days)} days judged up to day {max(days)}; {_said(failed)}"


def _until(aws: Aws, consumers: Consumers, moment: float) -> None:
    for _ in _steps(aws, moment):
        consumers.work()


def _steps(aws: Aws, moment: float) -> Iterator[None]:
    """In strides of six hours while somebody has two Active keys, else of a day: retirements ask for last uses."""
    yield
    while (left := moment - aws.remote.now()) > 1:
        two = any(number > 1 for number in active_keys(aws).values())
        aws.remote.advance(min(left, STEP_HOURS * HOUR if two else DAY))
        yield


def _said(failed: dict[int, int]) -> str:
    if not failed:
        return "no check on keys or secrets fails on any of them"
    listed = ", ".join(f"{day} ({number} of {len(USERS)})" for day, number in failed.items())
    return f"only {TWO_ACTIVE} fails, on days {listed}"
