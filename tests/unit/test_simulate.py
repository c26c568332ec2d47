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
from chaos.simulate_fleet import Fleet, Result
from chaos.simulate_plot import percentile
from chaos.simulate_report import as_text, broken_promises
from chaos.simulate_settings import DAY, DEFAULT, HOUR, KINDS, Rates
from chaos.simulate_world import OURS, PUT_BACK, Member
from tests.unit.memory.core import START

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


def one_member() -> tuple[Fleet, Member]:
    """An AWS account without weather, and one service account in it, with a new key."""
    fleet = Fleet(DEFAULT, Rates(), 0, 1.0, "1")
    fleet.core.calm = True
    return fleet, fleet.world.enrol_member(0, 0.0)


@pytest.mark.parametrize(
    ("put_back", "off", "whose"),
    [
        (88.1, 90.1, PUT_BACK),
        (87.9, 90.1, OURS),  # there was time: grace and a day
        (88.1, 91.5, PUT_BACK),
        (88.1, 91.7, OURS),  # whatever took so long was not that
        (None, 90.1, OURS),
    ],
)
def test_a_key_that_people_put_back_too_late_is_their_doing(put_back: float | None, off: float, whose: str) -> None:
    fleet, member = one_member()
    (key,) = fleet.world.keys(member)
    if put_back is not None:
        member.put_back[key.key_id] = key.created + put_back * DAY
    fleet.core.calm = False
    fleet.world.judge(key, key.created + off * DAY)
    assert fleet.world.violations == {whose: 1}


def test_a_label_that_people_move_back_is_written_down() -> None:
    fleet, member = one_member()
    (old,) = fleet.world.keys(member)
    assert fleet.attempt(member)
    assert member.put_back == {}
    fleet.core.seconds += HOUR
    fleet.people._move_back(member)
    assert member.put_back == {old.key_id: fleet.core.seconds}


def test_people_delete_a_key_when_the_error_asks_for_it() -> None:
    """AWSCURRENT's key is deleted, and an attempt leaves a key that nobody knows: no rotation may delete anything."""
    fleet, member = one_member()
    (old,) = fleet.world.keys(member)
    assert fleet.attempt(member)
    old.active = False
    current = fleet.world.fleet_iam.key(fleet.world.current(member) or "")
    assert current is not None
    fleet.people._remove(member, current, "people: key deleted by hand")
    unknown = fleet.world.fleet_iam.add_key(member.user)
    fleet.core.seconds += HOUR
    assert not fleet.attempt(member)
    assert "nothing is deleted" in member.last_error
    fleet.people.mend(member)
    fleet.core.seconds += HOUR
    assert unknown not in fleet.world.keys(member)
    assert member.failures == 0


@pytest.mark.parametrize(("hour", "waits"), [(0, 2), (1.5, 0.5), (3, 23), (23, 3)])
def test_a_deploy_runs_at_two_each_night(hour: float, waits: float) -> None:
    fleet = Fleet(DEFAULT, replace(Rates(), pipeline_skipped_share=0.0), 0, 1.0, "1")
    fleet.core.seconds = START + 100 * DAY + hour * HOUR
    assert fleet.people._next_run() - fleet.core.seconds == waits * HOUR


def test_percentiles() -> None:
    assert percentile([0, 1, 0, 99], 100.0, 0.25) == 1.0
    assert percentile([0, 1, 0, 99], 1.0, 0.25) == 0.5
    assert percentile([], 50.0, 0.25) == 0.0


def test_the_table_shows_its_assumptions() -> None:
    columns = simulate.run([(DEFAULT, 2)], Rates(), 0.1, SEED, processes=1)
    text = as_text(columns, Rates())
    assert "Assumptions" in text
    assert "1 in 5,000 calls" in text
