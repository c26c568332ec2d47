# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Every interleaving of our own actors, people and crashes, at AWS-call granularity, on the pure package.

Excluded, because no design without a transaction over IAM and Secrets Manager can close it: a call whose effect lands
after its caller is dead, while another attempt runs under a new token, at the very moment a person acts too.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator

from .interleave_actors import Actor
from .interleave_explore import Explorer, Outcome
from .interleave_pairs import SERVICE_ACTS, Meeting, pairs
from .interleave_refusals import refusals
from .interleave_temptations import temptations
from .secrecy import Scanner


def meetings() -> Iterator[Meeting]:
    """All of them."""
    yield from pairs()
    yield from refusals()
    yield from temptations()


def explore(meeting: Meeting, scanner: Scanner) -> Outcome:
    """All interleavings of one meeting."""
    actors = [Actor(name, body, scanner) for name, body in meeting.bodies.items()]
    return Explorer(meeting.name, meeting.world, actors, SERVICE_ACTS, meeting.faults, scanner, meeting.barred).run()


def report(outcomes: Iterable[Outcome], scanner: Scanner) -> bool:
    """Print a line for each meeting as it is done, then the totals.

    Returns:
        True when nothing is violated.
    """
    began = time.monotonic()
    print(f"{'interleavings':>22} {'states':>8} {'ends':>6} {'mended':>6} {'broken':>6}  meeting")
    total = Outcome("all")
    for outcome in outcomes:
        print(
            f"{outcome.interleavings:>22,} {outcome.states:>8,} {outcome.ends:>6,} {outcome.mended:>6,} "
            f"{len(outcome.violations):>6,}  {outcome.name}",
            flush=True,
        )
        for problem, history in outcome.violations.items():
            print(f"    VIOLATED: {problem}; the shortest history:")
            print("".join(f"      {number:>3} {line}\n" for number, line in enumerate(history, 1)), end="")
            total.violations[f"{outcome.name}: {problem}"] = history
        total.interleavings += outcome.interleavings
        total.states += outcome.states
        total.transitions += outcome.transitions
        total.ends += outcome.ends
        total.mended += outcome.mended
    print(
        f"{total.interleavings:,} interleavings in {total.states:,} states and {total.transitions:,} calls checked; "
        f"{total.ends:,} ends, each retried with the same and with a new token; {total.mended:,} of them a person "
        f"mended as an error asks; {scanner.scanned:,} texts scanned for {scanner.values:,} secret values; "
        f"{len(total.violations):,} violations; {time.monotonic() - began:.0f} s"
    )
    return not total.violations


def main(arguments: list[str]) -> int:
    """Run from the command line; 1 when anything is violated."""
    parser = argparse.ArgumentParser(prog="python -m chaos.interleave", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the subset that the unit tests run")
    parser.add_argument("--only", default="", metavar="TEXT", help="only meetings whose name has this text")
    options = parser.parse_args(arguments)
    scanner = Scanner()
    chosen = (m for m in meetings() if options.only in m.name and (m.quick or not options.quick))
    return 0 if report((explore(meeting, scanner) for meeting in chosen), scanner) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
