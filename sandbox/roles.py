# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What services ask about a role before they act as it: may I assume it, and what may it do then?"""

from __future__ import annotations

from collections.abc import Mapping

from moto.iam.exceptions import NotFoundException
from moto.iam.models import Role, iam_backends

from .authorize import document
from .policy import Policy, Principal, Request, evaluate, evaluate_resource_policy
from .world import ACCOUNT


def trusts(role_arn: str, service: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether the trust policy of a role lets a service assume it.

    Args:
        role_arn: a role that does not exist trusts nobody.
        service: e.g. lambda.amazonaws.com.
        context: condition keys that the service sends (aws:SourceAccount, aws:SourceArn).
    """
    role = _role(role_arn)
    if role is None:
        return False
    trust = document(role.assume_role_policy_document)
    request = Request("sts:AssumeRole", role_arn, dict(context or {}))
    return evaluate_resource_policy(trust, request, Principal(service=service), resource_optional=True) == "allow"


def allows(role_arn: str, action: str, resource: str, context: Mapping[str, str] | None = None) -> bool:
    """Whether the identity policies of a role allow an action; a role that does not exist may do nothing."""
    role = _role(role_arn)
    if role is None:
        return False
    return evaluate(_policies(role), Request(action, resource, dict(context or {}))) == "allow"


def _role(role_arn: str) -> Role | None:
    try:
        return iam_backends[ACCOUNT]["aws"].get_role_by_arn(role_arn)
    except NotFoundException:
        return None


def _policies(role: Role) -> list[Policy]:
    inline = [document(text) for text in role.policies.values()]
    managed = [
        document(version.document)
        for policy in role.managed_policies.values()
        for version in policy.versions
        if version.version_id == policy.default_version_id
    ]
    return inline + managed
