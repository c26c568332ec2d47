# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""`make build`: the artefact for Galaxy, checked, installed into an empty folder and deployed from there."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from demo.old_fleet import Aws, seed
from plugins.plugin_utils.package import Package, build
from sandbox.server import running

from .artefact import ArtefactError, expected, problems, sizes, tracked
from .importer import imported
from .installed import Installed, build_artefact, dependencies

CHECKOUT = Path(__file__).resolve().parent.parent
FUNCTION = "key-rotation-iam-access-key"


def main() -> int:
    """Exit code 0: the artefact may be published; 1: it may not, and why."""
    try:
        archive = build_artefact(CHECKOUT, CHECKOUT / "build")
        found = sizes(archive)
        wrong = problems(found, expected(tracked(CHECKOUT)), archive.stat().st_size)
        if wrong:
            raise ArtefactError("\n".join(wrong))
        print(f"{archive.relative_to(CHECKOUT)}: {len(found)} files, {archive.stat().st_size} bytes")
        documented = imported(CHECKOUT, archive)
        print(f"Galaxy's importer has no objection, and documents {len(documented)} modules and filters")
        with tempfile.TemporaryDirectory(prefix="key-rotation-install-") as folder:
            _deploy(archive, Path(folder))
    except ArtefactError as error:
        print(f"make build: {error}", file=sys.stderr)
        return 1
    return 0


def _deploy(archive: Path, folder: Path) -> None:
    installed = Installed(folder)
    print(f"installed into an empty folder: {', '.join(installed.install(archive, dependencies(CHECKOUT)))}")
    with running() as world:
        aws = Aws(world.endpoint)
        seed(aws)
        done = installed.deploy(world.endpoint, CHECKOUT / "inventory" / "acmecorp.yml")
        print(f"deployed from there: changed={done.changed}")
        function = aws.client("lambda").get_function_configuration(FunctionName=FUNCTION)
    installed.verify()
    here, there = Package(build(CHECKOUT)), Package(installed.zip.read_bytes())
    if there.sha256 != here.sha256:
        raise ArtefactError(f"the installed collection packages {there.sha256}, the checkout {here.sha256}")
    if function["CodeSha256"] != here.code_sha256:
        raise ArtefactError(f"the deployed function holds {function['CodeSha256']}, not {here.code_sha256}")
    print(f"its zip, the deployed function and scripts/package agree: SHA-256 {here.sha256}")


if __name__ == "__main__":
    sys.exit(main())
