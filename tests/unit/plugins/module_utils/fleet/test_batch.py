# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The pool and the pace: nothing stops in the middle, and writes stay under the quota."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch import Pace, run_all
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch_result import (
    Entry,
    batch_result,
    said,
    work_all,
)
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.errors import StateError


class Clock:
    """Time that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_pace_is_kept_on_the_average_and_at_once() -> None:
    clock = Clock()
    pace = Pace(45.0, lambda: clock.now, clock.sleep)
    turns = []
    for _ in range(91):
        pace.wait()
        turns.append(clock.now)
    assert turns[0] == 100.0
    assert abs(turns[-1] - 102.0) < 1e-6
    assert all(sum(start <= turn < start + 1.0 for turn in turns) <= 46 for start in turns)


def test_idle_time_is_no_credit() -> None:
    clock = Clock()
    pace = Pace(10.0, lambda: clock.now, clock.sleep)
    pace.wait()
    clock.now += 60
    pace.wait()
    pace.wait()
    assert abs(clock.now - 160.1) < 1e-6


def test_every_item_runs_and_each_failure_is_its_own() -> None:
    def function(item: int) -> int:
        if item % 2:
            raise StateError(f"{item} is odd")
        return item * 10

    outcomes = run_all(function, list(range(7)), workers=3)
    assert [outcome.item for outcome in outcomes] == list(range(7))
    assert [outcome.result for outcome in outcomes] == [0, None, 20, None, 40, None, 60]
    assert [str(outcome.error) for outcome in outcomes if outcome.error] == ["1 is odd", "3 is odd", "5 is odd"]
    assert run_all(function, []) == []


@dataclass(frozen=True)
class Item:
    name: str


def test_a_surprise_is_named_without_its_text() -> None:
    assert said(StateError("secret /a is gone; mend it")) == "secret /a is gone; mend it"
    assert said(ValueError("AKIA value")) == "unexpected ValueError; please report it"


def test_the_result_names_the_first_failures_and_the_count() -> None:
    def work(item: Item, _: list[str]) -> Entry:
        raise StateError(f"reason {item.name[1:]}")

    found = [Entry("ok", changed=True, changes=("x",), before={"a": 1}, after={"a": 2})]
    found += work_all(work, [Item(f"h{number}") for number in range(5)])
    result = batch_result(found)
    assert (result["changed"], result["failed"]) == (True, True)
    assert result["msg"] == "5 of 6 service accounts failed: h0: reason 0; h1: reason 1; h2: reason 2; and 2 more"
    assert "results" not in result
    assert result["diff"] == {"before": {"ok": {"a": 1}}, "after": {"ok": {"a": 2}}}
    assert [entry["failed"] for entry in result["secrets"]] == [False, True, True, True, True, True]


def test_what_an_item_had_done_is_told_with_what_ended_it() -> None:
    def work(item: Item, done: list[str]) -> Entry:
        done.append(f"tagged {item.name}")
        if item.name == "b":
            raise StateError("no schedule")
        return Entry(item.name, changed=True, changes=tuple(done))

    assert work_all(work, [Item("a"), Item("b")], workers=1) == [
        Entry("a", changed=True, changes=("tagged a",)),
        Entry("b", changed=True, failed=True, msg="no schedule", changes=("tagged b",)),
    ]
