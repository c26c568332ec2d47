# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What both functions share: the clients, made lazily in one session, and the runtime around them."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from boto3.session import Session
from botocore.config import Config

from rotation.runtime import Runtime

_TIMES = {"connect_timeout": 3, "read_timeout": 5}
_IAM_ATTEMPTS = 5
"""IAM's rate is the whole account's, and Secrets Manager starts what is due in the same minute. One call that is
throttled four times has waited for 1 + 2 + 4 + 8 seconds at the most (botocore.retries.standard), half of that in the
mean, of the function's 60."""
_session = Session()


class LazyClients:
    """See rotation.runtime.Clients. Few attempts each, so that there is time left to compensate."""

    def __init__(self) -> None:
        self._made: dict[tuple[str, int], Any] = {}

    def _client(self, service: str, attempts: int = 3) -> Any:
        if (service, attempts) not in self._made:
            config = Config(**_TIMES, retries={"mode": "standard", "total_max_attempts": attempts})
            self._made[service, attempts] = _session.client(service, config=config)
        return self._made[service, attempts]

    def secretsmanager(self) -> Any:
        return self._client("secretsmanager")

    def iam(self) -> Any:
        return self._client("iam", _IAM_ATTEMPTS)

    def iam_create(self) -> Any:
        return self._client("iam", 1)

    def scheduler(self) -> Any:
        return self._client("scheduler")

    def ses(self) -> Any:
        return self._client("sesv2")

    def sts(self, access_key_id: str, secret_access_key: str) -> Any:
        config = Config(**_TIMES, retries={"mode": "standard", "total_max_attempts": 2})
        return _session.client(
            "sts",
            config=config,
            aws_access_key_id=access_key_id,
            aws_secret_access_key=secret_access_key,
            # Without this the function's own session token would go along with the user's key.
            aws_session_token=None,
        )


def runtime() -> Runtime:
    """What one function's process lives with."""
    return Runtime(
        clients=LazyClients(),
        environment=dict(os.environ),
        clock=time.time,
        sleep=time.sleep,
        emit=lambda line: print(json.dumps(line), flush=True),
    )
