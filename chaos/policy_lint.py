# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Looks for mistakes in every policy that we ship or render: python -m chaos.policy_lint.

Whether an action exists is asked of botocore's own service models, so nothing is downloaded and nothing grows old by
itself. No linter from PyPI is used: parliament, which brings its list of actions, was last released in April 2025 and
needs pkg_resources, which setuptools no longer has; iam-policy-validator has to download AWS's lists first.
"""

from __future__ import annotations

import functools
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session

from sandbox.conditions import PolicyError, satisfied

from .rendered import Rendered

ROOT = Path(__file__).resolve().parents[1]
LIMITS = {"role": 10_240, "user": 2_048, "managed": 6_144, "trust": 2_048, "scp": 5_120, "topic": 30_720}
"""Characters without white space. Source: IAM and Organizations User Guides, quotas; for topics SNS Developer Guide."""
NO_SOURCE = {"events.amazonaws.com"}
"""Sends no condition keys to a topic. Source: EventBridge User Guide, "Using resource-based policies"."""
MODELS = {"ses": ("ses", "sesv2")}
"""The prefix of an action, where the client has another name."""
NO_OPERATION = {"iam:PassRole", "lambda:InvokeFunction"}
"""Actions that are no operation: PassRole is checked beside others, and InvokeFunction is the operation Invoke."""
NO_ACTION = {"lambda:Invoke"}
"""And the other way round."""
ON_EVERYTHING = {
    **dict.fromkeys(
        [
            "iam:GenerateCredentialReport",
            "iam:GetCredentialReport",
            "iam:ListAccountAliases",
            "secretsmanager:ListSecrets",
        ],
        "is about the account; AWS knows no resource for it",
    ),
    **dict.fromkeys(
        [
            "ec2:AssignPrivateIpAddresses",
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSubnets",
            "ec2:UnassignPrivateIpAddresses",
        ],
        "Lambda checks these on * before it puts a function into a VPC, as in AWSLambdaVPCAccessExecutionRole",
    ),
}
"""What may be allowed on every resource, and why."""
REGION = "us-east-1"


@functools.cache
def operations(service: str) -> frozenset[str]:
    """The operations of a service; none when botocore does not know it."""
    session = botocore.session.get_session()
    known = set(session.get_available_services())
    client_only = {name for names in MODELS.values() for name in names} - set(MODELS)
    names = MODELS.get(service, (service,) if service in known - client_only else ())
    return frozenset(name for model in names for name in session.get_service_model(model).operation_names)


def as_list(value: Any) -> list[Any]:
    """One value or a list of them, as a list."""
    return value if isinstance(value, list) else [value]


def mistakes(text: str, kind: str) -> Iterator[str]:
    """What is wrong with one document.

    Args:
        text: JSON.
        kind: of policy, as in LIMITS.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        yield f"is no JSON: {error}"
        return
    if document.get("Version") != "2012-10-17":
        yield "has no Version 2012-10-17"
    size = len("".join(text.split()))
    if size > LIMITS[kind]:
        yield f"has {size} characters; IAM takes {LIMITS[kind]}"
    statements = as_list(document.get("Statement", []))
    if not statements:
        yield "has no Statement"
    if kind != "trust":
        sids = [statement.get("Sid", "") for statement in statements]
        yield from (f"the Sid {sid!r} is there twice" for sid in sorted({sid for sid in sids if sids.count(sid) > 1}))
        yield from (f"the Sid {sid!r} is not made of letters and digits" for sid in sids if not sid.isalnum())
    for statement in statements:
        name = statement.get("Sid", "a statement")
        yield from (f"{name}: {mistake}" for mistake in _statement_mistakes(statement, kind))


def _statement_mistakes(statement: Mapping[str, Any], kind: str) -> Iterator[str]:
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield "its Effect is neither Allow nor Deny"
    if "Action" not in statement:
        yield "has no Action"
    actions = as_list(statement.get("Action", []))
    if actions != sorted(set(actions)):
        yield "its actions are not in order, or one is there twice"
    for action in actions:
        service, _, operation = action.partition(":")
        if "*" in action or "?" in action:
            yield f"{action} is a pattern"
        elif action in NO_ACTION or (action not in NO_OPERATION and operation not in operations(service)):
            yield f"there is no action {action}"
    if kind == "trust":
        if "*" in json.dumps(statement.get("Principal", "*")):
            yield "trusts everybody"
        if not statement.get("Condition"):
            yield "trusts a service for every account"
    elif kind == "topic":
        yield from _topic_mistakes(statement)
    if kind != "trust" and ("Resource" in statement) == ("NotResource" in statement):
        yield "needs one of Resource and NotResource"
    if statement.get("Effect") == "Allow" and "*" in as_list(statement.get("Resource", [])):
        yield from (f"allows {action} on everything" for action in actions if action not in ON_EVERYTHING)
    if statement.get("Effect") == "Allow" and "NotResource" in statement:
        yield "allows everything but a few resources"
    yield from _condition_mistakes(statement.get("Condition", {}), {action.partition(":")[0] for action in actions})


def _topic_mistakes(statement: Mapping[str, Any]) -> Iterator[str]:
    named = statement.get("Principal", "*")
    if not isinstance(named, Mapping) or set(named) != {"Service"}:
        yield "lets others in than a service"
    elif bool(statement.get("Condition")) == (named["Service"] in NO_SOURCE):
        yield "has a Condition under which nothing arrives, or lacks one"


def _condition_mistakes(condition: Mapping[str, Mapping[str, Any]], services: set[str]) -> Iterator[str]:
    for keys in condition.values():
        for key in keys:
            if key.partition(":")[0] not in {"aws", *services}:
                yield f"the condition key {key} belongs to none of its actions"
    try:
        for operator, keys in condition.items():
            satisfied({operator: keys}, {key.lower(): ("0",) for key in keys})
    except PolicyError as error:
        yield str(error)


def documents() -> Iterator[tuple[str, str, str]]:
    """Name, text and kind of every policy that we ship, and of those that the role renders with its options."""
    for path in sorted((ROOT / "docs").glob("*-policy.json")):
        yield path.name, path.read_text(), "managed"
    for number, block in enumerate(re.findall(r"```json\n(.*?)```", (ROOT / "docs/permissions.md").read_text(), re.S)):
        yield f"permissions.md, block {number + 1}", block, "scp"
    here = f"{REGION}:123456789012"
    options = {
        "defaults": {},
        "every option": {
            "rotation_notify_from": "alerts@acmecorp.com",
            "rotation_notify_recipients": [f"team-{number}@acmecorp.com" for number in range(50)],
            "rotation_kms_key_arn": f"arn:aws:kms:{here}:key/11111111-2222-3333-4444-555555555555",
            "rotation_dead_letter_target_arn": f"arn:aws:sns:{here}:dead-letters",
            "rotation_vpc_subnet_ids": ["subnet-1", "subnet-2"],
            "rotation_vpc_security_group_ids": ["sg-1"],
        },
    }
    for label, variables in options.items():
        for name, text in Rendered(rotation_aws_region=REGION, **variables).policies().items():
            yield f"{name}, {label}", text, "trust" if name.endswith("/trust") else "role"
    yield "topic of the alarms", Rendered(rotation_aws_region=REGION).template("alarm_topic.json.j2", {}), "topic"


def main() -> int:
    """Print every mistake; 1 when there is one."""
    count = found = 0
    for name, text, kind in documents():
        count += 1
        for mistake in mistakes(text, kind):
            found += 1
            print(f"{name}: {mistake}", file=sys.stderr)
    print(f"{count} policies, {found} mistakes")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
