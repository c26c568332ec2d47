# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The runbook's search in headless Chromium: of a message that is pasted, the row that explains it is left."""

from __future__ import annotations

import html
import re
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ansible_collections.evergreen.key_rotation.tests.browser.conftest import FLAGS, Browser

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "site" / "static" / "messages.js"


def rows() -> list[str]:
    """The rows of the runbook's tables, as Sphinx would write them."""
    lines = (ROOT / "docs" / "runbook.md").read_text().splitlines()
    body = [line for line, before in zip(lines[1:], lines, strict=False) if line[:2] == "| " and before[:1] == "|"]
    cells = [[html.escape(cell) for cell in line.strip("|").split("|")] for line in body]
    coded = [[re.sub(r"`([^`]+)`", r"<code>\1</code>", cell) for cell in row] for row in cells]
    return [f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in coded]


def left(browser: Browser, folder: Path, message: str) -> tuple[list[str], int]:
    """The first cells of the rows that are left, and how many there were."""
    page = folder / "runbook.html"
    table = f"<table><tbody>{''.join(rows())}</tbody></table>"
    section = f'<section id="operations-runbook"><h1>Operations runbook</h1>{table}</section>'
    page.write_text(f'<!doctype html><meta charset="utf-8">{section}<script src="{SCRIPT.as_uri()}"></script>')
    command = [
        browser.program,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
        f"{page.as_uri()}?{urlencode({'message': message})}",
    ]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    found = re.findall(r"<tr( hidden=\"\")?><td>(.*?)</td>", seen)
    assert re.search(r"<output[^>]*>\d+ of \d+ rows</output>", seen), seen[-2000:]
    return [cell for hidden, cell in found if not hidden], len(found)


@pytest.mark.parametrize(
    ("message", "entry"),
    [
        (
            "createSecret: IAM user ecr-deployments is bound to no secret (tag key-rotation:secret); deploy enrols it",
            "is bound to no secret (tag …); deploy enrols it",
        ),
        (
            "IAM user bitbucket has two Active keys: the previous one (AKIARZPUZDIKE6U73J64) is in its grace period\n"
            "        until 2026-11-25T22:43:55+00:00; rotate after that, or deactivate it yourself",
            "has two Active keys: the previous one (…) is in its grace period until …",
        ),
        ("RetirementBlocked", "RetirementBlocked"),
    ],
)
def test_of_a_pasted_message_its_row_is_left(browser: Browser, tmp_path: Path, message: str, entry: str) -> None:
    shown, there = left(browser, tmp_path, message)
    assert there > 150
    assert any(f"<code>{entry}</code>" in cell for cell in shown)
    assert len(shown) <= 2


def test_a_message_that_is_not_there_leaves_nothing(browser: Browser, tmp_path: Path) -> None:
    assert left(browser, tmp_path, "no such thing was ever said")[0] == []
