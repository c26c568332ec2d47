# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""IAM's decision: explicit Deny over Allow over nothing. Pure: no moto, no I/O.

Source: IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements reference".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .conditions import Context, PolicyError, as_list, matches, satisfied

__all__ = ["Decision", "Policy", "PolicyError", "Principal", "Request", "evaluate", "evaluate_resource_policy"]

Policy = Mapping[str, Any]
"""One policy document, parsed."""
Decision = Literal["deny", "allow", "delegate", "none"]
"""deny: an explicit Deny. allow. none: nothing says anything. delegate (resource policies only): allowed to the
account, so the caller still needs an Allow of its own."""


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Args:
        action: service:Action.
        resource: the exact ARN, or * for actions without a resource.
        context: condition keys in any case; a value is one string or several.
    """

    action: str
    resource: str
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)

    def keys(self) -> dict[str, tuple[str, ...]]:
        """The context with lower-case keys and tuples."""
        return {key.lower(): (value,) if isinstance(value, str) else value for key, value in self.context.items()}


@dataclass(frozen=True)
class Principal:
    """Who asks, as a Principal element may name it.

    Args:
        arns: every ARN that means this caller itself: a user's; a session's and its role's.
        account: 12 digits; empty for a service.
        service: e.g. secretsmanager.amazonaws.com; empty for anyone else.
    """

    arns: tuple[str, ...] = ()
    account: str = ""
    service: str = ""


def evaluate(policies: Iterable[Policy], request: Request) -> Decision:
    """Decide by the policies of the caller's own identity.

    Returns:
        deny, allow or none.

    Raises:
        PolicyError: a condition that cannot be evaluated.
    """
    context = request.keys()
    decision: Decision = "none"
    for statement, variables in _statements(policies):
        if _applies(statement, request, context, variables):
            if statement.get("Effect") == "Deny":
                return "deny"
            decision = "allow"
    return decision


def evaluate_resource_policy(
    policy: Policy, request: Request, principal: Principal, resource_optional: bool = False
) -> Decision:
    """Decide by the policy of the resource: a secret's, a function's, or a role's trust policy.

    Args:
        policy: the document.
        request: what is asked for.
        principal: who asks.
        resource_optional: trust policies have no Resource element.

    Raises:
        PolicyError: a condition that cannot be evaluated.
    """
    context = request.keys()
    decision: Decision = "none"
    for statement, variables in _statements([policy]):
        grip = _principal_matches(statement, principal)
        if grip == "none" or not _applies(statement, request, context, variables, resource_optional):
            continue
        if statement.get("Effect") == "Deny":
            return "deny"
        if decision != "allow":
            decision = grip
    return decision


def _statements(policies: Iterable[Policy]) -> Iterator[tuple[Mapping[str, Any], bool]]:
    """Every statement, with whether its policy's version knows variables."""
    for policy in policies:
        for statement in as_list(policy.get("Statement", [])):
            yield statement, policy.get("Version") == "2012-10-17"


def _applies(
    statement: Mapping[str, Any],
    request: Request,
    context: Context,
    variables: bool,
    resource_optional: bool = False,
) -> bool:
    known: Context = context if variables else {}
    if "NotAction" in statement:
        action = not _any(statement["NotAction"], request.action, {}, ignore_case=True)
    else:
        action = _any(statement.get("Action", []), request.action, {}, ignore_case=True)
    if not action:
        return False
    if "NotResource" in statement:
        resource = not _any(statement["NotResource"], request.resource, known)
    elif "Resource" in statement:
        resource = _any(statement["Resource"], request.resource, known)
    else:
        resource = resource_optional
    return resource and satisfied(statement.get("Condition") or {}, context)


def _any(patterns: Any, text: str, context: Context, ignore_case: bool = False) -> bool:
    return any(matches(pattern, text, context, ignore_case) for pattern in as_list(patterns))


def _principal_matches(statement: Mapping[str, Any], principal: Principal) -> Decision:
    if "NotPrincipal" in statement:
        return "none" if _named(statement["NotPrincipal"], principal) != "none" else "allow"
    return _named(statement.get("Principal", {}), principal)


def _named(element: Any, principal: Principal) -> Decision:
    if element == "*":
        return "allow"
    if not isinstance(element, Mapping):
        raise PolicyError("a Principal is * or an object")
    if principal.service:
        return "allow" if principal.service in as_list(element.get("Service", [])) else "none"
    names = as_list(element.get("AWS", []))
    if "*" in names or any(arn in names for arn in principal.arns):
        return "allow"
    account = (principal.account, f"arn:aws:iam::{principal.account}:root")
    return "delegate" if principal.account and any(name in account for name in names) else "none"
