# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""How EventBridge Scheduler delivers: as the target's role, with retries, and a dead-letter queue at the end.

Source: EventBridge Scheduler API Reference, "DeadLetterConfig", "RetryPolicy"; User Guide, "Configuring a schedule's
dead-letter queue", whose example has these attributes, and as body the request that Scheduler makes of the target. AWS
does not say which errors are permanent, so every failure is tried again here; nor how the request to Lambda looks.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.core.exceptions import JsonRESTError

from .errors import refusal
from .lambda_async import send_to_queue
from .roles import allows, trusts
from .world import ACCOUNT, World

SERVICE = "scheduler.amazonaws.com"
FIRST_RETRY_SECONDS = 60.0
"""Doubled after every failure, up to an hour (AWS: exponential, unpublished)."""
LONGEST_RETRY_SECONDS = 3600.0
_OPERATIONS = {"lambda": "Invoke", "sqs": "SendMessage"}
_STANDARD_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]+")
_RETRY_LIMITS = {"MaximumEventAgeInSeconds": (60, 86_400), "MaximumRetryAttempts": (0, 185)}


@dataclass(frozen=True)
class Delivery:
    """One firing on its way to its target."""

    schedule_arn: str
    schedule_name: str
    group: str
    target: dict[str, Any]
    due: float
    """When it fired, epoch seconds, virtual."""
    failures: int = 0

    @property
    def region(self) -> str:
        """The schedule's."""
        return self.schedule_arn.split(":")[3]

    @property
    def payload(self) -> str:
        """What the target is to get."""
        return self.target.get("Input") or _default_input(self.schedule_arn, self.region)


class NotDelivered(Exception):
    """The target did not take the event; code is AWS's name for why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Targets:
    """Delivers firings of one world. Lambda functions and SQS queues are known as targets."""

    def __init__(self, world: World) -> None:
        self._world = world

    def deliver(self, delivery: Delivery) -> None:
        """Deliver once; a failure is tried again as the target's RetryPolicy says. world.lock is held."""
        try:
            self._attempt(delivery)
        except NotDelivered as error:
            policy, now = delivery.target["RetryPolicy"], self._world.clock.now()
            wait = min(FIRST_RETRY_SECONDS * 2**delivery.failures, LONGEST_RETRY_SECONDS)
            if delivery.failures >= policy["MaximumRetryAttempts"]:
                self._dead_letter(delivery, error, "MaximumRetryAttempts")
            elif now + wait - delivery.due > policy["MaximumEventAgeInSeconds"]:
                self._dead_letter(delivery, error, "MaximumEventAgeInSeconds")
            else:
                again = replace(delivery, failures=delivery.failures + 1)
                self._world.clock.call_at(now + wait, lambda: self._deliver_locked(again))

    def _deliver_locked(self, delivery: Delivery) -> None:
        with self._world.lock:
            self.deliver(delivery)

    def _attempt(self, delivery: Delivery) -> None:
        """Assume the role, invoke as it.

        Raises:
            NotDelivered: with AWS's code.
        """
        target = delivery.target["Arn"]
        if target.split(":")[2] == "sqs":
            self._queue(delivery, target, delivery.payload, {})
        else:
            self._call(delivery, target, lambda: self._invoke(target, delivery.payload))

    def _call(self, delivery: Delivery, resource: str, send: Callable[[], None]) -> None:
        """Make one call as the role, and put it into the journal.

        Raises:
            NotDelivered: with AWS's code.
        """
        role, service = delivery.target["RoleArn"], resource.split(":")[2]
        operation = _OPERATIONS.get(service, "")
        entry = self._note(delivery, service, operation, resource)
        action = f"{service}:{'InvokeFunction' if service == 'lambda' else operation}"
        try:
            if not operation:
                raise NotDelivered("ValidationException", f"the embedded AWS has no schedule target {resource}")
            if not trusts(role, SERVICE, _source_context(delivery.region, delivery.group)):
                raise NotDelivered("AccessDeniedException", f"{SERVICE} may not assume {role}")
            if not allows(role, action, resource):
                raise NotDelivered("AccessDeniedException", f"{role} may not call {action} on {resource}")
            entry["allowed"] = True
            send()
        except NotDelivered as error:
            entry["error"] = error.code
            raise

    def _queue(self, delivery: Delivery, arn: str, body: str, attributes: dict[str, tuple[str, str]]) -> None:
        def send() -> None:
            if not send_to_queue(self._world, arn, body, attributes):
                raise NotDelivered("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")

        self._call(delivery, arn, send)

    @staticmethod
    def _invoke(target: str, payload: str) -> None:
        try:
            function = get_backend(ACCOUNT, target.split(":")[3]).get_function(target)
        except UnknownFunctionException:
            raise NotDelivered("ResourceNotFoundException", f"there is no function {target}") from None
        try:
            function.invoke(payload, {}, {})  # no headers: asynchronous
        except JsonRESTError as refused:  # it is still Pending, or the payload is no JSON
            raise NotDelivered(str(refused.error_type), str(refused.message)) from None

    def _note(self, delivery: Delivery, service: str, operation: str, resource: str) -> dict[str, Any]:
        """One entry of the journal, as the gate writes them."""
        role = delivery.target["RoleArn"].rsplit("/", 1)[-1]
        entry: dict[str, Any] = {
            "time": self._world.clock.now(),
            "service": service,
            "action": operation,
            "principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{delivery.schedule_name}",
            "allowed": False,
            "error": None,
            "resource": resource,
            "region": delivery.region,
            "ids": {"Name": delivery.schedule_name, "GroupName": delivery.group},
        }
        self._world.journal.append(entry)
        return entry

    def _dead_letter(self, delivery: Delivery, error: NotDelivered, exhausted: str) -> None:
        """What stays undelivered goes to the target's queue, sent as the role; if that fails too, it is lost."""
        queue = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue:
            return
        target = delivery.target["Arn"]
        service = target.split(":")[2]
        operation = _OPERATIONS.get(service, "")
        attributes = {
            "ERROR_CODE": error.code,
            "ERROR_MESSAGE": str(error),
            "EXECUTION_ID": uuid.uuid4().hex[:16],
            "EXHAUSTED_RETRY_CONDITION": exhausted,
            "IS_PAYLOAD_TRUNCATED": "false",
            "RETRY_ATTEMPTS": str(delivery.failures),
            "SCHEDULED_TIME": f"{datetime.fromtimestamp(delivery.due, UTC):%Y-%m-%dT%H:%M:%SZ}",
            "SCHEDULE_ARN": delivery.schedule_arn,
            "TARGET_ARN": f"arn:aws:scheduler:::aws-sdk:{service}:{operation[:1].lower()}{operation[1:]}",
        }
        with suppress(NotDelivered):
            as_text = {name: ("String", value) for name, value in attributes.items()}
            self._queue(delivery, queue, _request(service, target, delivery.payload), as_text)


def check_target(region: str, group: str, target: dict[str, Any]) -> None:
    """Refuse what AWS refuses in a target: a role that Scheduler may not assume, a queue of another kind or Region."""
    if not trusts(target["RoleArn"], SERVICE, _source_context(region, group)):
        raise refusal(
            "ValidationException",
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        )
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue and (not _STANDARD_QUEUE.fullmatch(queue) or queue.split(":")[3] != region):
        raise refusal("ValidationException", f"DeadLetterConfig.Arn must be a standard queue of {region}: {queue}.")
    for name, (least, most) in _RETRY_LIMITS.items():
        if not least <= (target.get("RetryPolicy") or {}).get(name, most) <= most:
            raise refusal("ValidationException", f"RetryPolicy.{name} must be from {least} to {most}.")


def _source_context(region: str, group: str) -> dict[str, str]:
    """What Scheduler says about itself when it assumes a role."""
    return {
        "aws:SourceAccount": ACCOUNT,
        "aws:SourceArn": f"arn:aws:scheduler:{region}:{ACCOUNT}:schedule-group/{group}",
    }


def _request(service: str, target: str, payload: str) -> str:
    """The request that a dead letter holds."""
    if service == "sqs":
        _, _, _, region, account, name = target.split(":")
        return json.dumps({"MessageBody": payload, "QueueUrl": f"https://sqs.{region}.amazonaws.com/{account}/{name}"})
    return json.dumps({"FunctionName": target, "InvocationType": "Event", "Payload": payload})


def _default_input(schedule_arn: str, region: str) -> str:
    """What a target without Input gets."""
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT,
            "region": region,
            "resources": [schedule_arn],
            "detail": "{}",
        }
    )
