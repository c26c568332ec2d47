# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The sweep through the embedded AWS and the real zip: every AWS call of each scenario, failed in every way.

python -m chaos.embedded            every call, every kind, retries with the same and with a new token
python -m chaos.embedded --quick    every call of a steady state and of a retirement, the process killed
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import groupby
from pathlib import Path

from .embedded_lab import CHECKOUT, open_lab
from .embedded_sweep import FAULTS, KILLS, SCENARIOS, Kind, Result, Scenario, Strike, Sweep

SIDE_BY_SIDE = {"": 8, "client": 16, "function": 28}
"""How many points go at once, by what they wait for."""
SWEEPS = (
    ("same", KILLS + FAULTS),
    ("new", KILLS + tuple(kind for kind in FAULTS if kind.name in ("server error", "drop after"))),
)
"""With which token Secrets Manager retries what: what differs between kinds does not depend on the token."""
HISTORY_LINES = 60
"""How much of a history is printed; what went wrong began there."""
QUICK = (SCENARIOS[2], SCENARIOS[4])


def strikes_of(calls: list[tuple[str, str, int]], kinds: tuple[Kind, ...]) -> list[Strike]:
    """Every kind at every call."""
    return [Strike(*call, kind) for kind in kinds for call in calls]


def chunks(strikes: list[Strike]) -> Iterable[list[Strike]]:
    """Strikes that may go side by side."""
    ordered = sorted(strikes, key=lambda strike: strike.company)
    for (_, waits), group in groupby(ordered, key=lambda strike: strike.company):
        alike, size = list(group), SIDE_BY_SIDE[waits]
        for start in range(0, len(alike), size):
            yield alike[start : start + size]


def sweep(scenario: Scenario, token: str, kinds: tuple[Kind, ...], collection: Path = CHECKOUT) -> list[Result]:
    """Try every kind at every call of one scenario, in an embedded AWS of its own."""
    with open_lab(collection) as lab:
        runner = Sweep(lab, token)
        undisturbed, calls = runner.calls(scenario)
        if undisturbed.broken:
            return [undisturbed]
        struck = [runner.run(scenario, list(chunk)) for chunk in chunks(strikes_of(calls, kinds))]
        return [undisturbed, *(result for results in struck for result in results)]


def everything(workers: int, collection: Path) -> list[Result]:
    """Every scenario, kind and token, in some processes of their own: moto is global in each."""
    jobs = [(scenario, *sweep_of, collection) for sweep_of in SWEEPS for scenario in SCENARIOS]
    results: list[Result] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for done in as_completed([pool.submit(sweep, *job) for job in jobs]):
            found = done.result()
            results += found
            broken = sum(bool(result.broken) for result in found)
            print(f"  {found[0].scenario}, {found[0].token} token: {len(found)} points, {broken} broken", flush=True)
    return results


def table(results: list[Result]) -> str:
    """Points tried, by kind and scenario; behind a slash those that broke something."""
    tried = Counter((result.token, result.kind, result.scenario) for result in results)
    broken = Counter((result.token, result.kind, result.scenario) for result in results if result.broken)
    scenarios = [scenario.name for scenario in SCENARIOS if any(key[2] == scenario.name for key in tried)]
    lines = [f"{'retried with':13} {'kind':24} " + "  ".join(scenarios)]
    for token, kind in dict.fromkeys(key[:2] for key in tried):
        cells = []
        for scenario in scenarios:
            count, bad = tried[token, kind, scenario], broken[token, kind, scenario]
            cells.append(f"{count}/{bad} BROKEN" if bad else str(count))
        row = "  ".join(cell.rjust(len(name)) for cell, name in zip(cells, scenarios, strict=True))
        lines.append(f"{token + ' token':13} {kind:24} {row}")
    return "\n".join(lines)


def report(results: list[Result], seconds: float) -> int:
    """Print what was tried and, whole, the shortest history that broke something; 1 if there is one, else 0."""
    print(table(sorted(results, key=lambda result: (result.token == "new",))))
    bad = sorted((result for result in results if result.broken), key=lambda result: len(result.history))
    for result in bad[1:]:
        print(f"BROKEN {result.scenario}, {result.token} token, {result.strike}: {'; '.join(result.broken)}")
    for result in bad[:1]:
        print(f"\nBROKEN, shortest history: {result.scenario}, {result.token} token, {result.strike}")
        print(
            "\n".join([*(f"  ! {problem}" for problem in result.broken), *(f"    {line}" for line in result.history)])
        )
    failures = sum(result.failures for result in results)
    print(
        f"{len(results)} points in {seconds:.0f} s: {len(bad)} broken; "
        f"Secrets Manager called {failures} attempts failed on the way"
    )
    return 1 if bad else 0


def main() -> int:
    """Run the sweep; the exit code says whether everything held."""
    parser = argparse.ArgumentParser(prog="python -m chaos.embedded", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smallest complete form")
    parser.add_argument("--workers", type=int, default=2, help="embedded AWSs side by side (default 2)")
    parser.add_argument("--collection", type=Path, default=CHECKOUT, help="a copy to sweep instead of this checkout")
    wanted = parser.parse_args()
    started = time.monotonic()
    if wanted.quick:
        results = [result for scenario in QUICK for result in sweep(scenario, "same", KILLS, wanted.collection)]
    else:
        results = everything(wanted.workers, wanted.collection)
    return report(results, time.monotonic() - started)


if __name__ == "__main__":
    sys.exit(main())
