# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Takes each guard of the life cycle away, one at a time, and shows which sweep notices: python -m chaos.mutants.

Each mutant runs in a process of its own, in which Python's loader reads the changed source in place of the file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.abc import FileLoader
from importlib.machinery import SourceFileLoader
from pathlib import Path

from .between_marks import put
from .mutants_table import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[1]
ROTATION = ROOT / "plugins" / "module_utils" / "rotation"
SIDE_BY_SIDE = 2
BUG = "please report it"
"""Stands in the error of a mutant that does not even run: that proves nothing about the guard."""


@dataclass(frozen=True)
class Verdict:
    """What became of one mutant.

    Attributes:
        caught_by: the meeting that noticed; None: it survived.
        violation: what that meeting said.
    """

    mutant: Mutant
    caught_by: str | None
    violation: str = ""


def install(mutant: Mutant) -> None:
    """Let this process import the mutant. Nothing of the rotation package may be imported yet."""
    path = ROTATION / mutant.file
    changed = mutant.applied(path.read_text()).encode()
    original = SourceFileLoader.get_data

    def get_data(loader: FileLoader, wanted: str) -> bytes:
        return changed if Path(wanted).resolve() == path else original(loader, wanted)

    sys.dont_write_bytecode = True
    sys.pycache_prefix = tempfile.mkdtemp()  # empty: no compiled file stands in for a source
    SourceFileLoader.get_data = get_data  # type: ignore[method-assign, assignment]


def first_violation(whole: bool) -> tuple[str, str] | None:
    """The first meeting that breaks something, and what; the quick ones first, the others only where asked for."""
    from .interleave import explore, meetings  # only now: the mutant is installed
    from .secrecy import Scanner

    for quick in (True, False) if whole else (True,):
        for meeting in meetings():
            if meeting.quick is quick:
                for problem in explore(meeting, Scanner()).violations:
                    return meeting.name, problem
    return None


def try_out(mutant: Mutant) -> Verdict:
    """Run one mutant in a process of its own.

    Raises:
        RuntimeError: the mutant does not run, which proves nothing.
    """
    command = [sys.executable, "-m", "chaos.mutants", "--one", json.dumps(asdict(mutant))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{mutant.guard}, {mutant.without}: {done.stderr.strip()[-2000:]}")
    found = json.loads(done.stdout)
    if found is None:
        return Verdict(mutant, None)
    if BUG in found[1]:
        raise RuntimeError(f"{mutant.guard}, {mutant.without}: the mutant is no program: {found[1]}")
    return Verdict(mutant, found[0], found[1])


def table(verdicts: Sequence[Verdict]) -> str:
    """As Markdown."""
    rows = ["| guard | taken away | noticed by | as |", "|---|---|---|---|"]
    for verdict in verdicts:
        mutant = verdict.mutant
        noticed = verdict.caught_by or "**nothing**"
        rows.append(f"| {mutant.guard} | {mutant.without} | {noticed} | {_short(verdict.violation)} |")
    return "\n".join(rows)


def _short(violation: str) -> str:
    """The violation without the particulars of one run."""
    head = violation.split(": [")[0].split("; AWSPENDING")[0]
    return head if len(head) <= 120 else head[:117] + "…"


def main(arguments: Sequence[str]) -> int:
    """Try all mutants; 1 when one survives, 2 when one does not run."""
    parser = argparse.ArgumentParser(prog="python -m chaos.mutants", description=__doc__)
    parser.add_argument("--one", type=json.loads, help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", metavar="TEXT", help="only guards whose name has this text")
    parser.add_argument("--docs", type=Path, help="put the table between the marks of this Markdown file, too")
    options = parser.parse_args(arguments)
    if options.one is not None:
        install(Mutant(**options.one))
        print(json.dumps(first_violation(whole=True)))
        return 0
    began = time.monotonic()
    chosen = [mutant for mutant in MUTANTS if options.only in mutant.guard]
    try:
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            verdicts = list(pool.map(try_out, chosen))
    except (RuntimeError, ValueError) as problem:
        print(f"A mutant does not run: {problem}", file=sys.stderr)
        return 2
    print(table(verdicts))
    if options.docs:
        put(options.docs, "mutants", table(verdicts))
    survived = [verdict for verdict in verdicts if verdict.caught_by is None]
    took = time.monotonic() - began
    print(
        f"\n{len(verdicts)} mutants in {took:.0f} s: {len(verdicts) - len(survived)} caught, {len(survived)} survived"
    )
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
