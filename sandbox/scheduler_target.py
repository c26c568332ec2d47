# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""How EventBridge Scheduler delivers: as the target's role, with retries, and a dead-letter queue at the end."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.core.exceptions import JsonRESTError

from .lambda_async import send_to_queue
from .roles import allows, trusts
from .world import ACCOUNT, World

SERVICE = "scheduler.amazonaws.com"
FIRST_RETRY_SECONDS = 60.0
"""Doubled after every failure, up to an hour (AWS: exponential, unpublished)."""
LONGEST_RETRY_SECONDS = 3600.0


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
            tries_left = delivery.failures < policy["MaximumRetryAttempts"]
            if tries_left and now + wait - delivery.due <= policy["MaximumEventAgeInSeconds"]:
                again = replace(delivery, failures=delivery.failures + 1)
                self._world.clock.call_at(now + wait, lambda: self._deliver_locked(again))
            else:
                self._dead_letter(delivery, error)

    def _deliver_locked(self, delivery: Delivery) -> None:
        with self._world.lock:
            self.deliver(delivery)

    def _attempt(self, delivery: Delivery) -> None:
        """Assume the role, invoke as it.

        Raises:
            NotDelivered: with AWS's code.
        """
        role, target = delivery.target["RoleArn"], delivery.target["Arn"]
        region = delivery.schedule_arn.split(":")[3]
        service = target.split(":")[2]
        action = {"lambda": "InvokeFunction", "sqs": "SendMessage"}.get(service, "")
        entry = self._note(delivery, service, "Invoke" if service == "lambda" else action)
        source = f"arn:aws:scheduler:{region}:{ACCOUNT}:schedule-group/{delivery.group}"
        try:
            if not action:
                raise NotDelivered("ValidationException", f"the embedded AWS has no schedule target {target}")
            if not trusts(role, SERVICE, {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": source}):
                raise NotDelivered("AccessDeniedException", f"{SERVICE} may not assume {role}")
            if not allows(role, f"{service}:{action}", target):
                raise NotDelivered("AccessDeniedException", f"{role} may not call {service}:{action} on {target}")
            entry["allowed"] = True
            self._send(service, target, delivery.target.get("Input") or _default_input(delivery, region))
        except NotDelivered as error:
            entry["error"] = error.code
            raise

    def _send(self, service: str, target: str, payload: str) -> None:
        if service == "sqs":
            if not send_to_queue(self._world, target, payload, {}):
                raise NotDelivered("ResourceNotFoundException", f"there is no queue {target}")
            return
        try:
            function = get_backend(ACCOUNT, target.split(":")[3]).get_function(target)
        except UnknownFunctionException:
            raise NotDelivered("ResourceNotFoundException", f"there is no function {target}") from None
        try:
            function.invoke(payload, {}, {})  # no headers: asynchronous
        except JsonRESTError as refused:  # it is still Pending, or the payload is no JSON
            raise NotDelivered(str(refused.error_type), str(refused.message)) from None

    def _note(self, delivery: Delivery, service: str, operation: str) -> dict[str, Any]:
        """One entry of the journal, as the gate writes them."""
        role = delivery.target["RoleArn"].rsplit("/", 1)[-1]
        entry: dict[str, Any] = {
            "time": self._world.clock.now(),
            "service": service,
            "action": operation,
            "principal": f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{delivery.schedule_name}",
            "allowed": False,
            "error": None,
            "resource": delivery.target["Arn"],
            "region": delivery.schedule_arn.split(":")[3],
            "ids": {"Name": delivery.schedule_name, "GroupName": delivery.group},
        }
        self._world.journal.append(entry)
        return entry

    def _dead_letter(self, delivery: Delivery, error: NotDelivered) -> None:
        """What stays undelivered goes to the target's queue, if the role may send there."""
        queue = (delivery.target.get("DeadLetterConfig") or {}).get("Arn")
        if not queue or not allows(delivery.target["RoleArn"], "sqs:SendMessage", queue):
            return
        attributes = {
            "SCHEDULE_ARN": ("String", delivery.schedule_arn),
            "TARGET_ARN": ("String", delivery.target["Arn"]),
            "ERROR_CODE": ("String", error.code),
            "ERROR_MESSAGE": ("String", str(error)),
            "RETRY_ATTEMPTS": ("String", str(delivery.failures)),
        }
        send_to_queue(self._world, queue, delivery.target.get("Input") or "{}", attributes)


def _default_input(delivery: Delivery, region: str) -> str:
    """What a target without Input gets."""
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT,
            "region": region,
            "resources": [delivery.schedule_arn],
            "detail": "{}",
        }
    )
