# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Reads what an audit asks of a whole account: the credential report and the list of secrets. Clients are handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from .aws import CallError, Client, call, time_of
from .listing import list_secrets
from .state import Secret

_REPORT_TRIES = 30


class AccountReader:
    """Reads one account and Region.

    Args:
        secretsmanager, iam: boto3 clients; secretsmanager in the secrets' Region.
        sleep: waits that many seconds.
    """

    def __init__(self, secretsmanager: Client, iam: Client, sleep: Callable[[float], None]) -> None:
        self._secretsmanager = secretsmanager
        self._iam = iam
        self._sleep = sleep

    def credential_report(self) -> tuple[str, datetime]:
        """The credential report as CSV, and AWS's time; AWS may give one of up to four hours ago.

        Raises:
            CallError: refused, or not ready in time.
        """
        for _try in range(_REPORT_TRIES):
            state = call("iam:GenerateCredentialReport", self._iam.generate_credential_report)["State"]
            if state == "COMPLETE":
                answer = call("iam:GetCredentialReport", self._iam.get_credential_report)
                return answer["Content"].decode(), time_of(answer)
            self._sleep(1.0)
        raise CallError("iam:GenerateCredentialReport", "ReportInProgress", "the report did not get ready")

    def secrets(self) -> Iterator[Secret]:
        """Every secret of the Region.

        Raises:
            CallError: refused.
        """
        return (secret for secret, _now in list_secrets(self._secretsmanager))
