# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Years of a large fleet in minutes: python -m chaos.simulate.

The real rotation package runs each step and each retirement, on clients in memory, under an event queue's clock.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from .between_marks import put
from .simulate_fleet import BIN_DAYS, SAMPLE_DAYS, Fleet, Result
from .simulate_plot import svg
from .simulate_report import Column, as_markdown, as_text, broken_promises
from .simulate_settings import DEFAULT, OTHERS, Rates, Setting

PER_ACCOUNT = 1000
"""Service accounts in one AWS account: they share IAM's rate."""
PROCESSES = 2
SHOWN = 5
"""So many histories of keys and secrets are told, of each kind."""
Job = tuple[Setting, Rates, int, float, str]


def simulate(job: Job) -> tuple[Result, int]:
    """One AWS account from beginning to end."""
    gc.disable()  # nearly nothing here is a cycle
    setting, rates, members, years, seed = job
    fleet = Fleet(setting, rates, members, years, seed)
    result = fleet.run()
    gc.enable()
    gc.collect()
    return result, fleet.world.days_between


def jobs(setting: Setting, rates: Rates, accounts: int, years: float, seed: int) -> list[Job]:
    """The AWS accounts that a fleet is made of; each has a seed of its own."""
    sizes = [PER_ACCOUNT] * (accounts // PER_ACCOUNT) + ([accounts % PER_ACCOUNT] if accounts % PER_ACCOUNT else [])
    return [(setting, rates, size, years, f"{seed}/{number}") for number, size in enumerate(sizes)]


def run(
    fleets: Sequence[tuple[Setting, int]], rates: Rates, years: float, seed: int, processes: int = PROCESSES
) -> list[Column]:
    """Simulate each setting on so many service accounts; the same seed gives the same figures."""
    work = [
        (index, job)
        for index, (setting, accounts) in enumerate(fleets)
        for job in jobs(setting, rates, accounts, years, seed)
    ]
    columns = [Column(setting, accounts, years, 0, Result()) for setting, accounts in fleets]
    only_jobs = [job for _, job in work]
    if processes > 1 and len(work) > 1:
        with ProcessPoolExecutor(processes) as pool:
            answers = list(pool.map(simulate, only_jobs))
    else:
        answers = [simulate(job) for job in only_jobs]
    for (index, _), (result, days_between) in zip(work, answers, strict=True):
        columns[index].result.add(result)
        columns[index] = replace(columns[index], days_between=days_between)
    return columns


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos.simulate", description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000, help="service accounts (default 10000)")
    parser.add_argument("--years", type=float, default=5.0, help="years (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same table")
    parser.add_argument("--rotation-days", type=int, help="days between rotations instead of the age rule's")
    parser.add_argument("--only", action="store_true", help="the default setting alone, without the others")
    parser.add_argument("--docs", type=Path, help="put the table between the marks of this Markdown file, too")
    parser.add_argument("--plot", type=Path, default=Path("build/simulation.svg"), help="where the plot goes")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Simulate, print the table, write the plot: 1 if the default setting broke its promise, else 0."""
    options = _options(arguments)
    if options.accounts < 1 or options.years <= 0:
        print("--accounts and --years must be more than 0", file=sys.stderr)
        return 2
    setting = replace(DEFAULT, rotation_days=options.rotation_days)
    others = () if options.only else OTHERS
    fleets = [(setting, options.accounts), *((other, max(1, options.accounts // 10)) for other in others)]
    rates = Rates()
    began = time.monotonic()
    columns = run(fleets, rates, options.years, options.seed)
    took = time.monotonic() - began
    print(as_text(columns, rates))
    if options.docs:
        put(options.docs, "table", as_markdown(columns, rates))
    default = columns[0]
    options.plot.parent.mkdir(parents=True, exist_ok=True)
    title = (
        f"{default.accounts:,} service accounts, {default.years:g} years, a rotation every {default.days_between} days"
    )
    options.plot.write_text(svg(default.result.ages, SAMPLE_DAYS, BIN_DAYS, title))
    print(f"\nPlot: {options.plot}. {sum(fleet[1] for fleet in fleets):,} service accounts simulated in {took:.0f} s.")
    for line in [history for history in default.result.histories if ", people: " in history][:SHOWN]:
        print(f"  by people's doing: {line}")
    broken = broken_promises(default.result)
    for promise in broken:
        print(f"BROKEN at the default setting: {promise}", file=sys.stderr)
    ours = [history for history in default.result.histories if ", ours;" in history]
    for line in (ours[:SHOWN] + default.result.wedged[:SHOWN]) if broken else ():
        print(f"  {line}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
