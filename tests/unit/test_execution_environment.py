# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What an execution environment installs for the collection: as much as those it stands on ask for."""

from __future__ import annotations

import fnmatch
import importlib.util
import json
import re
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
