# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The real Prowler judges the old fleet, and what a deploy makes of it. Exit code 0: it passes; 1: what does not.

python -m judge               before, after, with the options, the boundary, the audit's agreement, days of a year
python -m judge after days    only these
python -m judge days --some   days around the rotations and every seventh day of a year instead of each
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from demo.old_fleet import Aws
from sandbox.server import running

from .agreement import FORESEEN, judge_agreement
from .boundary import judge_boundary
from .checks import AGE, CHECKS, OPTIONS, SILENT, TWO_ACTIVE, demand, demand_silent, table, verdicts
from .days import YEAR, judge_days, some_days
from .fleet import GRACE_OVER, Consumers, KeptAws, deploy, resources, seed_working
from .options import trail, variables
from .scanner import MUTE_LIST, PYTHON, Finding, JudgeError, Prowler, judging

ALL = (*CHECKS, *SILENT)


class Judge:
    """The parts, each on a world that it empties first."""

    def __init__(self, aws: Aws, prowler: Prowler, folder: Path, some: bool) -> None:
        self._aws = aws
        self._prowler = prowler
        self._folder = folder
        self._some = some

    def before(self) -> None:
        """The old fleet, untouched."""
        _say("Before: an old fleet, 3 keys of 100 days, 5 secrets that nobody rotates. What Prowler fails:")
        self._aws.remote.reset()
        seed_working(self._aws)
        found = self._prowler.scan(ALL)
        fails = [finding for finding in found if finding.status == "FAIL"]
        for finding in fails:
            print(f"  {finding.severity:8} {finding.check}: {finding.text}")
        print(f"{len(fails)} FAIL, {sum(finding.status == 'PASS' for finding in found)} PASS")
        if not any(finding.check == AGE for finding in fails):
            raise JudgeError("Prowler does not fail the old keys: it judges by another clock")
        if sorted(found, key=str) != sorted(self._prowler.scan_by_command(ALL), key=str):
            raise JudgeError("Prowler's own command finds something else than our process that has it imported")
        print("The command prowler, in a process of its own, finds the same, row by row.")

    def after(self) -> None:
        """The same fleet deployed at defaults, during grace and after it."""
        self._aws.remote.reset()
        seed_working(self._aws)
        deploy(self._aws, self._folder, {}, {})
        _say("After a deploy at defaults, day 0: the old keys are in their grace period")
        ours = resources(self._aws)
        named = {
            AGE: "the end of the grace period: the old keys were past 90 days when they were enrolled",
            TWO_ACTIVE: "the same, or grace_period_hours: 0",
        }
        self._compare(self._prowler.scan((AGE, TWO_ACTIVE)), ours, named, only=(AGE, TWO_ACTIVE))
        self._aws.remote.advance(GRACE_OVER)
        Consumers(self._aws).work()
        _say("25 hours later: the grace period is over, with docs/prowler-mutelist.yaml")
        self._compare(self._prowler.scan(ALL, mute=True), ours, OPTIONS)

    def options(self) -> None:
        """A deploy with a customer key and a VPC, secrets open to named principals alone, a trail, alarms."""
        self._aws.remote.reset()
        seed_working(self._aws)
        trail(self._aws)
        deploy(self._aws, self._folder, {}, variables(self._aws))
        self._aws.remote.advance(GRACE_OVER)
        Consumers(self._aws).work()
        _say("With kms_key_arn, vpc_subnet_ids, restrict_secret_access, alarm_email and a trail: nothing fails")
        found = self._prowler.scan(ALL, mute=True)
        self._compare(found, resources(self._aws, alarms=True), {})
        multi = {finding.status for finding in found if finding.check == "awslambda_function_vpc_multi_az"}
        if multi != {"PASS"}:
            raise JudgeError(f"awslambda_function_vpc_multi_az is {multi or 'silent'}")

    def boundary(self) -> None:
        """Prowler's own lines."""
        _say("Where Prowler draws its lines")
        print(judge_boundary(self._aws, self._prowler))

    def agreement(self) -> None:
        """The audit and Prowler on the same states."""
        _say(f"What Prowler and the audit say of the same states: F fails {', '.join(FORESEEN)}")
        print(judge_agreement(self._aws, self._prowler))

    def days(self) -> None:
        """Days of a year, with the default grace period and without any."""
        _say("Day after day, the keys in use")
        for grace in (24, 0):
            days = some_days(grace) if self._some else range(YEAR)
            print(judge_days(self._aws, self._prowler, self._folder, grace, days), flush=True)

    def _compare(
        self,
        findings: list[Finding],
        ours: dict[str, dict[str, str]],
        named: Mapping[str, str],
        only: tuple[str, ...] = (),
    ) -> None:
        found = [verdict for verdict in verdicts(findings, ours) if not only or verdict.check in only]
        print(table(found))
        demand(found, named)
        demand_silent(findings)
        for check in sorted({verdict.check for verdict in found if verdict.status == "FAIL"}):
            print(f"  FAIL {check}: passes with {named[check]}")
        for check in sorted({verdict.check for verdict in found if verdict.status == "MUTED"}):
            print(f"  MUTED {check}: {reasons()[check]}")


def reasons() -> dict[str, str]:
    """Check -> why it is muted."""
    listed = yaml.safe_load(MUTE_LIST.read_text())["Mutelist"]["Accounts"]["*"]["Checks"]
    return {check: " ".join(str(entry["Description"]).split()) for check, entry in listed.items()}


def main() -> int:
    """Judge."""
    parts = ("before", "after", "options", "boundary", "agreement", "days")
    parser = argparse.ArgumentParser(prog="python -m judge", description="The real Prowler against the embedded AWS.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(parts)}; all when none is named")
    parser.add_argument("--some", action="store_true", help="judge some days of the year, not each")
    asked = parser.parse_args()
    unknown = sorted(set(asked.parts) - set(parts))
    if unknown:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
    if not PYTHON.exists():
        print("judge: Prowler is not installed; run make prowler, or scripts/bootstrap prowler", file=sys.stderr)
        return 1
    began = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="judge-") as scratch, running() as world:
            folder = Path(scratch)
            with judging(world, folder) as prowler:
                judge = Judge(KeptAws(world.endpoint), prowler, folder, asked.some)
                for part in asked.parts or parts:
                    tell: Callable[[], None] = getattr(judge, part)
                    tell()
    except JudgeError as broken:
        print(f"\nFAILED: {broken}", file=sys.stderr)
        return 1
    print(f"\nJudged in {time.monotonic() - began:.0f} s. Nothing is left running.")
    return 0


def _say(title: str) -> None:
    print(f"\n== {title}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
