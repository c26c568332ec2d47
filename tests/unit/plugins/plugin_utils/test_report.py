# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The report's verdict, threshold and tables, and the documents that must agree with the code."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings import finding as checks
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.catalogue import CATALOGUE
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.figures import key_ages, next_rotations
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.files import files, write
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.tables import to_csv, to_junit, to_lines
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.verdict import ThresholdError, make_report
from demo import audits

ROOT = Path(__file__).resolve().parents[4]
TWO = "iam_user_two_active_access_key"


def audit(*findings: tuple[str, str, str | None], reason: str = "", around: tuple[str, ...] = ()) -> dict[str, Any]:
    """One account with one service account."""
    found = [
        {"id": name, "severity": severity, "text": "t", "mend": "m", "check": check}
        for name, severity, check in findings
    ]
    other = [
        {"id": "user-uncovered", "severity": severity, "text": "t", "mend": "m", "check": None} for severity in around
    ]
    secret = {
        "name": "h",
        "secret_name": "/h",
        "iam_user": "h",
        "rotation_strategy": "iam_access_key",
        "findings": found,
    }
    return {
        "account": "a",
        "region": "r",
        "reason": reason,
        "now": "2026-03-01T12:00:00+00:00",
        "secrets": [] if reason else [secret],
        "account_findings": other,
    }


@pytest.mark.parametrize(
    ("given", "fail_on", "passed"),
    [
        (audit(), "info", True),
        (audit(("exempt", "info", None)), "info", False),
        (audit(("exempt", "info", None)), "warning", True),
        (audit(("pending", "warning", None)), "warning", False),
        (audit(("pending", "warning", None)), "error", True),
        (audit(("document", "error", None)), "error", False),
        (audit(("document", "error", None)), "none", True),
        (audit(("document", "error", None)), "pending", True),
        (audit(("two-active-keys", "info", TWO)), TWO, False),
        (audit(("two-active-keys", "info", TWO)), ["pending", "two-active-keys"], False),
        (audit(("two-active-keys", "info", TWO)), "pending, two-active-keys", False),
        (audit(around=("warning",)), "warning", False),
        (audit(around=("info",)), "warning", True),
        (audit(reason="no credentials"), "none", False),
    ],
)
def test_the_threshold(given: dict[str, Any], fail_on: object, passed: bool) -> None:
    report = make_report([given], fail_on)
    assert report["verdict"]["passed"] is passed
    assert bool(report["accounts"][0]["verdict"]) is not passed


@pytest.mark.parametrize("fail_on", ["often", ["warning", "error"], "key-too-young"])
def test_a_threshold_that_means_nothing_is_refused(fail_on: object) -> None:
    with pytest.raises(ThresholdError, match=r"write one of none, error, warning, info, or a list"):
        make_report([audit()], fail_on)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "There is no service account to look at."),
        ([audit()], "It keeps its promise."),
        ([audit(), audit()], "All 2 service accounts keep their promise."),
        ([audit(), audit(("pending", "warning", None))], "1 of 2 service accounts need attention."),
        ([audit(around=("warning",)), audit()], "All 2 service accounts keep their promise, but the account"),
        ([audit(), audit(reason="x")], "1 account could not be audited"),
        ([audit(), audit(("two-active-keys", "info", TWO))], "Prowler still fails 1 thing; the notes say until when."),
    ],
)
def test_the_sentence(given: list[dict[str, Any]], sentence: str) -> None:
    assert sentence in make_report(given, "warning")["verdict"]["sentence"]


def test_no_cell_is_a_formula_and_xml_stays_xml() -> None:
    given = audit(("pending", "warning", None))
    given["secrets"][0]["name"] = "=cmd()"
    given["secrets"][0]["findings"][0]["text"] = 'a <b> & "c"\x07'
    report = make_report([given], "warning")
    (row,) = csv.DictReader(io.StringIO(to_csv(report)))
    assert row["service_account"] == "'=cmd()"
    failure = ElementTree.fromstring(to_junit(report).encode()).find(".//failure")
    assert failure is not None
    assert failure.get("message") == 'a <b> & "c"'


def test_junit_counts_and_the_table_ends_with_the_verdict() -> None:
    report = make_report([audit(("pending", "warning", None)), audit(reason="no credentials")], "warning")
    suites = ElementTree.fromstring(to_junit(report).encode()).findall("testsuite")
    assert [(suite.get("tests"), suite.get("failures"), suite.get("errors")) for suite in suites] == [
        ("2", "1", "0"),
        ("1", "0", "1"),
    ]
    lines = to_lines(report)
    assert "  FAILED: no credentials" in lines
    assert lines[-1].endswith("(0 error, 1 warning, 0 info; audit_fail_on=warning)")


def test_a_report_is_its_own_source(tmp_path: Path) -> None:
    first = files(make_report(audits.many(40), "warning"))
    again = json.loads(first["report.json"])
    assert files(make_report(again["accounts"], again["fail_on"])) == first
    assert [Path(path).name for path in write(first, tmp_path / "new")] == list(first)


def test_a_user_is_told_once_for_all_regions_of_an_account() -> None:
    one = audit(around=("warning",))
    report = make_report([one, {**one, "region": "s"}, {**one, "account": "b"}], "warning")
    assert [len(account["account_findings"]) for account in report["accounts"]] == [1, 0, 1]


def test_what_could_not_be_read_is_in_every_file() -> None:
    unreadable = audit(("unreadable", "error", None))
    unreadable["secrets"][0] |= {"failed": True, "msg": "denied", "due": None}
    nothing = {**audit(reason="no credentials"), "account": "b", "now": None}
    content = files(make_report([unreadable, nothing], "none"))
    assert all("no credentials" in text for text in content.values())
    alone = files(make_report([nothing], "none"))
    assert "1 account could not be audited" in alone["report.html"]


@pytest.mark.parametrize(("count", "kind"), [(5, "bars"), (1000, "columns")])
def test_every_key_is_in_the_picture(count: int, kind: str) -> None:
    report = make_report(audits.many(count), "warning")
    ages = key_ages(report)
    assert ages.kind == kind
    keys = int(ages.summary.split()[0])
    assert keys == (len(ages.bars) if kind == "bars" else sum(int(bar.value) for bar in ages.bars))
    assert int(next_rotations(report).summary.split()[0]) == sum(int(bar.value) for bar in next_rotations(report).bars)


def test_the_documents_list_every_finding_and_its_checks() -> None:
    text = (ROOT / "docs" / "audit.md").read_text().partition("## Findings")[2].partition("\n## ")[0]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| ([^\n]+)$", text, re.MULTILINE))
    assert sorted(rows) == sorted(CATALOGUE)
    known = {value for name, value in vars(checks).items() if name.isupper() and isinstance(value, str)}
    assert (
        set(re.findall(r"`((?:iam|secretsmanager)_[a-z0-9_]+)`", "\n".join(row.split("|")[1] for row in rows.values())))
        == known
    )


def test_every_id_in_the_code_is_in_the_catalogue() -> None:
    folder = ROOT / "plugins" / "module_utils" / "fleet" / "findings"
    found: set[str] = set()
    for path in folder.glob("*.py"):
        found |= set(re.findall(r'Finding\(\s*"([a-z-]+)"', path.read_text()))
    assert found <= set(CATALOGUE)
    assert len(found) > 25
