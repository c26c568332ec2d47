# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A token bucket refuses what is above the rate, and no more; a call takes as long as was asked for."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any, cast

from sandbox.calls import Call
from sandbox.quotas import Quotas
from sandbox.world import Knobs, World


class Bucket:
    """Quotas on a clock that the test moves."""

    def __init__(self, **rates: float) -> None:
        self.now = 0.0
        knobs = Knobs(rates={name.replace("_", ":"): rate for name, rate in rates.items()})
        world = SimpleNamespace(knobs=knobs, resets=[], stopping=threading.Event())
        self._quotas = Quotas(cast("World", world), lambda: self.now)

    def passes(self, calls: int, service: str = "secretsmanager", operation: str = "RotateSecret") -> int:
        call = cast("Call", SimpleNamespace(service=service, operation=operation))
        return sum(self._quotas.refusal(call) is None for _ in range(calls))


def test_a_second_of_calls_at_once_then_the_rate() -> None:
    bucket = Bucket(secretsmanager_RotateSecret=50)
    assert bucket.passes(60) == 50
    bucket.now += 0.1
    assert bucket.passes(60) == 5
    bucket.now += 60
    assert bucket.passes(60) == 50, "it never holds more than a second's calls"


def test_an_operation_and_a_service() -> None:
    bucket = Bucket(secretsmanager_RotateSecret=1, iam=2)
    assert bucket.passes(3) == 1
    assert bucket.passes(3, operation="DescribeSecret") == 3, "the quota of one operation holds for no other"
    assert bucket.passes(1, "iam", "GetUser") + bucket.passes(2, "iam", "TagUser") == 2, "a service shares one"


def test_the_callers_see_it(aws: Any, refused: Any) -> None:
    aws.control("POST", "knobs", {"rates": {"iam": 0.0001}, "latency_seconds": 0.2})
    iam = aws.client("iam")
    began = time.monotonic()
    iam.create_user(UserName="ann")
    assert time.monotonic() - began >= 0.2
    error = refused(iam.create_user, UserName="eve")
    assert error.response["Error"]["Code"] == "Throttling"
    assert [entry["error"] for entry in aws.control("GET", "journal")[1]] == [None, "Throttling"]
    aws.control("POST", "reset")
    assert aws.control("GET", "knobs")[1]["rates"] == {}
    assert iam.list_users()["Users"] == []
