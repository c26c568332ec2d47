# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a call is about: for every service the exact ARN and the condition keys that policies may name.

Source: Service Authorization Reference, one page for each service.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from . import arns
from .callers import Caller, find_key, iam
from .calls import Call
from .world import ACCOUNT

Values = str | tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """One permission that a call needs."""

    action: str
    resource: str
    context: dict[str, Values] = field(default_factory=dict)


_PASSES = {
    "lambda:CreateFunction": "lambda.amazonaws.com",
    "lambda:UpdateFunctionConfiguration": "lambda.amazonaws.com",
    "scheduler:CreateSchedule": "scheduler.amazonaws.com",
    "scheduler:UpdateSchedule": "scheduler.amazonaws.com",
}
"""Actions that hand a role to a service."""
_TAGS_ON_CREATE = {
    "iam:CreateUser": "iam:TagUser",
    "iam:CreateRole": "iam:TagRole",
    "iam:CreatePolicy": "iam:TagPolicy",
    "secretsmanager:CreateSecret": "secretsmanager:TagResource",
    "lambda:CreateFunction": "lambda:TagResource",
    "scheduler:CreateScheduleGroup": "scheduler:TagResource",
    "logs:CreateLogGroup": "logs:TagResource",
}
"""Actions that need a second permission when they carry tags."""


_USES_OF_KEYS = {
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    "secretsmanager:PutSecretValue": ("kms:Decrypt", "kms:GenerateDataKey"),
}
"""What Secrets Manager does with a secret's customer key in its caller's name; AWS's own key needs no permission.
Source: Secrets Manager User Guide, Secret encryption and decryption."""


def checks_of(call: Call, caller: Caller, now: float) -> list[Check]:
    """Every permission that a call needs, its own first.

    Args:
        call: what is asked for.
        caller: who asks.
        now: epoch seconds, virtual.
    """
    general = _general(call, caller, now)
    resource, own = _SERVICES.get(call.service, _unknown)(call, caller)
    context = {**general, **_request_tags(call), **own}
    checks = [Check(call.action, resource, context)]
    if call.action in _TAGS_ON_CREATE and call.params.get("Tags"):
        checks.append(Check(_TAGS_ON_CREATE[call.action], resource, context))
    role = call.params.get("Role") or (call.params.get("Target") or {}).get("RoleArn")
    if call.action in _PASSES and isinstance(role, str):
        passed: dict[str, Values] = {"iam:PassedToService": _PASSES[call.action]}
        checks.append(Check("iam:PassRole", role, {**general, **_role_tags(role), **passed}))
    if call.action == "secretsmanager:RotateSecret":
        secret = arns.secret(call.region, str(call.params.get("SecretId")))
        function = call.params.get("RotationLambdaARN") or getattr(secret, "rotation_lambda_arn", "")
        if function:
            checks.append(Check("lambda:InvokeFunction", function, {**general, "lambda:FunctionArn": function}))
    if call.action in _USES_OF_KEYS:
        checks += _key_checks(call, general)
    if call.action == "secretsmanager:BatchGetSecretValue":
        for wanted in call.params.get("SecretIdList") or []:
            single = Call(call.service, "GetSecretValue", call.protocol, call.region, {"SecretId": wanted})
            checks += checks_of(single, caller, now)
    return checks


def _key_checks(call: Call, general: dict[str, Values]) -> list[Check]:
    """What the caller needs of a secret's customer key; its key policy is taken to leave the decision to IAM."""
    secret = arns.secret(call.region, str(call.params.get("SecretId")))
    key = getattr(secret, "kms_key_id", None)
    if not key or key == "alias/aws/secretsmanager":
        return []
    resource = key if key.startswith("arn:") else arns.arn("kms", call.region, f"key/{key}")
    context = {**general, "kms:EncryptionContext:SecretARN": secret.arn}
    return [Check(action, resource, context) for action in _USES_OF_KEYS[call.action]]


def resource_policy(check: Check, region: str) -> Any:
    """The policy that hangs on the resource itself (a secret, a function, a role to assume), or None."""
    if check.action.startswith("secretsmanager:"):
        return getattr(arns.secret(region, check.resource), "policy", None) or None
    if check.action == "lambda:InvokeFunction":
        function = arns.function(region, check.resource)
        statements = function.policy.statements if function is not None else []
        return {"Version": "2012-10-17", "Statement": statements} if statements else None
    if check.action == "sts:AssumeRole":
        role = arns.role_by_arn(check.resource)
        return role.assume_role_policy_document if role is not None else None
    return None


def _general(call: Call, caller: Caller, now: float) -> dict[str, Values]:
    moment = datetime.fromtimestamp(now, UTC)
    context: dict[str, Values] = {
        "aws:PrincipalArn": caller.principal_arn,
        "aws:PrincipalAccount": ACCOUNT,
        "aws:PrincipalType": "AssumedRole" if caller.role_name else "User",
        "aws:userid": caller.user_id,
        "aws:RequestedRegion": call.region,
        "aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now)),
        "aws:SecureTransport": "true",  # what a real endpoint would see; loopback has no TLS
        "aws:SourceIp": "127.0.0.1",
        **{f"aws:PrincipalTag/{key}": value for key, value in caller.tags.items()},
    }
    if caller.user_name:
        context["aws:username"] = caller.user_name
    return context


def _request_tags(call: Call) -> dict[str, Values]:
    tags = call.params.get("Tags") or call.params.get("tags") or {}
    if isinstance(tags, list):
        pairs = {
            str(tag.get("Key", tag.get("TagKey"))): str(tag.get("Value", tag.get("TagValue", "")))
            for tag in tags
            if isinstance(tag, dict)
        }
    else:
        pairs = {str(key): str(value) for key, value in tags.items()}
    keys = [*pairs, *(call.params.get("TagKeys") or [])]
    context: dict[str, Values] = {f"aws:RequestTag/{key}": value for key, value in pairs.items()}
    return {**context, "aws:TagKeys": tuple(keys)} if keys else context


def _resource_tags(pairs: Mapping[str, str], *prefixes: str) -> dict[str, Values]:
    return {f"{prefix}ResourceTag/{key}": value for prefix in ("aws:", *prefixes) for key, value in pairs.items()}


def _pairs(tags: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in tags or []}


def _role_tags(arn: str) -> dict[str, Values]:
    role = arns.role_by_arn(arn)
    return _resource_tags(_pairs(role.tags), "iam:") if role is not None else {}


def _unknown(_: Call, __: Caller) -> tuple[str, dict[str, Values]]:
    """A service without entry: only a policy for every resource allows it."""
    return "*", {}


def _secretsmanager(call: Call, _: Caller) -> tuple[str, dict[str, Values]]:
    wanted = call.params.get("SecretId")
    if call.operation == "CreateSecret":
        # Policies name a secret with the six characters that AWS appends, unknown before it exists.
        name = str(call.params.get("Name"))
        return arns.arn("secretsmanager", call.region, f"secret:{name}-??????"), {"secretsmanager:Name": name}
    if not isinstance(wanted, str):
        return "*", {}
    context: dict[str, Values] = {"secretsmanager:SecretId": wanted}
    for parameter in ("VersionId", "VersionStage", "RotationLambdaARN", "KmsKeyId"):
        if isinstance(call.params.get(parameter), str):
            context[f"secretsmanager:{parameter}"] = call.params[parameter]
    for parameter in ("ForceDeleteWithoutRecovery", "RotateImmediately", "RecoveryWindowInDays"):
        if parameter in call.params:
            context[f"secretsmanager:{parameter}"] = str(call.params[parameter]).lower()
    secret = arns.secret(call.region, wanted)
    if secret is None:
        given = wanted if wanted.startswith("arn:") else arns.arn("secretsmanager", call.region, f"secret:{wanted}")
        return given, context
    if getattr(secret, "rotation_lambda_arn", ""):
        context["secretsmanager:resource/AllowRotationLambdaArn"] = secret.rotation_lambda_arn
    return secret.arn, {**context, **_resource_tags(_pairs(secret.tags), "secretsmanager:")}


def _iam(call: Call, caller: Caller) -> tuple[str, dict[str, Values]]:
    params = call.params
    context: dict[str, Values] = {}
    if isinstance(params.get("PolicyArn"), str):
        context["iam:PolicyARN"] = params["PolicyArn"]
    if isinstance(params.get("AWSServiceName"), str):
        context["iam:AWSServiceName"] = params["AWSServiceName"]
    if call.operation == "GetAccessKeyLastUsed":
        user = find_key(str(params.get("AccessKeyId")))[0]
        return (user.arn, {**context, **_user_tags(user)}) if user is not None else ("*", context)
    if call.operation in _USER_OPERATIONS or "UserName" in params:
        return _iam_user(call, caller, context)
    if isinstance(params.get("RoleName"), str):
        role = arns.role(params["RoleName"])
        if role is not None:
            return role.arn, {**context, **_role_tags(role.arn)}
        return f"arn:aws:iam::{ACCOUNT}:role{params.get('Path') or '/'}{params['RoleName']}", context
    if "PolicyArn" in params:
        return str(params["PolicyArn"]), context
    kinds = {"PolicyName": "policy", "GroupName": "group", "InstanceProfileName": "instance-profile"}
    for parameter, kind in kinds.items():
        if isinstance(params.get(parameter), str):
            return f"arn:aws:iam::{ACCOUNT}:{kind}{params.get('Path') or '/'}{params[parameter]}", context
    return "*", context


_USER_OPERATIONS = frozenset(
    {"CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys", "UpdateAccessKey", "ChangePassword"}
)
"""User actions that mean the caller itself when they name nobody."""


def _iam_user(call: Call, caller: Caller, context: dict[str, Values]) -> tuple[str, dict[str, Values]]:
    name = str(call.params.get("UserName") or caller.user_name)
    user = iam().users.get(name)
    if user is not None:
        return user.arn, {**context, **_user_tags(user)}
    return f"arn:aws:iam::{ACCOUNT}:user{call.params.get('Path') or '/'}{name}", context


def _user_tags(user: Any) -> dict[str, Values]:
    return _resource_tags(iam().tagger.get_tag_dict_for_resource(user.arn), "iam:")


def _sts(call: Call, _: Caller) -> tuple[str, dict[str, Values]]:
    arn = call.params.get("RoleArn")
    if not isinstance(arn, str):
        return "*", {}
    context = _role_tags(arn)
    for parameter in ("RoleSessionName", "ExternalId"):
        if isinstance(call.params.get(parameter), str):
            context[f"sts:{parameter}"] = call.params[parameter]
    return arn, context


def _lambda(call: Call, _: Caller) -> tuple[str, dict[str, Values]]:
    context: dict[str, Values] = {}
    if call.operation == "AddPermission" and "Principal" in call.params:
        context["lambda:Principal"] = str(call.params["Principal"])
    resource = call.params.get("Resource")
    name = resource if isinstance(resource, str) else call.params.get("FunctionName")
    if not isinstance(name, str):
        return "*", context
    found = arns.function_arn(call.region, name, call.params.get("Qualifier"))
    return found, {**context, "lambda:FunctionArn": found}


def _by_arn(call: Call, caller: Caller) -> tuple[str, dict[str, Values]]:
    return arns.generic(call.service, call.operation, call.region, call.params), arns.generic_keys(call.params)


def _ses(call: Call, _: Caller) -> tuple[str, dict[str, Values]]:
    return arns.ses(call.operation, call.region, call.params)


_SERVICES: dict[str, Callable[[Call, Caller], tuple[str, dict[str, Values]]]] = {
    "cloudwatch": _by_arn,
    "events": _by_arn,
    "iam": _iam,
    "kms": _by_arn,
    "lambda": _lambda,
    "logs": _by_arn,
    "scheduler": _by_arn,
    "secretsmanager": _secretsmanager,
    "ses": _ses,
    "sns": _by_arn,
    "sqs": _by_arn,
    "sts": _sts,
}
