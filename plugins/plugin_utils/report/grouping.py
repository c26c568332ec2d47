# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The findings of a report by kind: one thing to do for many service accounts is one thing to read. Pure."""

from __future__ import annotations

from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.catalogue import CATALOGUE
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.finding import SEVERITIES

from .verdict import Report, all_findings, label


def by_kind(report: Report) -> list[dict[str, Any]]:
    """The findings by kind, worst first, then the most frequent.

    Returns:
        For each kind id, title, severity, checks (Prowler's), mends (a few ways out), and items: service account (or
        Account), place (where the reader needs it), text.
    """
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    several = len(report["accounts"]) > 1
    for account in report["accounts"]:
        for name, finding in all_findings(account):
            group = groups.setdefault(
                (finding["severity"], finding["id"]),
                {
                    "id": finding["id"],
                    "title": CATALOGUE.get(finding["id"], finding["id"]),
                    "severity": finding["severity"],
                    "checks": set(),
                    "mends": {},
                    "items": [],
                },
            )
            if finding["check"]:
                group["checks"].add(finding["check"])
            group["mends"][finding["mend"]] = None
            place = label(account) if several or not name else ""
            group["items"].append((name or "Account", place, finding["text"]))
    order = sorted(groups.values(), key=lambda group: (SEVERITIES.index(group["severity"]), -len(group["items"])))
    return [{**group, "checks": sorted(group["checks"]), "mends": list(group["mends"])[:4]} for group in order]
