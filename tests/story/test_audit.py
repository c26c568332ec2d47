# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The audit: says what is wrong before a deploy and nothing after it, writes its files, and writes nothing to AWS."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ansible_collections.evergreen.key_rotation.tests.story.conftest import Story
from demo.old_fleet import SECRETS, USERS
from demo.story import writes
from sandbox.world import ACCOUNT

FILES = ("report.html", "report.json", "report.csv", "report.junit.xml")


def audit(story: Story, folder: Path, *arguments: str, code: int = 0, **environment: str) -> dict[str, Any]:
    """Audit into a folder; give the report."""
    journal = len(story.aws.remote.journal())
    story.play("audit", "-e", f"audit_report_dir={folder}", *arguments, code=code, **environment)
    assert writes(story.aws.remote.journal()[journal:]) == []
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def ids(report: dict[str, Any]) -> dict[str, set[str]]:
    return {
        secret["name"]: {finding["id"] for finding in secret["findings"]}
        for account in report["accounts"]
        for secret in account["secrets"]
    }


def test_before_and_after_a_deploy(old_fleet: Story, tmp_path: Path) -> None:
    values = [json.loads(old_fleet.aws.value(secret)) for secret in SECRETS.values()]
    before = audit(old_fleet, tmp_path / "before", code=2)
    assert before["verdict"]["passed"] is False
    assert set(ids(before)) == set(SECRETS)
    for name in USERS:
        assert {"key-too-old", "rotation-off", "never-rotated"} <= ids(before)[name]
    assert before["checks"]["iam_rotate_access_key_90_days"] == len(USERS)

    old_fleet.play("deploy")
    during = audit(old_fleet, tmp_path / "during")
    assert {frozenset(ids(during)[name]) for name in USERS} == {frozenset({"key-too-old", "two-active-keys"})}
    assert set(during["checks"]) == {"iam_rotate_access_key_90_days", "iam_user_two_active_access_key"}
    assert (during["verdict"]["warning"], during["verdict"]["error"]) == (0, 0)

    old_fleet.aws.remote.advance(24 * 3600 + 600)
    after = audit(old_fleet, tmp_path / "after")
    assert after["checks"] == {}
    assert (after["verdict"]["passed"], after["verdict"]["warning"], after["verdict"]["error"]) == (True, 0, 0)

    suite = ElementTree.parse(tmp_path / "before" / "report.junit.xml").getroot()
    assert len(suite.findall(".//failure")) == len(SECRETS)
    rows = list(csv.DictReader((tmp_path / "before" / "report.csv").open()))
    assert {row["service_account"] for row in rows} == set(SECRETS)
    values += [json.loads(old_fleet.aws.value(secret)) for secret in SECRETS.values()]
    marks = [value.get("AWS_SECRET_ACCESS_KEY") or value.get("password") for value in values]
    for folder in ("before", "during", "after"):
        for name in FILES:
            text = (tmp_path / folder / name).read_text()
            assert not [mark for mark in marks if mark in text], name


def test_a_limit_a_threshold_and_an_account_that_fails_alone(old_fleet: Story, tmp_path: Path) -> None:
    limited = audit(old_fleet, tmp_path, "--limit", "database-dev", "-e", "audit_fail_on=key-too-old")
    assert set(ids(limited)) == {"database-dev"}
    assert not [finding for account in limited["accounts"] for finding in account["account_findings"]]
    assert "write one of none" in old_fleet.play("audit", "-e", "audit_fail_on=often", code=2).output

    old_fleet.account["vars"]["aws_account_id"] = ACCOUNT
    other = old_fleet.inventory["all"]["children"]["acmecorp_dev"] = {
        "vars": {"aws_account": "acmecorp-dev", "aws_account_id": "999999999999", "aws_region": "us-east-1"},
        "hosts": {"elsewhere": {"rotation_strategy": "noop", "secret_name": "/elsewhere"}},
    }
    report = audit(old_fleet, tmp_path, "-e", "audit_fail_on=none", code=2)
    failed, fine = sorted(report["accounts"], key=lambda account: account["account"])
    assert other["vars"]["aws_account_id"] in failed["reason"]
    assert (failed["secrets"], len(fine["secrets"]), fine["verdict"]) == ([], len(SECRETS), "")


def test_an_exempt_one_is_told_and_fails_nothing(old_fleet: Story, tmp_path: Path) -> None:
    hosts = old_fleet.service_accounts["hosts"]
    hosts["bitbucket"] |= {"exempt_until": "2099-12-31", "exempt_reason": "merger"}
    report = audit(old_fleet, tmp_path, "--limit", "bitbucket")
    assert {"exempt", "key-too-old"} <= ids(report)["bitbucket"]
    assert report["checks"]["iam_rotate_access_key_90_days"] == 1


def test_a_retirement_waits_for_a_consumer_by_the_accounts_own_quiet_hours(old_fleet: Story, tmp_path: Path) -> None:
    """The previous key was used 20 hours ago: by the default of 12 its retirement would be overdue."""
    old_fleet.account["vars"]["quiet_hours"] = 24
    old_fleet.play("deploy", "--limit", "bitbucket")
    old = old_fleet.aws.keys(USERS["bitbucket"][1])[0].key_id
    old_fleet.aws.remote.advance(18 * 3600)
    old_fleet.aws.remote.age_key(old, 30, last_used_days=0)
    old_fleet.aws.remote.advance(20 * 3600)
    found = ids(audit(old_fleet, tmp_path, "--limit", "bitbucket", "-e", "audit_fail_on=none"))["bitbucket"]
    assert {one for one in found if one.startswith("retirement")} == {"retirement-postponed"}
