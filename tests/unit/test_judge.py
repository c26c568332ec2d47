# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the judge makes of Prowler's rows: silence, MANUAL and an unnamed FAIL are no pass."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from judge.checks import (
    ALARM,
    CHECKS,
    DAILY,
    OPTIONS,
    SILENT,
    SUBSCRIPTION,
    TOPIC,
    Verdict,
    demand,
    demand_silent,
    table,
    verdicts,
)
from judge.days import BOUNDARY, some_days
from judge.scanner import Finding, JudgeError

DOCS = Path(__file__).resolve().parents[2] / "docs"
CHECK = "iam_rotate_access_key_90_days"
KINDS: dict[str, dict[str, str]] = {**{kind: {} for kind in CHECKS.values()}, "user": {"arn:ann": "ann"}}


def row(status: str, uid: str = "arn:ann", check: str = CHECK) -> Finding:
    return Finding(check, status, "name", uid, "text")


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "SILENT"),
        (["PASS"], "PASS"),
        (["PASS", "FAIL"], "FAIL"),
        (["MANUAL", "PASS"], "MANUAL"),
        (["MUTED"], "MUTED"),
    ],
)
def test_the_worst_row_of_a_resource_counts(statuses: list[str], expected: str) -> None:
    found = verdicts([row(status) for status in statuses] + [row("PASS", "arn:another")], KINDS)
    assert [verdict.status for verdict in found if verdict.check == CHECK] == [expected]


@pytest.mark.parametrize("status", ["SILENT", "MANUAL", "FAIL"])
def test_what_is_no_pass_is_named(status: str) -> None:
    with pytest.raises(JudgeError, match=f"{CHECK}: ann: {status}"):
        demand([Verdict(CHECK, "ann", status)], {})


def test_only_a_fail_can_be_named_away() -> None:
    demand([Verdict(CHECK, "ann", status) for status in ("PASS", "MUTED", "FAIL")], {CHECK: "an option"})
    with pytest.raises(JudgeError):
        demand([Verdict(CHECK, "ann", "SILENT")], {CHECK: "an option"})


def test_checks_about_things_that_are_not_ours_must_not_fail() -> None:
    demand_silent([row("PASS", check=SILENT[0]), row("FAIL")])
    with pytest.raises(JudgeError, match=SILENT[0]):
        demand_silent([row("FAIL", check=SILENT[0])])


def test_the_table_counts() -> None:
    found = [Verdict(CHECK, "ann", "PASS"), Verdict(CHECK, "bob", "FAIL"), Verdict(CHECK, "eve", "PASS")]
    assert table(found).split() == [CHECK, "1", "FAIL,", "2", "PASS"]


def test_the_days_of_a_year_hold_the_boundary_and_each_rotation() -> None:
    assert set(BOUNDARY) <= set(some_days(24))
    assert {85, 170, 255, 340} <= set(some_days(24))
    assert {86, 172, 258, 344} <= set(some_days(0))


def test_every_check_is_of_one_sort_and_stands_in_the_guide() -> None:
    assert not set(CHECKS) & set(SILENT)
    assert set(OPTIONS) | set(DAILY) <= set(CHECKS)
    guide = (DOCS / "prowler.md").read_text()
    alarms = [check for check, kind in CHECKS.items() if kind in (TOPIC, SUBSCRIPTION, ALARM)]
    assert [check for check in [*OPTIONS, *alarms] if f"`{check}`" not in guide] == []


def test_each_muted_check_has_a_reason_and_is_one_that_applies() -> None:
    muted = yaml.safe_load((DOCS / "prowler-mutelist.yaml").read_text())["Mutelist"]["Accounts"]["*"]["Checks"]
    assert all(len(entry["Description"]) > 40 for entry in muted.values())
    assert set(muted) <= set(CHECKS)
    guide = (DOCS / "prowler.md").read_text()
    assert [check for check in muted if f"`{check}`" not in guide] == []
