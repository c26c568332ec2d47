# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Reading calls that a security scanner makes and moto lacks: without an answer its checks would fall silent."""

from __future__ import annotations

import json
import uuid
from typing import Any

from botocore.session import Session
from moto.core.responses import ActionResult
from moto.events.responses import EventsHandler
from moto.iam.responses import IamResponse
from moto.kms.models import Key

from . import arns
from .answers import Refusal
from .authorize import policies_of
from .callers import Caller, iam
from .patching import add, original, replace
from .world import World


def install(world: World) -> None:
    """Teach moto these calls for this world."""
    jobs: dict[str, list[dict[str, Any]]] = {}
    world.resets.append(jobs.clear)

    def generate_service_last_accessed_details(response: IamResponse) -> ActionResult:
        job = str(uuid.uuid4())
        jobs[job] = _services(str(response._get_param("Arn")))
        return ActionResult({"JobId": job})

    def get_service_last_accessed_details(response: IamResponse) -> ActionResult:
        services = jobs.get(str(response._get_param("JobId")))
        if services is None:
            raise Refusal("NoSuchEntity", "There is no job of that id.", 404)
        now = world.clock.utcnow()
        return ActionResult(
            {
                "JobStatus": "COMPLETED",
                "JobCreationDate": now,
                "JobCompletionDate": now,
                "ServicesLastAccessed": services,
                "IsTruncated": False,
            }
        )

    add(IamResponse, "generate_service_last_accessed_details", generate_service_last_accessed_details)
    add(IamResponse, "get_service_last_accessed_details", get_service_last_accessed_details)
    add(IamResponse, "list_service_specific_credentials", _no_service_credentials)
    add(IamResponse, "list_organizations_features", _no_organization)
    add(EventsHandler, "list_endpoints", lambda _: json.dumps({"Endpoints": []}))
    replace(Key, "to_dict", _key)


def _services(arn: str) -> list[dict[str, Any]]:
    """The services that the policies of a user or role permit; whether they were used is not kept here."""
    role = arns.role_by_arn(arn)
    user = next((known for known in iam().users.values() if known.arn == arn), None)
    if role is None and user is None:
        raise Refusal("NoSuchEntity", f"ARN {arn} is not found.", 404)
    caller = Caller(arn, arn, "", "", user_name=user.name if user else "", role_name=role.name if role else "")
    spaces: set[str] = set()
    for policy in policies_of(caller):
        statements = policy.get("Statement") or []
        for statement in [statements] if isinstance(statements, dict) else statements:
            actions = statement.get("Action") or []
            if statement.get("Effect") == "Allow":
                spaces |= {str(name).partition(":")[0] for name in ([actions] if isinstance(actions, str) else actions)}
    if "*" in spaces:
        spaces = set(Session().get_available_services())
    return [
        {"ServiceName": space, "ServiceNamespace": space, "TotalAuthenticatedEntities": 0} for space in sorted(spaces)
    ]


def _no_service_credentials(response: IamResponse) -> ActionResult:
    iam().get_user(response._get_param("UserName"))  # NoSuchEntity where there is none
    return ActionResult({"ServiceSpecificCredentials": []})


def _no_organization(_: IamResponse) -> ActionResult:
    raise Refusal("OrganizationNotFoundException", "The account is not a member of an organization.", 400)


def _key(key: Key) -> dict[str, Any]:
    """A key is of many Regions or not; moto has None where CreateKey did not say."""
    described: dict[str, Any] = original(Key, "to_dict")(key)
    described["KeyMetadata"]["MultiRegion"] = bool(described["KeyMetadata"]["MultiRegion"])
    return described
