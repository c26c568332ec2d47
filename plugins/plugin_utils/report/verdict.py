# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""From audits to one report: counts, threshold, verdict. Pure; the result is report.json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.catalogue import CATALOGUE
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.finding import SEVERITIES

FORMAT = 1
NONE = "none"
_GLOBAL = ("root-access-key", "user-uncovered")
Audit = Mapping[str, Any]
Report = dict[str, Any]


class ThresholdError(Exception):
    """The threshold is no severity, no finding and no check."""


class Threshold:
    """What makes an audit fail.

    Args:
        wanted: none, a severity, or ids of findings and Prowler checks (a list, or separated by commas).

    Raises:
        ThresholdError: anything else.
    """

    def __init__(self, wanted: object) -> None:
        items = wanted if isinstance(wanted, (list, tuple)) else str(wanted or NONE).split(",")
        self.items = [str(item).strip() for item in items if str(item).strip()]
        words = (NONE, *SEVERITIES)
        if len(self.items) == 1 and self.items[0] in words:
            return
        for item in self.items:
            if item not in CATALOGUE and not item.startswith(("iam_", "secretsmanager_")):
                raise ThresholdError(
                    f"audit_fail_on: found {item!r}; write one of {', '.join(words)}, or a list of finding ids and "
                    "Prowler checks (docs/audit.md lists them)"
                )

    def reached(self, finding: Mapping[str, Any]) -> bool:
        """Whether this finding makes the audit fail."""
        if self.items == [NONE]:
            return False
        if len(self.items) == 1 and self.items[0] in SEVERITIES:
            return bool(SEVERITIES.index(finding["severity"]) <= SEVERITIES.index(self.items[0]))
        return bool({finding["id"], finding["check"]} & set(self.items))

    def __str__(self) -> str:
        return ", ".join(self.items)


def label(audit: Audit) -> str:
    """An account as people read it."""
    return f"{audit['account']} ({audit['region']})"


def all_findings(audit: Audit) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every finding of an account, with the service account that it is about, or an empty name."""
    for secret in audit["secrets"]:
        for finding in secret["findings"]:
            yield secret["name"], finding
    for finding in audit["account_findings"]:
        yield "", finding


def make_report(audits: Sequence[Audit], fail_on: object) -> Report:
    """The report as report.json holds it.

    Raises:
        ThresholdError: fail_on makes no sense.
    """
    threshold = Threshold(fail_on)
    audits = _once(audits)
    accounts = [_account(audit, threshold) for audit in audits]
    counts: Counter[str] = Counter()
    checks: Counter[str] = Counter()
    for audit in audits:
        for _place, finding in all_findings(audit):
            counts[finding["severity"]] += 1
            if finding["check"]:
                checks[finding["check"]] += 1
    total = sum(len(account["secrets"]) for account in accounts)
    clean = sum(not _worth(secret) for account in accounts for secret in account["secrets"])
    unaudited = [label(account) for account in accounts if account["reason"]]
    return {
        "format": FORMAT,
        "generated": max((account["now"] for account in accounts if account["now"]), default=None),
        "fail_on": str(threshold),
        "verdict": {
            "passed": not any(account["verdict"] for account in accounts),
            "sentence": _sentence(total, clean, counts, sum(checks.values()), unaudited),
            "service_accounts": total,
            "without_warning": clean,
            "unaudited_accounts": unaudited,
            **{severity: counts[severity] for severity in SEVERITIES},
        },
        "checks": dict(sorted(checks.items())),
        "accounts": accounts,
    }


def _once(audits: Sequence[Audit]) -> list[Audit]:
    """Users are global: what the Regions of one account say of them alike is said once."""
    seen: set[tuple[str, str]] = set()
    kept: list[Audit] = []
    for audit in audits:
        mine = []
        for finding in audit["account_findings"]:
            mark = (audit["account"], finding["text"])
            if finding["id"] not in _GLOBAL or mark not in seen:
                mine.append(finding)
            seen.add(mark)
        kept.append({**audit, "account_findings": mine})
    return kept


def _account(audit: Audit, threshold: Threshold) -> dict[str, Any]:
    reached = [finding for _place, finding in all_findings(audit) if threshold.reached(finding)]
    verdict = ""
    if audit["reason"]:
        verdict = f"{label(audit)} could not be audited: {audit['reason']}"
    elif reached:
        kinds = sorted({finding["id"] for finding in reached})
        verdict = (
            f"{label(audit)}: {_number(len(reached), 'finding')} at or above audit_fail_on={threshold}: "
            f"{', '.join(kinds)}; the table above and the report say the way out"
        )
    return {**audit, "verdict": verdict}


def _worth(secret: Mapping[str, Any]) -> bool:
    return any(finding["severity"] != "info" for finding in secret["findings"])


def _sentence(total: int, clean: int, counts: Mapping[str, int], failing: int, unaudited: Sequence[str]) -> str:
    if unaudited:
        return f"{_number(len(unaudited), 'account')} could not be audited, so nothing can be promised."
    if not total:
        return "There is no service account to look at."
    if not counts.get("error") and not counts.get("warning"):
        rest = f" Prowler still fails {_number(failing, 'thing')}; the notes say until when." if failing else ""
        return (
            f"All {total} service accounts keep their promise.{rest}" if total > 1 else f"It keeps its promise.{rest}"
        )
    if clean == total:
        return f"All {total} service accounts keep their promise, but the account around them needs attention."
    return f"{total - clean} of {_number(total, 'service account')} need attention."


def _number(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
