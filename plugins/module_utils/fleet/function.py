# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The rotation function in Lambda: what is wanted, what is there, and what must change. Pure.

Source: Lambda API Reference, CreateFunction, UpdateFunctionConfiguration, AddPermission.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STATEMENT_ID = "key-rotation-secretsmanager"
PRINCIPAL = "secretsmanager.amazonaws.com"
INVOKE = "lambda:InvokeFunction"


@dataclass(frozen=True)
class Wanted:
    """A function as it should be.

    Attributes:
        configuration: as UpdateFunctionConfiguration takes it, complete: what is not wanted is empty, not missing.
        code_sha256: base64, as Lambda's CodeSha256.
        source_account: whose Secrets Manager may invoke it; twelve digits.
        reserved_concurrency: None leaves the function without a reservation.
    """

    name: str
    configuration: Mapping[str, Any]
    architecture: str
    code_sha256: str
    source_account: str
    reserved_concurrency: int | None = None


@dataclass(frozen=True)
class Found:
    """A function as it is.

    Attributes:
        configuration: in the shape of Wanted.configuration.
        statement: our statement of the resource policy, or None.
    """

    arn: str
    configuration: Mapping[str, Any]
    architecture: str
    code_sha256: str
    reserved_concurrency: int | None = None
    statement: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Plan:
    """What must change. before and after hold only what differs."""

    create: bool = False
    delete: bool = False
    code: bool = False
    configuration: Mapping[str, Any] = field(default_factory=dict)
    concurrency: bool = False
    permission: bool = False
    replaces_permission: bool = False
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(
            self.create or self.delete or self.code or self.configuration or self.concurrency or self.permission
        )


def make_configuration(options: Mapping[str, Any]) -> dict[str, Any]:
    """The module's options as UpdateFunctionConfiguration takes them."""
    return {
        "Role": options["role"],
        "Handler": options["handler"],
        "Runtime": options["runtime"],
        "Description": options["description"] or "",
        "MemorySize": options["memory_size"],
        "Timeout": options["timeout"],
        "Environment": {
            "Variables": {key: str(value) for key, value in sorted((options["environment"] or {}).items())}
        },
        "DeadLetterConfig": {"TargetArn": options["dead_letter_target_arn"] or ""},
        "LoggingConfig": {
            "LogFormat": options["log_format"],
            "LogGroup": options["log_group"] or f"/aws/lambda/{options['function_name']}",
        },
        "KMSKeyArn": options["kms_key_arn"] or "",
        "VpcConfig": {
            "SubnetIds": sorted(options["vpc_subnet_ids"] or []),
            "SecurityGroupIds": sorted(options["vpc_security_group_ids"] or []),
        },
    }


def normal_configuration(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    """GetFunction's Configuration in the shape of make_configuration."""
    vpc = answer.get("VpcConfig") or {}
    logging = answer.get("LoggingConfig") or {}
    variables = (answer.get("Environment") or {}).get("Variables") or {}
    return {
        "Role": answer.get("Role", ""),
        "Handler": answer.get("Handler", ""),
        "Runtime": answer.get("Runtime", ""),
        "Description": answer.get("Description") or "",
        "MemorySize": answer.get("MemorySize"),
        "Timeout": answer.get("Timeout"),
        "Environment": {"Variables": dict(sorted(variables.items()))},
        "DeadLetterConfig": {"TargetArn": (answer.get("DeadLetterConfig") or {}).get("TargetArn") or ""},
        "LoggingConfig": {
            "LogFormat": logging.get("LogFormat", "Text"),
            "LogGroup": logging.get("LogGroup", f"/aws/lambda/{name}"),
        },
        "KMSKeyArn": answer.get("KMSKeyArn") or "",
        "VpcConfig": {
            "SubnetIds": sorted(vpc.get("SubnetIds") or []),
            "SecurityGroupIds": sorted(vpc.get("SecurityGroupIds") or []),
        },
    }


def statement_fits(statement: Mapping[str, Any] | None, source_account: str) -> bool:
    """Whether our statement allows Secrets Manager of this account, and nothing else, to invoke the function."""
    if statement is None:
        return False
    conditions = statement.get("Condition") or {}
    account = {key.lower(): value for key, value in (conditions.get("StringEquals") or {}).items()}
    return (
        statement.get("Effect") == "Allow"
        and statement.get("Principal") == {"Service": PRINCIPAL}
        and statement.get("Action") == INVOKE
        and list(conditions) == ["StringEquals"]
        and account == {"aws:sourceaccount": source_account}
    )


def plan(found: Found | None, wanted: Wanted | None) -> Plan:
    """Say what must change.

    Args:
        found: None when there is no such function.
        wanted: None to have it gone.
    """
    if wanted is None:
        return Plan(delete=True, before={"function": found.arn}, after={}) if found else Plan()
    shown = {**wanted.configuration, "Architecture": wanted.architecture, "CodeSha256": wanted.code_sha256}
    if found is None:
        return Plan(
            create=True,
            code=True,
            permission=True,
            concurrency=wanted.reserved_concurrency is not None,
            after={**shown, "SourceAccount": wanted.source_account},
        )
    there = {**found.configuration, "Architecture": found.architecture, "CodeSha256": found.code_sha256}
    differing = {key: value for key, value in shown.items() if there.get(key) != value}
    before = {key: there.get(key) for key in differing}
    after = dict(differing)
    permission = not statement_fits(found.statement, wanted.source_account)
    if permission:
        before["permission"] = found.statement
        after["permission"] = f"{PRINCIPAL} of {wanted.source_account}"
    concurrency = found.reserved_concurrency != wanted.reserved_concurrency
    if concurrency:
        before["reserved_concurrency"] = found.reserved_concurrency
        after["reserved_concurrency"] = wanted.reserved_concurrency
    return Plan(
        code="CodeSha256" in differing or "Architecture" in differing,
        configuration={key: value for key, value in differing.items() if key in wanted.configuration},
        concurrency=concurrency,
        permission=permission,
        replaces_permission=found.statement is not None,
        before=before,
        after=after,
    )


def wanted_function(options: Mapping[str, Any]) -> Wanted | None:
    """The module's options as types; None when the function is to be gone."""
    if options["state"] == "absent":
        return None
    return Wanted(
        name=options["function_name"],
        configuration=make_configuration(options),
        architecture=options["architecture"],
        code_sha256=options["code_sha256"],
        source_account=options["source_account"],
        reserved_concurrency=options["reserved_concurrency"],
    )
