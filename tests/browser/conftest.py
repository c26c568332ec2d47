# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Opens a report in headless Chromium and asks what is seen there. No driver: a page beside it looks into a frame."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.files import files, write
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.verdict import make_report
from demo import audits

PROBE = Path(__file__).with_name("probe.html")
HEIGHT = 900
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--allow-file-access-from-files",  # the page beside the report may look into it
    "--virtual-time-budget=20000",
)
THEMES = {"light": "1", "dark": "0"}


@dataclass(frozen=True)
class Browser:
    """Chromium, and the reports that it can open."""

    program: str
    folder: Path

    def look(self, fleet: str, theme: str = "light", width: int = 1100) -> dict[str, Any]:
        """What is seen of a fleet's report in a window of this width."""
        report = self.folder / fleet / "report.html"
        probe = self.folder / fleet / "probe.html"
        probe.write_text(PROBE.read_text().replace("WIDTH", str(width)).replace("HEIGHT", str(HEIGHT)))
        assert report.exists()
        profile = self.folder / f"profile-{fleet}-{theme}-{width}"
        command = [
            self.program,
            *FLAGS,
            f"--blink-settings=preferredColorScheme={THEMES[theme]}",
            f"--user-data-dir={profile}",
            f"--window-size={width + 40},{HEIGHT + 200}",
            "--dump-dom",
            probe.as_uri(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        found = re.search(r'<pre id="seen">(.+?)</pre>', done.stdout, re.DOTALL)
        assert found, f"Chromium showed nothing (exit code {done.returncode}): {done.stderr[-2000:]}"
        seen: dict[str, Any] = json.loads(html.unescape(found.group(1)))
        return seen


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Browser:
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.fail("no Chromium is installed; on Debian: apt-get install chromium")
    folder = tmp_path_factory.mktemp("reports")
    hostile = audits.example(deployed=False)
    hostile[0]["account"] = "<script>document.title='owned'</script>"
    hostile[0]["reason"] = "</style><img src=x onerror=alert(1)>"
    fleets = {
        "old": audits.example(deployed=False),
        "deployed": audits.example(deployed=True),
        "thousand": audits.many(1000),
        "hostile": hostile,
    }
    for name, found in fleets.items():
        write(files(make_report(found, "warning")), folder / name)
    return Browser(program, folder)
