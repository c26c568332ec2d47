# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A report as rows: CSV for spreadsheets, JUnit XML for pipelines, a table for the terminal. Pure."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from .grouping import by_kind
from .verdict import Report, Threshold, all_findings, label

COLUMNS = (
    "account",
    "region",
    "service_account",
    "iam_user",
    "secret_name",
    "access_key_id",
    "key_age_days",
    "last_rotated_date",
    "next_rotation_date",
    "severity",
    "finding",
    "prowler_check",
    "found",
    "way_out",
)
_NO_FINDING: Mapping[str, Any] = {"severity": "ok", "id": "", "check": "", "text": "", "mend": ""}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LINE_CHARACTERS = 110
_FEW = 30
"""Up to so many service accounts the table has those without a finding, too."""


def to_csv(report: Report) -> str:
    """One line for each finding, and one for each service account that has none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for account in report["accounts"]:
        place = [account["account"], account["region"]]
        for secret in account["secrets"]:
            key = secret.get("current_key") or {}
            about = [secret["name"], secret["iam_user"], secret["secret_name"]]
            about += [key.get("access_key_id"), key.get("age_days")]
            about += [secret.get("last_rotated_date"), secret.get("next_rotation_date")]
            for finding in secret["findings"] or [_NO_FINDING]:
                writer.writerow([_cell(value) for value in [*place, *about, *_of(finding)]])
        for finding in account["account_findings"]:
            writer.writerow([_cell(value) for value in [*place, *[""] * 7, *_of(finding)]])
        if account["reason"]:
            failed = ["error", "account-failed", "", account["reason"], "mend it and audit again"]
            writer.writerow([_cell(value) for value in [*place, *[""] * 7, *failed]])
    return out.getvalue()


def to_junit(report: Report) -> str:
    """A test suite for each account, a test case for each service account; what reaches the threshold is a failure."""
    threshold = Threshold(report["fail_on"])
    root = ElementTree.Element("testsuites", name="key_rotation audit")
    for account in report["accounts"]:
        suite = ElementTree.SubElement(root, "testsuite", name=label(account))
        cases: dict[str, list[Mapping[str, Any]]] = {secret["name"]: [] for secret in account["secrets"]}
        cases["the account"] = []
        for name, finding in all_findings(account):
            cases[name or "the account"].append(finding)
        failures = 0
        for name, findings in cases.items():
            case = ElementTree.SubElement(suite, "testcase", classname=label(account), name=name)
            if name == "the account" and account["reason"]:
                ElementTree.SubElement(case, "error", message=_xml(account["reason"]))
            failing = [finding for finding in findings if threshold.reached(finding)]
            rest = [finding for finding in findings if finding not in failing]
            if failing:
                failures += 1
                message = "; ".join(_xml(finding["text"]) for finding in failing)
                failure = ElementTree.SubElement(case, "failure", type=failing[0]["id"], message=message)
                failure.text = "\n".join(_line(finding) for finding in failing)
            if rest:
                ElementTree.SubElement(case, "system-out").text = "\n".join(_line(finding) for finding in rest)
        suite.set("tests", str(len(cases)))
        suite.set("failures", str(failures))
        suite.set("errors", str(int(bool(account["reason"]))))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def to_lines(report: Report) -> list[str]:
    """What a person reads in the terminal: who has which findings, then each kind with an example and the way out."""
    lines: list[str] = []
    few = report["verdict"]["service_accounts"] <= _FEW
    for account in report["accounts"]:
        lines.append(f"Account {label(account)}")
        shown = [secret for secret in account["secrets"] if few or secret["findings"]]
        width = max([len(secret["name"]) for secret in shown], default=0)
        for secret in shown:
            key = secret.get("current_key") or {}
            age = f"{key['age_days']} d" if key else "-"
            worst = secret["findings"][0]["severity"] if secret["findings"] else "ok"
            kinds = ", ".join(dict.fromkeys(finding["id"] for finding in secret["findings"]))
            lines.append(f"  {secret['name']:{width}}  {age:>6}  {worst:7}  {kinds}".rstrip())
        fine = len(account["secrets"]) - len(shown)
        if fine:
            lines.append(f"  and {fine} service accounts without a finding")
        if account["account_findings"]:
            kinds = ", ".join(dict.fromkeys(finding["id"] for finding in account["account_findings"]))
            lines.append(f"  around them: {kinds}")
        if account["reason"]:
            lines += _wrapped(f"FAILED: {account['reason']}", "  ")
        lines.append("")
    for group in by_kind(report):
        name, _place, text = group["items"][0]
        checks = "".join(f" [{check}]" for check in group["checks"])
        lines.append(f"{group['severity']} {group['id']} ({len(group['items'])}){checks}: {group['title']}")
        lines += _wrapped(f"e.g. {name}: {text}", "    ")
        lines += _wrapped(f"way out: {' / '.join(group['mends'])}", "    ")
    verdict = report["verdict"]
    counts = ", ".join(f"{verdict[severity]} {severity}" for severity in ("error", "warning", "info"))
    return [*lines, "", f"{verdict['sentence']} ({counts}; audit_fail_on={report['fail_on']})"]


def _of(finding: Mapping[str, Any]) -> list[Any]:
    return [finding["severity"], finding["id"], finding["check"], finding["text"], finding["mend"]]


def _cell(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _line(finding: Mapping[str, Any]) -> str:
    check = f" [{finding['check']}]" if finding["check"] else ""
    return _xml(f"{finding['severity']} {finding['id']}{check}: {finding['text']}; {finding['mend']}")


def _xml(text: str) -> str:
    """A text without the control characters that XML cannot hold."""
    return "".join(char for char in text if char in "\n\t" or ord(char) >= 32)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        _LINE_CHARACTERS,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
