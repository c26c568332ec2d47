# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the batch modules have in common: options, clients fit for many threads, and a reader as the options say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .aws import CallError, Client
from .batch import READERS, WRITES_PER_SECOND
from .batch_result import Entry, batch_result
from .listing import by_name
from .reader import Reader

READ_OPTION: dict[str, Any] = {"read": {"choices": ["describe", "list"], "default": "describe"}}
WRITES_OPTION: dict[str, Any] = {"writes_per_second": {"type": "float", "default": WRITES_PER_SECOND}}
PROGRESS_OPTION: dict[str, Any] = {"progress_path": {"type": "path"}}
_ATTEMPTS = 12
"""What AWS throttles is asked for again, slower and slower; a user's own aws_config wins."""
_MODES = {"iam": "adaptive"}
"""IAM publishes no rate, and every caller of the account shares it. Many threads that are throttled use up a client's
budget for retries (botocore: 500, 5 for each), and then their calls fail: 300 accounts under ten calls a second mostly
could not be read. The adaptive mode slows all threads down to what IAM takes, once it has throttled."""


def client(module: Any, service: str) -> Client:
    """A client that many threads share.

    Args:
        module: an AnsibleAWSModule.
    """
    retries = {"mode": _MODES.get(service, "standard"), "total_max_attempts": _ATTEMPTS}
    return module.client(service, config={"retries": retries, "max_pool_connections": READERS})


def reader(module: Any, secretsmanager: Client, iam: Client, **options: Any) -> Reader:
    """A reader as the option read says; ends the module where the list may not be read.

    Args:
        options: of Reader.
    """
    listing = None
    if module.params["read"] == "list":
        try:
            listing = by_name(secretsmanager)
        except CallError as error:
            module.fail_json(msg=f"{error}; allow secretsmanager:ListSecrets, or leave read at describe")
    return Reader(secretsmanager, iam, listing=listing, **options)


def demand_positive(module: Any, *names: str) -> None:
    """End the module where one of these options is no number above 0."""
    for name in names:
        if module.params[name] <= 0:
            module.fail_json(msg=f"{name} is {module.params[name]}; give a number above 0")


def finish(module: Any, found: Sequence[Entry]) -> None:
    """End the module with what became of each service account: failed where one of them did."""
    result = batch_result(found)
    (module.fail_json if result["failed"] else module.exit_json)(**result)
