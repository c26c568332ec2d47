# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Random histories of steps, faults, retirements, people and cut-ins; a history that breaks anything is made short."""

from __future__ import annotations

import argparse
import sys
import time

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from .histories_machine import Histories, Tally
from .secrecy import Scanner

RULES = 30
"""In one history, at most."""


def run(examples: int, derandomize: bool, shrink: bool = True) -> tuple[Tally, Scanner]:
    """Run histories.

    Args:
        examples: how many.
        derandomize: the same ones each time.
        shrink: make a history that breaks something as short as can be, which takes minutes.

    Raises:
        AssertionError: one broke something; hypothesis prints the shortest one it finds.
    """
    tally, scanner = Tally(), Scanner()
    machine = type("Counted", (Histories,), {"tally": tally, "scanner": scanner})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=RULES,
            deadline=None,
            derandomize=derandomize,
            database=None,
            phases=(Phase.generate, Phase.shrink) if shrink else (Phase.generate,),
            suppress_health_check=list(HealthCheck),
        ),
    )
    return tally, scanner


def main(arguments: list[str]) -> int:
    """Run from the command line; 1 when a history breaks something."""
    parser = argparse.ArgumentParser(prog="python -m chaos.histories", description=__doc__)
    parser.add_argument("--examples", type=int, default=2000, metavar="N", help="how many histories (2000)")
    parser.add_argument("--same", action="store_true", help="the same histories each time")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        tally, scanner = run(options.examples, options.same)
    except AssertionError as problem:
        print(f"VIOLATED: {problem}")
        print("\n".join(getattr(problem, "__notes__", ())))
        return 1
    print(
        f"{tally.histories:,} histories of {tally.rules:,} rules: {tally.calls:,} calls, {tally.faults:,} faults, "
        f"{tally.cut_ins:,} cut-ins, {tally.acts:,} acts of people ({tally.mended:,} histories mended as an error "
        f"asks); {scanner.scanned:,} texts scanned for {scanner.values:,} secret values; 0 violations; "
        f"{time.monotonic() - began:.0f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
