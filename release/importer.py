# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What Galaxy says of the artefact when it is uploaded: its own importer, in an environment of its own (.venv-galaxy).

The importer calls the ansible-doc and the ansible-lint of .venv: those have amazon.aws beside them, whose documentation
fragments the modules extend.
"""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .artefact import ArtefactError

_OPTIONS = {"GALAXY_IMPORTER_CHECK_REQUIRED_TAGS": "true", "GALAXY_IMPORTER_RUN_FLAKE8": "false"}
"""Tags as Automation Hub asks for them; flake8 is left to ruff."""


def imported(checkout: Path, archive: Path) -> list[str]:
    """Import the artefact as Galaxy does.

    Returns:
        The modules and filters of which Galaxy would show the documentation.

    Raises:
        ArtefactError: Galaxy would refuse it, or warn of it.
    """
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    with tempfile.TemporaryDirectory(prefix="key-rotation-import-") as folder:
        done = subprocess.run(
            [str(checkout / ".venv-galaxy" / "bin" / "python"), "-m", "galaxy_importer.main", str(archive.resolve())],
            cwd=folder,  # where it leaves its result
            env={**os.environ, **_OPTIONS, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ArtefactError(f"Galaxy's importer refuses it:\n{done.stdout}")
        about = json.loads(Path(folder, "importer_result.json").read_text())
    plugins = checkout / "plugins"
    names = sorted(path.stem for path in [*plugins.glob("modules/*.py"), *plugins.glob("filter/*.yml")])
    wrong = list(objections(done.stdout.splitlines(), about, names))
    if wrong:
        raise ArtefactError("\n".join(["Galaxy's importer objects:", *wrong]))
    return names


def objections(output: Iterable[str], about: Mapping[str, Any], names: Iterable[str]) -> Iterator[str]:
    """What a person must look at, a line each.

    Args:
        output: the importer's lines.
        about: its result.
        names: the modules and filters that must have documentation there.
    """
    yield from (line for line in output if line.startswith(("WARNING", "ERROR", "CRITICAL")))
    contents = about.get("docs_blob", {}).get("contents", [])
    documented = {item["content_name"] for item in contents if item.get("doc_strings")}
    yield from (f"{name}: Galaxy would show no documentation of it" for name in names if name not in documented)
