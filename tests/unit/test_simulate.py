# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A tiny run of the simulation: it keeps the promise, repeats itself, and notices a schedule that cannot keep it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from chaos import simulate
from chaos.simulate_consumers import Consumer, Crowd
from chaos.simulate_fleet import Result
from chaos.simulate_plot import percentile
from chaos.simulate_report import as_text, broken_promises
from chaos.simulate_settings import DAY, DEFAULT, HOUR, KINDS, Rates
from chaos.simulate_world import OURS

ACCOUNTS, YEARS, SEED = 50, 1.0, 1


def tiny(rotation_days: int | None = None, rates: Rates | None = None, seed: int = SEED) -> Result:
    setting = replace(DEFAULT, rotation_days=rotation_days)
    return simulate.run([(setting, ACCOUNTS)], rates or Rates(), YEARS, seed, processes=1)[0].result


def test_a_year_keeps_the_promise() -> None:
    result = tiny()
    assert broken_promises(result) == []
    assert 80 < result.oldest_days < 90
    assert result.counts["rotations"] > 4 * ACCOUNTS
    assert result.counts["orphan keys at the end"] == 0


def test_the_weather_is_not_idle() -> None:
    """Crashes and lost answers must have happened, or nothing above was proven."""
    result = tiny(rates=replace(Rates(), calls_per_crash=200, calls_per_lost_answer=200, calls_per_server_error=200))
    assert min(result.weather[what] for what in ("crash", "lost answer", "server error")) > 20
    assert result.counts["rotations that needed a retry"] > 20
    assert result.counts["orphan keys ever"] > 0
    assert broken_promises(result) == []


def test_the_same_seed_gives_the_same_table(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shown = []
    for seed in ("1", "1", "2"):
        plot = tmp_path / "plot.svg"
        options = ["--accounts", "10", "--years", "0.5", "--only", "--plot", str(plot)]
        assert simulate.main([*options, "--seed", seed]) == 0
        shown.append(capsys.readouterr().out.split("\nPlot:")[0])
        assert ElementTree.parse(plot).getroot().tag.endswith("svg")
    assert shown[0] == shown[1] != shown[2]


def test_a_schedule_that_is_too_long_goes_red(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert tiny(rotation_days=95).violations[OURS] > ACCOUNTS
    options = ["--accounts", "5", "--years", "0.6", "--rotation-days", "95", "--only"]
    assert simulate.main([*options, "--plot", str(tmp_path / "plot.svg")]) == 1
    assert "passed 90 days while Active" in capsys.readouterr().err


def test_a_key_that_nobody_can_use_wedges() -> None:
    """No new key ever works: every attempt fails, and the count of wedged secrets says so."""
    rates = replace(Rates(), slow_key_median_seconds=1e9, very_slow_key_share=0.0)
    result = simulate.run([(DEFAULT, 2)], rates, 0.2, SEED, processes=1)[0].result
    assert len(result.wedged) == 2
    assert "2 secrets are wedged" in broken_promises(result)


def test_consumers_fail_as_long_as_their_cache_lasts() -> None:
    """An hourly user with a cache of 12 h, read at 0:00; its key dies at 1:30: eleven uses fail, or fewer if mended."""
    never_mended = replace(Rates(), outage_answer=(1000.0, 0.0))
    result = Result()
    kind = next(kind for kind in KINDS if kind.cache_seconds == 12 * HOUR)
    consumer = Consumer(kind, HOUR, 0.0, "old", 12 * HOUR, 0.0)
    crowd = Crowd([consumer], Random(1), never_mended, result.outages, result.failed_uses)
    crowd.sync(1.5 * HOUR, "old", lambda key_id: None)
    crowd.sync(2 * DAY, "new", lambda key_id: "dead" if key_id == "old" else None)
    assert (result.outages.total(), result.failed_uses.total()) == (1, 11)
    assert consumer.held == "new"
    assert consumer.last_use("new", 2 * DAY) == 2 * DAY
    assert consumer.last_use("old", 2 * DAY) == HOUR


def test_percentiles() -> None:
    assert percentile([0, 1, 0, 99], 100.0, 0.25) == 1.0
    assert percentile([0, 1, 0, 99], 1.0, 0.25) == 0.5
    assert percentile([], 50.0, 0.25) == 0.0


def test_the_table_shows_its_assumptions() -> None:
    columns = simulate.run([(DEFAULT, 2)], Rates(), 0.1, SEED, processes=1)
    text = as_text(columns, Rates())
    assert "Assumptions" in text
    assert "1 in 5,000 calls" in text
