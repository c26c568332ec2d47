# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Names in a request to ARNs, and the moto objects behind them."""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any

from moto.awslambda.models import lambda_backends
from moto.kms.models import kms_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.ses.models import ses_backends

from .callers import iam
from .world import ACCOUNT

Values = str | tuple[str, ...]
Found = tuple[str, dict[str, Values]]


def arn(service: str, region: str, resource: str) -> str:
    """arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def secret(region: str, wanted: str) -> Any:
    """moto's secret of that name, ARN or partial ARN; None when there is none."""
    return secretsmanager_backends[ACCOUNT][region].secrets.get(wanted)


def role(name: str) -> Any:
    """moto's role of that name, or None."""
    return next((known for known in list(iam().get_roles()) if known.name == name), None)


def role_by_arn(wanted: str) -> Any:
    """moto's role of that ARN, or None."""
    return next((known for known in list(iam().get_roles()) if known.arn == wanted), None)


def function(region: str, wanted: str) -> Any:
    """moto's function of that name or ARN (a qualifier is not looked at), or None."""
    parts = wanted.split(":")
    name = parts[6] if wanted.startswith("arn:") and len(parts) > 6 else wanted
    functions = lambda_backends[ACCOUNT][region].list_functions()
    return next((known for known in functions if known.function_name == name), None)


def function_arn(region: str, wanted: str, qualifier: Any = None) -> str:
    """The ARN that a FunctionName means: a name, NAME:QUALIFIER, ACCOUNT:function:NAME or an ARN."""
    if wanted.startswith("arn:"):
        found = wanted
    elif ":function:" in wanted:
        found = arn("lambda", region, f"function:{wanted.split(':function:', 1)[1]}")
    else:
        found = arn("lambda", region, f"function:{wanted}")
    return f"{found}:{qualifier}" if qualifier and found.count(":") < 7 else found


def generic(service: str, operation: str, region: str, params: Mapping[str, Any]) -> str:
    """The ARN for the services whose requests name it, or give all its parts.

    Returns:
        The ARN; * for operations about no single resource.
    """
    for parameter in ("ResourceArn", "resourceArn", "ResourceARN", "TopicArn", "SubscriptionArn", "TargetArn"):
        if isinstance(params.get(parameter), str):
            return str(params[parameter])
    if operation.startswith("List") and service != "logs" and "Rule" not in params:
        return "*"
    build = {
        "cloudwatch": _cloudwatch,
        "events": _events,
        "kms": _kms,
        "logs": _logs,
        "scheduler": _scheduler,
        "sns": _sns,
        "sqs": _sqs,
    }[service]
    return build(operation, region, params)


def generic_keys(params: Mapping[str, Any]) -> dict[str, Values]:
    """Condition keys of those services: the namespace of metrics, the encryption context of a key."""
    keys: dict[str, Values] = {}
    if isinstance(params.get("Namespace"), str):
        keys["cloudwatch:namespace"] = params["Namespace"]
    for name, value in (params.get("EncryptionContext") or {}).items():
        keys[f"kms:EncryptionContext:{name}"] = str(value)
    return keys


def ses(operation: str, region: str, params: Mapping[str, Any]) -> Found:
    """Resource and keys of SES, both versions. Recipients are bare addresses, as AWS compares them.

    Returns:
        For sending the identity that AWS would use: the address where it is an identity of its own, else its domain
        where that is one, else the address.
    """
    source = params.get("FromEmailAddress") or params.get("Source")
    if not operation.startswith("Send") or not isinstance(source, str):
        identity = params.get("EmailIdentity") or params.get("Identity") or params.get("EmailAddress")
        return (arn("ses", region, f"identity/{identity}"), {}) if isinstance(identity, str) else ("*", {})
    name, address = parseaddr(source)
    known = ses_backends[ACCOUNT][region].email_identities
    domain = address.rpartition("@")[2]
    identity = domain if address not in known and domain in known else address
    destination = params.get("Destination") or {}
    listed = [
        *(destination.get("ToAddresses") or []),
        *(destination.get("CcAddresses") or []),
        *(destination.get("BccAddresses") or []),
        *(params.get("Destinations") or []),
    ]
    keys: dict[str, Values] = {"ses:FromAddress": address, "ses:ApiVersion": "2" if "Content" in params else "1"}
    if name:
        keys["ses:FromDisplayName"] = name
    if listed:
        keys["ses:Recipients"] = tuple(parseaddr(entry)[1] for entry in listed if isinstance(entry, str))
    return arn("ses", region, f"identity/{identity}"), keys


def _cloudwatch(_: str, region: str, params: Mapping[str, Any]) -> str:
    name = params.get("AlarmName") or next(iter(params.get("AlarmNames") or []), None)
    return arn("cloudwatch", region, f"alarm:{name}") if name else "*"


def _events(operation: str, region: str, params: Mapping[str, Any]) -> str:
    bus = str(params.get("EventBusName") or "default").rpartition("/")[2]
    name = params.get("Rule") or (params.get("Name") if "EventBus" not in operation else None)
    if name:
        return arn("events", region, f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}")
    if operation == "PutEvents":
        return arn("events", region, f"event-bus/{bus}")
    return arn("events", region, f"event-bus/{params['Name']}") if params.get("Name") else "*"


def _kms(operation: str, region: str, params: Mapping[str, Any]) -> str:
    wanted = params.get("KeyId") or params.get("TargetKeyId")
    if not isinstance(wanted, str) or operation == "CreateKey":
        return "*"
    if ":alias/" in wanted or wanted.startswith("alias/"):
        wanted = kms_backends[ACCOUNT][region].get_key_id_from_alias(wanted.rpartition(":")[2]) or wanted
    return wanted if wanted.startswith("arn:") else arn("kms", region, f"key/{wanted}")


def _logs(operation: str, region: str, params: Mapping[str, Any]) -> str:
    """Group actions are asked about an empty stream of the group, so that only patterns ending in :* match."""
    group = params.get("logGroupName")
    identifier = params.get("logGroupIdentifier")
    if group is None and isinstance(identifier, str):
        group = identifier.split(":log-group:")[-1]
    if group is None and operation != "DescribeLogGroups":
        return "*"
    return arn("logs", region, f"log-group:{group or ''}:log-stream:{params.get('logStreamName') or ''}")


def _scheduler(operation: str, region: str, params: Mapping[str, Any]) -> str:
    name = params.get("Name")
    if not isinstance(name, str):
        return "*"
    if operation.endswith("ScheduleGroup"):
        return arn("scheduler", region, f"schedule-group/{name}")
    return arn("scheduler", region, f"schedule/{params.get('GroupName') or 'default'}/{name}")


def _sns(_: str, region: str, params: Mapping[str, Any]) -> str:
    return arn("sns", region, str(params["Name"])) if params.get("Name") else "*"


def _sqs(_: str, region: str, params: Mapping[str, Any]) -> str:
    name = params.get("QueueName") or str(params.get("QueueUrl") or "").rstrip("/").rpartition("/")[2]
    return arn("sqs", region, name) if name else "*"
