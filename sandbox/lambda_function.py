# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""moto's Lambda without containers: functions that really run, settle after a change and keep their configuration."""

from __future__ import annotations

import base64
import io
import json
import uuid
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from moto.awslambda import models
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.policy import Policy
from moto.utilities.utils import get_partition

from .errors import refusal
from .lambda_async import MAX_AGE_SECONDS, AsyncQueue, Throttled
from .lambda_process import Configuration, Outcome
from .lambda_runtime import LambdaRuntime, start
from .patching import original, replace
from .roles import allows, trusts
from .world import World

SETTLE_SECONDS = 3.0
"""A function nobody looks at is Active, or its update done, after this many seconds."""
_VPC_ACTIONS = (
    "CreateNetworkInterface",
    "DescribeNetworkInterfaces",
    "DescribeSubnets",
    "DeleteNetworkInterface",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
)
"""What a role needs for a function in a VPC. AWS is known to check the first at once, and asks for all.
Source: Lambda Developer Guide, Giving Lambda functions access to resources in an Amazon VPC."""
_DEFAULT_RETRIES = 2
_TAIL_BYTES = 4096
_PENDING = {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
_UPDATING = {
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being updated.",
    "LastUpdateStatusReasonCode": "Updating",
}


@dataclass(frozen=True)
class Host:
    """What every function of one world shares."""

    world: World
    runtime: LambdaRuntime
    queue: AsyncQueue


class Function(LambdaFunction):  # type: ignore[misc]  # mypy reads moto as Any
    """A function that runs under AWS's own runtime client. Each world has its own subclass with its own host."""

    host: ClassVar[Host]
    dead_letter_arn: str
    """Empty: none."""
    logging_config: dict[str, str]
    revision_id: str

    def __init__(self, account_id: str, spec: dict[str, Any], region: str, version: str | int = 1) -> None:
        _check_limits(spec)
        _check_zip(spec["Code"])
        spec["Environment"] = {"Variables": (spec.get("Environment") or {}).get("Variables") or {}}
        super().__init__(account_id, spec, region, version)
        self._set_extras(spec)
        self._check_role(str(self.role), self.dead_letter_arn, spec.get("VpcConfig"))
        self._unsettled("State")

    def get_configuration(self, on_create: bool = False) -> dict[str, Any]:
        """The configuration as AWS gives it; each reading brings an unsettled function closer to its end."""
        config: dict[str, Any] = {
            **super().get_configuration(on_create),
            "RevisionId": self.revision_id,
            "LoggingConfig": self.logging_config,
            "State": "Active",
            "LastUpdateStatus": "Successful",
        }
        if self.dead_letter_arn:
            config["DeadLetterConfig"] = {"TargetArn": self.dead_letter_arn}
        settling = self._settling()
        if settling:
            config |= _PENDING if settling == "State" else _UPDATING
            self._reads_left -= 1
        return {name: value for name, value in config.items() if value is not None}

    def get_code(self) -> dict[str, Any]:
        """The answer of GetFunction; the code is had from this server, and a reserved concurrency of 0 is shown too."""
        answer: dict[str, Any] = super().get_code()
        if "Location" in answer.get("Code", {}):
            answer["Code"]["Location"] = f"{self.host.world.endpoint}/_sandbox/code?function={self.function_arn}"
        if self.reserved_concurrency is not None:
            answer["Concurrency"] = {"ReservedConcurrentExecutions": self.reserved_concurrency}
        return answer

    def update_configuration(self, config_updates: dict[str, Any]) -> dict[str, Any]:
        """Replace what the call names, keep the rest."""
        self._check_update(config_updates)
        _check_limits(config_updates)
        wanted = dict(config_updates)
        if "Environment" in wanted:
            wanted["Environment"] = {"Variables": (wanted["Environment"] or {}).get("Variables") or {}}
        dead_letters = str(wanted.get("DeadLetterConfig", {"TargetArn": self.dead_letter_arn}).get("TargetArn") or "")
        self._check_role(str(wanted.get("Role", self.role)), dead_letters, wanted.get("VpcConfig"))
        super().update_configuration(wanted)
        if "EphemeralStorage" in wanted:
            self.ephemeral_storage = wanted["EphemeralStorage"]["Size"]
        if "TracingConfig" in wanted:
            self.tracing_config = wanted["TracingConfig"]
        if "KMSKeyArn" in wanted:
            self.kms_key_arn = wanted["KMSKeyArn"] or None
        if "LoggingConfig" in wanted:
            self.logging_config = _logging(self.function_name, {**self.logging_config, **wanted["LoggingConfig"]})
        self.dead_letter_arn = dead_letters
        return self._changed()

    def update_function_code(self, updated_spec: dict[str, Any]) -> dict[str, Any]:
        """Replace the zip, and the architecture when the call names one."""
        self._check_update(updated_spec)
        _check_zip(updated_spec)
        if updated_spec.get("DryRun"):
            return self.get_configuration()
        self._set_function_code(updated_spec)
        if updated_spec.get("Architectures"):
            self.architectures = updated_spec["Architectures"]
        self.code_or_config_updated = True
        return self._changed()

    def invoke(self, body: str, request_headers: Any, response_headers: Any) -> str | bytes:
        """Answer the Invoke operation, or an event from another service (those hand in no headers at all)."""
        kind = request_headers.get("X-Amz-Invocation-Type", "RequestResponse") if request_headers else "Event"
        if self._settling() == "State":
            raise refusal(
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in the following state:"
                " Pending",
                409,
            )
        if kind == "DryRun":
            return b""
        event = (body or "{}").encode()
        try:
            json.loads(event)
        except ValueError:
            raise refusal("InvalidRequestContentException", "Could not parse request body into json.") from None
        if kind == "Event":
            self.host.queue.submit(self, event, str(uuid.uuid4()))
            return b""
        try:
            outcome = self.run(event)
        except Throttled:
            raise refusal("TooManyRequestsException", "Rate Exceeded.", 429) from None
        if outcome.failed:
            response_headers["X-Amz-Function-Error"] = "Unhandled"
        response_headers["X-Amz-Executed-Version"] = str(self.version)
        tail = "\n".join(outcome.log).encode()[-_TAIL_BYTES:]
        response_headers["x-amz-log-result"] = base64.b64encode(tail).decode()
        return outcome.payload

    def run(self, event: bytes, invoked_arn: str = "", request_id: str | None = None) -> Outcome:
        """Run one event to its end, now. Never called with world.lock held.

        Raises:
            Throttled: the reserved concurrency is used up.
        """
        runtime = self.host.runtime
        if self.reserved_concurrency is not None and runtime.running(self.function_arn) >= self.reserved_concurrency:
            raise Throttled
        return runtime.invoke(self._process_configuration(), event, invoked_arn, request_id)

    def async_settings(self) -> tuple[int, float, str, str]:
        """Retries, greatest age in seconds, dead-letter queue ARN, OnFailure destination ARN (empty: none)."""
        config: dict[str, Any] = self.event_invoke_config[-1].config if self.event_invoke_config else {}
        destination = config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
        return (
            int(config.get("MaximumRetryAttempts", _DEFAULT_RETRIES)),
            float(config.get("MaximumEventAgeInSeconds", MAX_AGE_SECONDS)),
            self.dead_letter_arn,
            destination,
        )

    def _set_extras(self, spec: dict[str, Any]) -> None:
        self.dead_letter_arn = (spec.get("DeadLetterConfig") or {}).get("TargetArn") or ""
        self.logging_config = _logging(self.function_name, spec.get("LoggingConfig") or {})
        self.revision_id = str(uuid.uuid4())

    def _process_configuration(self) -> Configuration:
        logging = self.logging_config
        return Configuration(
            arn=self.function_arn,
            name=self.function_name,
            version=str(self.version),
            handler=str(self.handler),
            runtime=str(self.run_time),
            role=self.role,
            region=self.region,
            code_sha256=self.code_sha_256,
            timeout=int(self.timeout),
            memory=int(self.memory_size),
            log_group=logging["LogGroup"],
            log_format=logging["LogFormat"],
            log_level=logging.get("ApplicationLogLevel", ""),
            variables=tuple(sorted(self.environment_vars.items())),
            code=self.code_bytes,
        )

    def _check_update(self, updates: Mapping[str, Any]) -> None:
        if updates.get("RevisionId") and updates["RevisionId"] != self.revision_id:
            raise refusal(
                "PreconditionFailedException",
                "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to"
                " retrieve the latest Revision Id",
                412,
            )
        settling = self._settling()
        if settling == "State":
            raise refusal(
                "ResourceConflictException",
                "The operation cannot be performed at this time. The function is currently in the following state:"
                " Pending",
                409,
            )
        if settling:
            raise refusal(
                "ResourceConflictException",
                "The operation cannot be performed at this time. An update is in progress for resource:"
                f" {self.function_arn}",
                409,
            )

    def _check_role(self, role: str, dead_letters: str, vpc: Mapping[str, Any] | None) -> None:
        """As AWS checks at once: Lambda can assume the role, which may feed the dead-letter queue and enter the VPC."""
        if not role.startswith(f"arn:{get_partition(self.region)}:iam::{self.account_id}:role/"):
            return  # moto refuses it in its own words
        if not trusts(role, "lambda.amazonaws.com", {"aws:SourceAccount": self.account_id}):
            raise refusal(
                "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda."
            )
        if dead_letters and not allows(role, "sqs:SendMessage", dead_letters):
            raise refusal(
                "InvalidParameterValueException",
                "The provided execution role does not have permissions to call SendMessage on SQS",
            )
        for action in _VPC_ACTIONS if vpc and vpc.get("SubnetIds") else ():
            if not allows(role, f"ec2:{action}", "*"):
                raise refusal(
                    "InvalidParameterValueException",
                    f"The provided execution role does not have permissions to call {action} on EC2",
                )

    def _changed(self) -> dict[str, Any]:
        self.revision_id = str(uuid.uuid4())
        self.last_modified = f"{self.host.world.clock.utcnow():%Y-%m-%dT%H:%M:%S.000+0000}"
        self._unsettled("LastUpdateStatus")
        return self.get_configuration()

    def _unsettled(self, what: str) -> None:
        """State (after creation) or LastUpdateStatus stays open for a few readings, the answer itself not counted."""
        self._settles_at = self.host.world.clock.now() + SETTLE_SECONDS
        self._reads_left = self.host.world.knobs.function_pending_reads + 1
        self._what_settles = what

    def _settling(self) -> str:
        """What is still open; empty when nothing is."""
        open_still = self._reads_left > 0 and self.host.world.clock.now() < self._settles_at
        return self._what_settles if open_still else ""


def install(world: World) -> None:
    """Let moto make these functions, and refuse a second statement with the same id."""
    runtime = start(world)
    host = Host(world, runtime, AsyncQueue(world))
    replace(models, "LambdaFunction", type("LambdaFunction", (Function,), {"host": host}))

    def update_function_code(
        self: LambdaBackend, function_name: str, qualifier: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        function = self.get_function(function_name, qualifier)
        answer: dict[str, Any] = function.update_function_code(body)
        published = self.publish_version(function_name) if body.get("Publish") else None
        return answer if published is None else dict(published.get_configuration())

    add = original(Policy, "add_statement")

    def add_statement(self: Policy, raw: str, qualifier: str | None = None) -> tuple[Any, str]:
        wanted = json.loads(raw).get("StatementId")
        if any(statement.get("Sid") == wanted for statement in self.statements):
            raise refusal(
                "ResourceConflictException",
                f"The statement id ({wanted}) provided already exists. Please provide a new statement id, or remove"
                " the existing statement.",
                409,
            )
        added: tuple[Any, str] = add(self, raw, qualifier)
        return added

    replace(LambdaBackend, "update_function_code", update_function_code)
    replace(Policy, "add_statement", add_statement)


def _logging(name: str, wanted: Mapping[str, Any]) -> dict[str, str]:
    """LoggingConfig with AWS's defaults; levels exist in the JSON format only."""
    group = wanted.get("LogGroup") or f"/aws/lambda/{name}"
    config = {"LogFormat": wanted.get("LogFormat") or "Text", "LogGroup": group}
    if config["LogFormat"] == "JSON":
        config["ApplicationLogLevel"] = wanted.get("ApplicationLogLevel") or "INFO"
        config["SystemLogLevel"] = wanted.get("SystemLogLevel") or "INFO"
    return config


def _check_limits(spec: Mapping[str, Any]) -> None:
    for name, least, most in (("Timeout", 1, 900), ("MemorySize", 128, 10_240)):
        if name in spec and not least <= int(spec[name]) <= most:
            raise refusal("InvalidParameterValueException", f"{name} must be from {least} to {most}, not {spec[name]}")


def _check_zip(code: Mapping[str, Any]) -> None:
    if "ZipFile" not in code:
        return
    try:
        zipfile.ZipFile(io.BytesIO(base64.b64decode(code["ZipFile"]))).namelist()
    except (ValueError, zipfile.BadZipFile):
        raise refusal(
            "InvalidParameterValueException",
            "Could not unzip uploaded file. Please check your file, then try to upload again.",
        ) from None
