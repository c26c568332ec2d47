# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The real Prowler against an embedded AWS: what it found, and whether it could look at all."""

from __future__ import annotations

import csv
import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from demo.old_fleet import REGION
from demo.playbook import CHECKOUT
from sandbox.world import ADMINISTRATOR, World

PYTHON = CHECKOUT / ".venv-prowler" / "bin" / "python"
MUTE_LIST = CHECKOUT / "docs" / "prowler-mutelist.yaml"
_CLOCK = CHECKOUT / "sandbox" / "lambda_site" / "sitecustomize.py"
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that nobody serves: Prowler reaches the embedded AWS and nothing else."""


_COMPLAINTS = ("ERROR", "CRITICAL", "Traceback")


class JudgeError(Exception):
    """Prowler could not judge, or a claim did not hold; the text says which."""


@dataclass(frozen=True)
class Finding:
    """One row of Prowler's output. status is PASS, FAIL, MANUAL, or MUTED for what the mute list covers."""

    check: str
    status: str
    resource: str
    uid: str
    text: str
    severity: str = ""


class Prowler:
    """A process that has Prowler imported; see serve.py.

    Args:
        world: what is judged; its clock is Prowler's.
        folder: for outputs and logs.
    """

    def __init__(self, world: World, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._variables = {
            "PATH": f"{PYTHON.parent}:{os.defpath}",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SANDBOX_CLOCK_OFFSET": str(world.folder / "clock-offset"),
            "AWS_ENDPOINT_URL": world.endpoint,
            "AWS_ACCESS_KEY_ID": ADMINISTRATOR[0],
            "AWS_SECRET_ACCESS_KEY": ADMINISTRATOR[1],
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "HTTP_PROXY": _NOWHERE,
            "HTTPS_PROXY": _NOWHERE,
            "NO_PROXY": "127.0.0.1,localhost",
        }
        self._process = subprocess.Popen(
            [PYTHON, "-P", CHECKOUT / "judge" / "serve.py", _CLOCK],
            env=self._variables,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()

    def scan(self, checks: Iterable[str], mute: bool = False) -> list[Finding]:
        """Run checks.

        Args:
            checks: their ids.
            mute: whether to hand in the mute list.

        Raises:
            JudgeError: Prowler failed, or logged an error: then a check may have been silent, or passed unread.
        """
        name, log, arguments = self._prepare(checks, mute)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"arguments": arguments, "log": str(log)}) + "\n")
        self._process.stdin.flush()
        return self._outcome(name, log, self._read()["code"])

    def scan_by_command(self, checks: Iterable[str]) -> list[Finding]:
        """Run checks with Prowler's own command in a process of its own: true time only, and many seconds more.

        Raises:
            JudgeError: as scan() does.
        """
        name, log, arguments = self._prepare(checks, mute=False)
        with log.open("w") as output:
            done = subprocess.run(
                [PYTHON, PYTHON.parent / "prowler", *arguments],
                env=self._variables,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return self._outcome(name, log, done.returncode)

    def _prepare(self, checks: Iterable[str], mute: bool) -> tuple[str, Path, list[str]]:
        self._count += 1
        name = f"findings-{self._count}"
        arguments = ["aws", "-f", REGION, "--no-banner", "--no-color", "-M", "csv", "-o", str(self._folder), "-F", name]
        arguments += ["--ignore-exit-code-3", "--log-level", "ERROR", "--aws-retries-max-attempts", "1"]
        arguments += ["--mutelist-file", str(MUTE_LIST)] if mute else []
        return name, self._folder / f"{name}.log", [*arguments, "-c", *checks]

    def _outcome(self, name: str, log: Path, code: int) -> list[Finding]:
        text = log.read_text()
        complaints = [line for line in text.splitlines() if any(word in line for word in _COMPLAINTS)]
        if code or complaints:
            shown = "\n".join(complaints or text.splitlines()[-20:])
            raise JudgeError(f"Prowler ended with {code} and logged:\n{shown}")
        return _findings(self._folder / f"{name}.csv")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def _read(self) -> dict[str, int]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise JudgeError(f"Prowler's process ended with {self._process.wait()}; run make prowler again from clean")
        answer: dict[str, int] = json.loads(line)
        return answer


@contextmanager
def judging(world: World, folder: Path) -> Iterator[Prowler]:
    """A Prowler for the duration of the with block."""
    prowler = Prowler(world, folder)
    try:
        yield prowler
    finally:
        prowler.close()


def _findings(path: Path) -> list[Finding]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Finding(
                row["CHECK_ID"],
                "MUTED" if row["MUTED"] == "True" else row["STATUS"],
                row["RESOURCE_NAME"],
                row["RESOURCE_UID"],
                row["STATUS_EXTENDED"],
                row["SEVERITY"],
            )
            for row in csv.DictReader(file, delimiter=";")
        ]
