# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Asynchronous invocations: queued, tried again twice, and handed to a dead-letter queue when they stay failed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Protocol

from moto.sqs.models import sqs_backends

from .lambda_process import Outcome
from .roles import allows
from .world import ACCOUNT, World

RETRY_SECONDS = (60.0, 120.0)
"""AWS waits one minute before the second try and two before the third.

Source: Lambda Developer Guide, "Asynchronous invocation".
"""
THROTTLE_SECONDS = 60.0
"""A throttled event goes back to the queue until it is too old."""
MAX_AGE_SECONDS = 21_600.0


class Throttled(Exception):
    """The reserved concurrency of the function is used up."""


class Runnable(Protocol):
    """What this part needs of a function."""

    function_arn: str
    role: str

    def run(self, event: bytes, invoked_arn: str = "", request_id: str | None = None) -> Outcome:
        """Run one event to its end.

        Raises:
            Throttled: not now.
        """

    def async_settings(self) -> tuple[int, float, str, str]:
        """Retries, greatest age in seconds, dead-letter queue ARN, OnFailure destination ARN (empty: none)."""


@dataclass(frozen=True)
class Item:
    """One event on its way."""

    function: Runnable
    body: bytes
    request_id: str
    since: float
    """When it was accepted, epoch seconds, virtual."""
    tries: int = 0


class AsyncQueue:
    """Delivers events in the background, on the virtual clock."""

    def __init__(self, world: World) -> None:
        self._world = world

    def submit(self, function: Runnable, body: bytes, request_id: str) -> None:
        """Accept one event; it runs at once, in a thread of its own."""
        self._start(Item(function, body, request_id, self._world.clock.now()))

    def _start(self, item: Item) -> None:
        self._world.clock.spawn(lambda: self._attempt(item), f"async-{item.request_id}")

    def _attempt(self, item: Item) -> None:
        retries, max_age, _, _ = item.function.async_settings()
        tried = replace(item, tries=item.tries + 1)
        try:
            outcome = item.function.run(item.body, request_id=item.request_id)
        except Throttled:
            if self._world.clock.now() + THROTTLE_SECONDS - item.since <= max_age:
                self._later(item, THROTTLE_SECONDS)
            else:
                self._give_up(item, Outcome(b"", True, item.request_id, error="throttled until it was too old"))
            return
        if not outcome.failed:
            return
        if tried.tries > retries or self._world.clock.now() - item.since > max_age:
            self._give_up(tried, outcome)
        else:
            self._later(tried, RETRY_SECONDS[tried.tries - 1])

    def _later(self, item: Item, seconds: float) -> None:
        self._world.clock.call_at(self._world.clock.now() + seconds, lambda: self._start(item))

    def _give_up(self, item: Item, outcome: Outcome) -> None:
        _, _, dead_letters, on_failure = item.function.async_settings()
        if dead_letters:
            attributes = {
                "RequestID": ("String", item.request_id),
                "ErrorCode": ("Number", "200"),
                "ErrorMessage": ("String", (outcome.error or "Unhandled")[:1024]),
            }
            self._send(item.function, dead_letters, item.body.decode(), attributes)
        if on_failure:
            self._send(item.function, on_failure, json.dumps(_failure_record(item, outcome)), {})

    def _send(self, function: Runnable, queue_arn: str, body: str, attributes: dict[str, tuple[str, str]]) -> None:
        """Send as the execution role; a role that may not, or a queue that is gone, loses the event (as on AWS)."""
        if allows(function.role, "sqs:SendMessage", queue_arn):
            send_to_queue(self._world, queue_arn, body, attributes)


def send_to_queue(world: World, queue_arn: str, body: str, attributes: dict[str, tuple[str, str]]) -> bool:
    """Put one message on a queue; False when there is no such queue.

    Args:
        world: its lock is taken.
        queue_arn: of an SQS queue in this account.
        body: the text.
        attributes: name to (data type, value).
    """
    region, name = queue_arn.split(":")[3], queue_arn.split(":")[-1]
    with world.lock:
        backend = sqs_backends[ACCOUNT][region]
        if name not in backend.queues:
            return False
        sent: dict[str, Any] = {
            key: {"DataType": kind, "StringValue": value} for key, (kind, value) in attributes.items()
        }
        backend.send_message(name, body, message_attributes=sent)
        return True


def _failure_record(item: Item, outcome: Outcome) -> dict[str, Any]:
    """The document that AWS sends to an OnFailure destination."""
    return {
        "version": "1.0",
        "requestContext": {
            "requestId": item.request_id,
            "functionArn": f"{item.function.function_arn}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": item.tries,
        },
        "requestPayload": json.loads(item.body or b"{}"),
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": json.loads(outcome.payload or b"null"),
    }
