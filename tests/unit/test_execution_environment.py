# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What an execution environment installs for the collection: as much as those it stands on ask for."""

from __future__ import annotations

import ast
import fnmatch
import importlib.util
import json
import re
import sys
from importlib.metadata import packages_distributions, requires
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())
META = ROOT / "meta" / "execution-environment.yml"


def floors(path: Path) -> dict[str, tuple[int, ...]]:
    """Package -> the oldest version that a requirements file takes."""
    lines = [line.strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    parts = [re.fullmatch(r"([a-z0-9]+)>=([0-9.]+)", line) for line in lines]
    assert all(parts), lines
    return {part[1]: tuple(int(number) for number in part[2].split(".")) for part in parts}


def imported(folder: Path) -> set[str]:
    """The packages that the Python files below a folder import, other than this collection."""
    nodes = [node for path in folder.rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))]
    found = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    found += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level]
    return {name.partition(".")[0] for name in found}


def distribution(requirement: str) -> str:
    """The name in a requirement, as distributions are compared."""
    return re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower().replace("_", "-")


def test_python_requirements_are_enough_for_every_import_of_the_plugins():
    """ansible-core is in each environment, with what it needs itself."""
    installed = {"ansible-core", *map(distribution, requires("ansible-core"))}
    installed |= set(floors(ROOT / yaml.safe_load(META.read_text())["dependencies"]["python"]))
    packages = {name for name in imported(ROOT / "plugins") if name not in sys.stdlib_module_names}
    assert "ansible" in packages
    providers = packages_distributions()
    lacking = {
        name
        for name in packages - {"ansible_collections"}
        if not installed & {distribution(found) for found in providers.get(name, ())}
    }
    assert lacking == set()


def test_python_requirements_are_in_the_artefact():
    named = yaml.safe_load(META.read_text())["dependencies"]
    for name in (str(META.relative_to(ROOT)), *named.values()):
        assert (ROOT / name).is_file()
        assert not any(
            fnmatch.fnmatch(part, kept_out) for part in Path(name).parts for kept_out in GALAXY["build_ignore"]
        )


@pytest.mark.parametrize("collection", GALAXY["dependencies"])
def test_python_requirements_are_those_of_the_oldest_collections_below(collection):
    """A newer collection brings its own file, which an execution environment installs as well."""
    spec = importlib.util.find_spec(f"ansible_collections.{collection}")
    folder = Path(*spec.submodule_search_locations)
    theirs = floors(folder / "requirements.txt")
    ours = floors(ROOT / yaml.safe_load(META.read_text())["dependencies"]["python"])
    installed = json.loads((folder / "MANIFEST.json").read_text())["collection_info"]["version"]
    if GALAXY["dependencies"][collection] == f">={installed}":
        assert ours == theirs
    assert set(ours) == set(theirs)
    assert all(ours[name] <= theirs[name] for name in ours)


def test_the_example_definition_names_this_version():
    definition = yaml.safe_load((ROOT / "docs" / "execution-environment.yml").read_text())
    artefact = f"{GALAXY['namespace']}-{GALAXY['name']}-{GALAXY['version']}.tar.gz"
    assert [item["name"] for item in definition["dependencies"]["galaxy"]["collections"]] == [f"collections/{artefact}"]
    assert [item["src"] for item in definition["additional_build_files"]] == [artefact]
