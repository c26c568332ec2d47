# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The runbook of the built site in headless Chromium: of a message that is pasted, the row that explains it is left."""

from __future__ import annotations

import html
import re
import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest

from ansible_collections.evergreen.key_rotation.tests.browser.conftest import FLAGS, Browser

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "build" / "docs" / "html" / "docs" / "runbook.html"


def left(browser: Browser, folder: Path, message: str) -> tuple[list[str], int]:
    """The first cells of the rows that are left on the built page, and how many there were."""
    assert PAGE.exists(), "there is no site; make docs"
    command = [
        browser.program,
        *FLAGS,
        f"--user-data-dir={folder / 'profile'}",
        "--dump-dom",
        f"{PAGE.as_uri()}?{urlencode({'message': message})}",
    ]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    found = re.findall(r"<tr([^>]*)>\s*<td>(.*?)</td>", seen, re.DOTALL)
    assert re.search(r"<output[^>]*>\d+ of \d+ rows</output>", seen), seen[-2000:]
    cells = [(attributes, html.unescape(re.sub(r"<[^>]+>", "", cell))) for attributes, cell in found]
    return [text for attributes, text in cells if "hidden" not in attributes], len(cells)


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
    assert any(entry in cell for cell in shown)
    assert len(shown) <= 2


def test_a_message_that_is_not_there_leaves_nothing(browser: Browser, tmp_path: Path) -> None:
    assert left(browser, tmp_path, "no such thing was ever said")[0] == []
