# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Puts a table that a command prints into a page of the docs."""

from __future__ import annotations

from pathlib import Path


def put(page: Path, name: str, table: str) -> None:
    """Replace what stands between <!-- NAME --> and <!-- end of NAME -->."""
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = page.read_text().partition(start)
    page.write_text(f"{before}{start}\n{table}\n{end}{rest.partition(end)[2]}")
