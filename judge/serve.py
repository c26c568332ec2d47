# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Runs in .venv-prowler: imports Prowler once, then each scan is Prowler's own main function in a forked child.

Importing and reading its own texts take Prowler ten times as long as a scan. A child has what a fresh process would
have: Prowler makes its provider, its clients and its list of checks only when a scan begins. The process is on the
virtual clock from before Prowler is imported, so that ages are judged by the time of the embedded AWS.

Reads one JSON object a line, {"arguments": [...], "log": path}, and answers {"code": exit code}.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import runpy
import sys
import traceback
from typing import Any

SERVICES = (
    "awslambda",
    "cloudwatch",
    "eventbridge",
    "iam",
    "kms",
    "secretsmanager",
    "ses",
    "sns",
    "sqs",
    "cloudtrail",
)
"""Their code is imported before the first scan; others would be imported by each child."""


def main() -> None:
    """Serve scans until the input ends."""
    # It derives classes from date and datetime, which the virtual ones do not allow; it never asks for the time.
    importlib.import_module("pydantic.v1")
    runpy.run_path(sys.argv[1])  # puts this process on the virtual clock
    command = importlib.import_module("prowler.__main__")
    importlib.import_module("prowler.providers.aws.aws_provider")
    for service in SERVICES:
        importlib.import_module(f"prowler.providers.aws.services.{service}.{service}_service")
    command.ProwlerArgumentParser()  # imports the code of every provider
    _read_texts_once(command)
    gc.freeze()
    _answer({"ready": True})
    for line in sys.stdin:
        wish = json.loads(line)
        child = os.fork()
        if child == 0:
            _scan(command.prowler, wish["arguments"], wish["log"])
        _, status = os.waitpid(child, 0)
        _answer({"code": os.waitstatus_to_exitcode(status)})


def _read_texts_once(command: Any) -> None:
    """The texts about checks and compliance frameworks are files of Prowler: its own functions read them, once."""
    for owner in (command.CheckMetadata, command.Compliance):
        owner.get_bulk = staticmethod(functools.cache(owner.get_bulk))
    checks = command.update_checks_metadata_with_compliance(
        command.Compliance.get_bulk("aws"), command.CheckMetadata.get_bulk("aws")
    )
    frameworks = command.get_bulk_compliance_frameworks_universal("aws")
    command.update_checks_metadata_with_compliance = lambda *_: checks
    command.get_bulk_compliance_frameworks_universal = lambda *_: frameworks


def _scan(scan: Any, arguments: list[str], log: str) -> None:
    """One scan in this child, which ends with it."""
    code = 1
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.argv = ["prowler", *arguments]
        scan()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _answer(answer: dict[str, object]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
