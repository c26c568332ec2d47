# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The credential report is waited for, and not for ever."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.account_reader import AccountReader
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.aws import CallError


def reader(*states: str) -> tuple[AccountReader, list[float]]:
    """An account whose report goes through these states, and stays in the last; and the pauses between the looks."""
    coming, pauses = list(states), list[float]()
    iam: Any = SimpleNamespace(
        generate_credential_report=lambda: {"State": coming.pop(0) if len(coming) > 1 else coming[0]},
        get_credential_report=lambda: {
            "Content": b"user,arn",
            "ResponseMetadata": {"HTTPHeaders": {"date": "Sun, 01 Mar 2026 00:00:00 GMT"}},
        },
    )
    return AccountReader(None, iam, pauses.append), pauses


@pytest.mark.parametrize(("states", "seconds"), [(["COMPLETE"], 0), (["STARTED", "INPROGRESS", "COMPLETE"], 2)])
def test_a_report_is_taken_once_it_is_complete(states: list[str], seconds: int) -> None:
    account, pauses = reader(*states)
    text, now = account.credential_report()
    assert (text, now.isoformat()) == ("user,arn", "2026-03-01T00:00:00+00:00")
    assert sum(pauses) == seconds


def test_a_report_that_does_not_get_ready_is_an_error() -> None:
    account, pauses = reader("INPROGRESS")
    with pytest.raises(CallError, match="iam:GenerateCredentialReport failed: ReportInProgress"):
        account.credential_report()
    assert 10 <= sum(pauses) <= 60, "long enough for a large account, short enough for a person"
