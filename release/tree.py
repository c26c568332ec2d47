# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A real copy of the collection as it is built, outside the checkout, where ansible-test runs on it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
HOME = CHECKOUT / ".cache" / "sanity"
"""ansible-test keeps its virtual environments in a home folder: this one, not the user's."""
PURELIB = Path(sysconfig.get_paths()["purelib"])
COMMANDS = Path(sys.executable).parent
SETTINGS = "tests/config.yml"
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
"""As ansible-test names the one that runs this."""

_PIP = """\
import subprocess, sys
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "--quiet", *wanted]))
"""


@contextmanager
def tree() -> Iterator[tuple[Path, list[str]]]:
    """The built collection, unpacked beside amazon.aws, with the names of its files; gone at the end."""
    _without_a_download()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "ansible_collections", "evergreen", "key_rotation")
        root.mkdir(parents=True)
        (root.parents[1] / "amazon").symlink_to(PURELIB / "ansible_collections" / "amazon")
        names = _build(root)
        track(root)
        yield root, names


def track(root: Path) -> None:
    """Let git know every file: ansible-test sees no others."""
    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    subprocess.run(["git", "add", "--all", "--force"], cwd=root, check=True)


def unwanted(names: Sequence[str]) -> list[str]:
    """What the built collection must not hold: files that git ignores; of tests/ more than ansible-test's settings."""
    ask = ["git", "check-ignore", "--stdin"]
    answer = subprocess.run(ask, check=False, cwd=CHECKOUT, input="\n".join(names), capture_output=True, text=True)
    if answer.returncode > 1:
        raise SystemExit(
            f"sanity: git check-ignore failed in {CHECKOUT}: {answer.stderr.strip()}; run it in a git clone"
        )
    return [
        *answer.stdout.split("\n")[:-1],
        *(name for name in names if name.startswith("tests/") and name != SETTINGS),
    ]


def _build(root: Path) -> list[str]:
    """Build the collection, unpack it, and name its files."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(COMMANDS / "ansible-galaxy"), "collection", "build", "--output-path", folder, str(CHECKOUT)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tar.gz")
        with tarfile.open(archive) as content:
            content.extractall(root, filter="data")
            names = [member.name for member in content.getmembers() if member.isfile()]
    return names


def _without_a_download() -> None:
    """ansible-test fetches get-pip.py from a site of its own; Python brings pip along."""
    source = (PURELIB / "ansible_test/_internal/python_requirements.py").read_text()
    for release in re.findall(r"pip='([0-9.]+)'", source):
        path = HOME / ".ansible/test/cache" / f"get_pip_{release.replace('.', '_')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_PIP)


def ansible_test(root: Path, kind: str, *options: str, home: Path = HOME) -> subprocess.CompletedProcess[str]:
    """Run ansible-test there, with the Python that runs this.

    Args:
        home: runs side by side need one each: each makes an SSH key in it, and stops where it finds half of one.
    """
    of_pip = {"XDG_CONFIG_HOME": str(Path.home() / ".config"), "XDG_CACHE_HOME": str(Path.home() / ".cache")}
    environment = {**of_pip, **os.environ, "HOME": str(home), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [str(COMMANDS / "ansible-test"), kind, "--local", "--color", "no", *options]
    return subprocess.run(
        command, check=False, cwd=root, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
