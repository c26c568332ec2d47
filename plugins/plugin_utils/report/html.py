# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The report as one self-contained HTML file: no network, no script; every value is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings import finding as checks

from . import figures
from .grouping import by_kind
from .verdict import Report, label

SHOWN_ITEMS = {True: 8, False: 3}
"""In a small fleet, and in a large one, so many examples of a finding are open; the rest folds away."""
OPEN_ROWS = 30
"""Up to so many service accounts the tables are open."""
FORESEEN = {
    checks.ROTATE_90_DAYS: "no Active key is older than 90 days",
    checks.TWO_ACTIVE_KEYS: "no user has two Active keys",
    checks.KEY_UNUSED: "every Active key that was ever used was used within 45 days",
    checks.ROTATION_ENABLED: "rotation is on",
    checks.ROTATED_PERIODICALLY: "every secret rotated within 90 days",
    checks.SECRET_UNUSED: "every secret was read within 90 days",
    checks.ROOT_KEY: "the root user has no key",
}
NOTHING = "\u2013"
_TEMPLATES = Path(__file__).parent / "templates"


def to_html(report: Report) -> str:
    """Render the report."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = _day
    environment.filters["label"] = label
    keys, coming = figures.active_keys(report), figures.coming(report)
    return environment.get_template("report.html.j2").render(
        report=report,
        verdict=report["verdict"],
        groups=by_kind(report),
        ages=figures.key_ages(report),
        rotations=figures.next_rotations(report),
        coming=coming,
        soonest=next((day for day, _names in coming if day >= (report["generated"] or "")[:10]), NOTHING),
        oldest=keys[0][1] if keys else None,
        past=sum(age > figures.LINE_DAYS for _name, age in keys),
        foreseen=[(check, means, report["checks"].get(check, 0)) for check, means in FORESEEN.items()],
        shown=SHOWN_ITEMS[report["verdict"]["service_accounts"] <= OPEN_ROWS],
        open_rows=OPEN_ROWS,
        width=figures.WIDTH,
        line_days=figures.LINE_DAYS,
        mood=_mood(report["verdict"]),
    )


def _mood(verdict: Mapping[str, Any]) -> str:
    if verdict["unaudited_accounts"] or verdict["error"]:
        return "error"
    return "warning" if verdict["warning"] else "ok"


def _day(text: str | None) -> str:
    return text[:10] if text else NOTHING
