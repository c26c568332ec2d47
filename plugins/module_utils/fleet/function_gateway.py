# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Reads a rotation function from Lambda and carries out its plan."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from .aws import CallError, Client, call, call_or_none
from .errors import WaitError
from .function import INVOKE, PRINCIPAL, STATEMENT_ID, Found, Plan, Wanted, normal_configuration, plan

_MISSING = ("ResourceNotFoundException",)
_BUSY = "ResourceConflictException"
_RETRY_SECONDS = 2.0
_NOT_YET = ("assumed", "does not have permissions")
"""In Lambda's refusals. IAM is eventually consistent: a role or policy of a moment ago is not yet everywhere."""


class FunctionGateway:
    """One Lambda function.

    Args:
        client: boto3 client for lambda.
        name: function name.
        timeout: seconds until it must be ready, and a role made just now assumable.
        now, sleep: monotonic seconds, and how to wait.
    """

    def __init__(
        self,
        client: Client,
        name: str,
        timeout: int,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._name = name
        self._timeout = timeout
        self._now = now
        self._sleep = sleep

    def find(self) -> Found | None:
        """The function as it is; None when there is none.

        Raises:
            CallError: refused.
        """
        answer = call_or_none("lambda:GetFunction", self._client.get_function, _MISSING, FunctionName=self._name)
        if answer is None:
            return None
        configuration = answer["Configuration"]
        return Found(
            arn=configuration["FunctionArn"],
            configuration=normal_configuration(configuration, self._name),
            architecture=(configuration.get("Architectures") or ["x86_64"])[0],
            code_sha256=configuration.get("CodeSha256", ""),
            reserved_concurrency=(answer.get("Concurrency") or {}).get("ReservedConcurrentExecutions"),
            statement=self._statement(),
        )

    def apply(self, plan: Plan, wanted: Wanted | None, code: bytes) -> None:
        """Carry the plan out.

        Raises:
            CallError: refused.
            WaitError: not ready in time.
        """
        if wanted is None:
            call_or_none("lambda:DeleteFunction", self._client.delete_function, _MISSING, FunctionName=self._name)
            return
        if plan.create:
            self._create(wanted, code)
        else:
            self._update(plan, wanted, code)
        if plan.permission:
            self._permit(plan, wanted)
        if plan.concurrency:
            self._reserve(wanted.reserved_concurrency)

    def _create(self, wanted: Wanted, code: bytes) -> None:
        deadline = self._now() + self._timeout
        while True:
            try:
                call(
                    "lambda:CreateFunction",
                    self._client.create_function,
                    FunctionName=self._name,
                    Code={"ZipFile": code},
                    Architectures=[wanted.architecture],
                    PackageType="Zip",
                    **_given(wanted.configuration),
                )
                break
            except CallError as error:
                if not _not_yet(error) or self._now() >= deadline:
                    raise
                self._sleep(_RETRY_SECONDS)
        self._wait("function_active_v2")

    def _update(self, plan: Plan, wanted: Wanted, code: bytes) -> None:
        if plan.configuration:
            self._when_free(
                "lambda:UpdateFunctionConfiguration",
                self._client.update_function_configuration,
                {"FunctionName": self._name, **plan.configuration},
            )
        if plan.code:
            self._when_free(
                "lambda:UpdateFunctionCode",
                self._client.update_function_code,
                {"FunctionName": self._name, "ZipFile": code, "Architectures": [wanted.architecture]},
            )

    def _when_free(self, action: str, method: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
        """Lambda refuses an update while an earlier one is under way, or the role is not yet assumable."""
        deadline = self._now() + self._timeout
        while True:
            try:
                call(action, method, **arguments)
                break
            except CallError as error:
                if (error.code != _BUSY and not _not_yet(error)) or self._now() >= deadline:
                    raise
                self._sleep(_RETRY_SECONDS)
        self._wait("function_updated_v2")

    def _wait(self, waiter: str) -> None:
        delay = 1
        try:
            self._client.get_waiter(waiter).wait(
                FunctionName=self._name, WaiterConfig={"Delay": delay, "MaxAttempts": max(1, self._timeout // delay)}
            )
        except Exception as problem:
            if type(problem).__name__ != "WaiterError":
                raise CallError("lambda:GetFunction", type(problem).__name__, "") from None
            raise WaitError(
                f"function {self._name} was not ready within {self._timeout} s; look at its State and StateReason "
                "in Lambda, then run again"
            ) from None

    def _permit(self, plan: Plan, wanted: Wanted) -> None:
        if plan.replaces_permission:
            call_or_none(
                "lambda:RemovePermission",
                self._client.remove_permission,
                _MISSING,
                FunctionName=self._name,
                StatementId=STATEMENT_ID,
            )
        call(
            "lambda:AddPermission",
            self._client.add_permission,
            FunctionName=self._name,
            StatementId=STATEMENT_ID,
            Action=INVOKE,
            Principal=PRINCIPAL,
            SourceAccount=wanted.source_account,
        )

    def _reserve(self, number: int | None) -> None:
        if number is None:
            call("lambda:DeleteFunctionConcurrency", self._client.delete_function_concurrency, FunctionName=self._name)
        else:
            call(
                "lambda:PutFunctionConcurrency",
                self._client.put_function_concurrency,
                FunctionName=self._name,
                ReservedConcurrentExecutions=number,
            )

    def _statement(self) -> Mapping[str, Any] | None:
        answer = call_or_none("lambda:GetPolicy", self._client.get_policy, _MISSING, FunctionName=self._name)
        statements = json.loads(answer["Policy"]).get("Statement", []) if answer else []
        return next((statement for statement in statements if statement.get("Sid") == STATEMENT_ID), None)


def _not_yet(error: CallError) -> bool:
    return any(words in error.text for words in _NOT_YET)


def _given(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty: CreateFunction takes absence, not emptiness."""
    empty: tuple[object, ...] = ("", {"TargetArn": ""}, {"SubnetIds": [], "SecurityGroupIds": []})
    return {key: value for key, value in configuration.items() if value not in empty}


def bring_about(
    gateway: FunctionGateway, wanted: Wanted | None, read_code: Callable[[], bytes], check_mode: bool
) -> dict[str, Any]:
    """Bring a function to what is wanted.

    Args:
        wanted: None to have it gone.
        read_code: the zip; called only when something is written.
        check_mode: plan only.

    Returns:
        The module's result.

    Raises:
        FleetError: refused, or not ready in time.
        OSError: the zip cannot be read.
    """
    found = gateway.find()
    planned = plan(found, wanted)
    if planned.changed and not check_mode:
        gateway.apply(planned, wanted, read_code() if planned.code else b"")
        found = gateway.find()
    return {
        "changed": planned.changed,
        "function_arn": found.arn if found else None,
        "changes": sorted({*planned.before, *planned.after}),
        "diff": {"before": dict(planned.before), "after": dict(planned.after)},
    }
