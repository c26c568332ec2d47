# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The collection built and installed as a user gets it: an empty folder, and nothing beside it but what it declares."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import yaml

from demo.playbook import Run, run

from .artefact import ArtefactError

NAME = "evergreen.key_rotation"
_TOOLS = Path(sysconfig.get_path("scripts"))
_ANSIBLE_PACKAGE = Path(sysconfig.get_path("purelib"), "ansible_collections")


def dependencies(checkout: Path) -> list[str]:
    """The collections that galaxy.yml declares."""
    return sorted(yaml.safe_load((checkout / "galaxy.yml").read_text())["dependencies"])


def build_artefact(checkout: Path, folder: Path) -> Path:
    """Build the artefact, in the place of an older one.

    Raises:
        ArtefactError: ansible-galaxy could not.
    """
    _galaxy("build", str(checkout), "--output-path", str(folder), "--force", environment={})
    about = yaml.safe_load((checkout / "galaxy.yml").read_text())
    return folder / f"{about['namespace']}-{about['name']}-{about['version']}.tar.gz"


class Installed:
    """An installation.

    Ansible looks for collections in the folder alone: neither in the environment's site-packages, where the checkout is
    linked and the ansible package has a hundred more, nor below the home folder.

    Args:
        folder: an empty one.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.zip = folder / "rotation.zip"
        self._environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(folder),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
            "ANSIBLE_HOME": str(folder / "home"),
            "HOME": str(folder / "home"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def install(self, artefact: Path, needs: list[str]) -> list[str]:
        """Install the artefact and the collections that it declares, these from the ansible package.

        Galaxy is not asked; ansible-galaxy still resolves the dependencies and their versions.

        Returns:
            What the folder then holds, as "name version".

        Raises:
            ArtefactError: it does not install, or the folder holds something else.
        """
        sources = [str(_ANSIBLE_PACKAGE.joinpath(*name.split("."))) for name in needs]
        self._galaxy("install", "--offline", "--collections-path", str(self._folder), str(artefact), *sources)
        listed = json.loads(self._galaxy("list", "--format", "json"))
        found = {
            name: about["version"]
            for path, collections in listed.items()
            if Path(path).is_relative_to(self._folder)
            for name, about in collections.items()
        }
        if set(found) != {NAME, *needs}:
            raise ArtefactError(f"installed are {', '.join(sorted(found))}; galaxy.yml asks for {', '.join(needs)}")
        return [f"{name} {version}" for name, version in sorted(found.items())]

    def deploy(self, endpoint: str, inventory: Path) -> Run:
        """Run the playbook deploy by its name, in the folder; the zip of the functions is then self.zip.

        Raises:
            ArtefactError: the run failed; with its output.
        """
        path = ("-e", f"rotation_package_path={self.zip}")
        done = run("deploy", endpoint, *path, inventory=inventory, environment=self._environment, folder=self._folder)
        if done.code:
            raise ArtefactError(f"the installed collection does not deploy:\n{done.output}")
        return done

    def verify(self) -> None:
        """Check every installed file against the artefact's manifest.

        Raises:
            ArtefactError: one was changed, or is missing.
        """
        self._galaxy("verify", "--offline", NAME)

    def _galaxy(self, *arguments: str) -> str:
        return _galaxy(*arguments, environment=self._environment)


def _galaxy(*arguments: str, environment: dict[str, str]) -> str:
    command = [sys.executable, str(_TOOLS / "ansible-galaxy"), "collection", *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ArtefactError(f"ansible-galaxy collection {arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
