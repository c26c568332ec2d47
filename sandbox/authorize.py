# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""May this caller make this call? The policies that moto stores, decided by policy.py."""

from __future__ import annotations

import functools
import json
from typing import Any
from urllib.parse import unquote

from .answers import Refusal
from .callers import Caller, iam
from .calls import Call
from .policy import Policy, PolicyError, Principal, Request, evaluate, evaluate_resource_policy
from .resources import Check, checks_of, resource_policy
from .world import ACCOUNT

_FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken"})
"""Actions that need no permission."""


def authorize(call: Call, caller: Caller, now: float) -> str:
    """Decide one call, with everything it needs besides (iam:PassRole, lambda:InvokeFunction of a rotation).

    Args:
        call: what is asked for.
        caller: who asks.
        now: epoch seconds, virtual, for aws:CurrentTime.

    Returns:
        The ARN that the call is about, or *.

    Raises:
        Refusal: not allowed, or a policy that cannot be evaluated.
    """
    checks = checks_of(call, caller, now)
    if not caller.administrator and call.action not in _FREE:
        for check in checks:
            try:
                _decide(check, call, caller)
            except PolicyError as error:
                raise Refusal("MalformedPolicyDocument", f"a policy of {caller.arn}: {error}") from None
    return checks[0].resource


def policies_of(caller: Caller) -> list[Policy]:
    """Every identity policy of a user (with its groups) or a role."""
    if caller.role_name:
        holders: list[Any] = [iam().get_role(caller.role_name)]
    else:
        holders = [iam().get_user(caller.user_name), *iam().get_groups_for_user(caller.user_name)]
    return [policy for holder in holders for policy in _policies(holder)]


def document(text: str | dict[str, Any]) -> Policy:
    """A policy document as moto keeps it: JSON, or JSON in percent-encoding.

    Raises:
        PolicyError: it is not JSON.
    """
    return text if isinstance(text, dict) else _parsed(text)


def _policies(holder: Any) -> list[Policy]:
    managed = [
        next(version.document for version in policy.versions if version.is_default_version)
        for policy in holder.managed_policies.values()
    ]
    return [document(text) for text in [*holder.policies.values(), *managed]]


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> Policy:
    try:
        parsed = json.loads(text if text.lstrip().startswith("{") else unquote(text))
    except ValueError:
        raise PolicyError("it is not JSON") from None
    if not isinstance(parsed, dict):
        raise PolicyError("it is not an object")
    return parsed


def _decide(check: Check, call: Call, caller: Caller) -> None:
    request = Request(check.action, check.resource, check.context)
    decision = evaluate(policies_of(caller), request)
    if decision != "deny" and caller.session_policy:
        narrowed = evaluate([document(caller.session_policy)], request)
        decision = narrowed if narrowed != "allow" else decision
    if decision == "deny":
        raise _denied(check, call, caller, "with an explicit deny in an identity-based policy")
    attached = resource_policy(check, call.region)
    if attached is not None:
        principal = Principal((caller.arn, caller.principal_arn), ACCOUNT)
        said = evaluate_resource_policy(
            document(attached), request, principal, resource_optional=check.action == "sts:AssumeRole"
        )
        if said == "deny":
            raise _denied(check, call, caller, "with an explicit deny in a resource-based policy")
        if check.action == "sts:AssumeRole" and said == "none":
            raise _denied(check, call, caller, "because no resource-based policy allows the sts:AssumeRole action")
        if said == "allow":
            return
    if decision != "allow":
        raise _denied(check, call, caller, f"because no identity-based policy allows the {check.action} action")


def _denied(check: Check, call: Call, caller: Caller, reason: str) -> Refusal:
    code = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError"}.get(
        call.service, "AccessDenied" if call.answers_xml else "AccessDeniedException"
    )
    return Refusal(
        code,
        f"User: {caller.arn} is not authorized to perform: {check.action} on resource: {check.resource} {reason}",
        400 if call.protocol == "json" else 403,
    )
