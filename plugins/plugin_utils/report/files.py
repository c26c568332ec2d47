# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The report's files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from .html import to_html
from .tables import to_csv, to_junit
from .verdict import Report


def files(report: Report) -> dict[str, str]:
    """Name to content of each file."""
    return {
        "report.html": to_html(report),
        "report.json": json.dumps(report, indent=1) + "\n",
        "report.csv": to_csv(report),
        "report.junit.xml": to_junit(report),
    }


def write(content: Mapping[str, str], folder: Path) -> list[str]:
    """Write the files, readable by others than the owner only where the umask says so.

    Raises:
        OSError: the folder cannot be made or written to.
    """
    folder = folder.expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in content.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in content]
