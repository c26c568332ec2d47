# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the artefact for Galaxy must hold: what git tracks of what ships, and nothing else."""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

SHIPS = frozenset(
    {
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "changelogs",
        "docs",
        "inventory",
        "lambda_src",
        "meta",
        "playbooks",
        "plugins",
        "roles",
        "tests/config.yml",
    }
)
"""The files and folders that belong to the collection; everything else serves its making."""

STAYS = ("changelogs/fragments/",)
"""What does not ship of the entries above: a release holds its fragments as changelogs/changelog.yaml."""

WRITTEN_BY_GALAXY = frozenset({"MANIFEST.json", "FILES.json"})

LARGEST_FILE = 100_000
LARGEST_ARTEFACT = 500_000
"""Bytes. A file beyond is a mistake, or a decision that is taken here."""


class ArtefactError(Exception):
    """The artefact is not what it should be; the text names every difference and the way out."""


def tracked(checkout: Path) -> list[str]:
    """The files that git tracks, as paths with slashes.

    Raises:
        ArtefactError: this is no git checkout, so that nothing says which files belong to the collection.
    """
    done = subprocess.run(["git", "ls-files", "-z"], cwd=checkout, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ArtefactError(f"{checkout} is no git checkout: {done.stderr.strip()}; build in a clone of the repository")
    return [name for name in done.stdout.split("\0") if name]


def expected(names: Iterable[str]) -> set[str]:
    """The files of the collection, out of those that git tracks."""
    return {*(name for name in names if _ships(name) and not name.startswith(STAYS)), *WRITTEN_BY_GALAXY}


def sizes(archive: Path) -> dict[str, int]:
    """The files of an artefact, with their bytes."""
    with tarfile.open(archive) as tar:
        return {member.name: member.size for member in tar.getmembers() if not member.isdir()}


def problems(found: Mapping[str, int], wanted: set[str], artefact_size: int) -> list[str]:
    """What is wrong with an artefact, one line each; empty when it may be published.

    Args:
        found: its files, with their bytes.
        wanted: the files that it must hold.
        artefact_size: bytes of the archive itself.
    """
    too_much = [
        f"{name} is in the artefact and not in git: commit it, delete it, or name it in build_ignore of galaxy.yml"
        if _ships(name)
        else f"{name} is in the artefact and must not ship: name it in build_ignore of galaxy.yml"
        for name in sorted(set(found) - wanted)
    ]
    missing = [
        f"{name} is missing in the artefact: is it deleted, or named in build_ignore of galaxy.yml?"
        for name in sorted(wanted - set(found))
    ]
    large = [
        f"{name} has {size} bytes, more than {LARGEST_FILE}: make it smaller, or raise the limit in release/artefact.py"
        for name, size in sorted(found.items())
        if size > LARGEST_FILE
    ]
    if artefact_size > LARGEST_ARTEFACT:
        large.append(f"the artefact has {artefact_size} bytes, more than {LARGEST_ARTEFACT}")
    return too_much + missing + large


def _ships(name: str) -> bool:
    return not SHIPS.isdisjoint({name, *map(str, PurePosixPath(name).parents)})
