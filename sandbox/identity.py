# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""IAM and STS as AWS has them: unique names, refusals, last use, stale lists, the credential report."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

import moto.iam.models
from moto.core.responses import ActionResult
from moto.iam.models import IAMBackend, ManagedPolicy
from moto.iam.responses import IamResponse
from moto.sts.responses import TokenResponse

from . import arns
from .answers import Refusal
from .callers import ROOT_ARN, Caller, find_key, iam, sts
from .calls import Call
from .patching import original, replace
from .world import ACCOUNT, ADMINISTRATOR, World

_REPORT = (
    "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
    "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
    "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
    "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
    "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
)


def install(world: World) -> None:
    """Make moto's IAM and STS keep AWS's promises for this world."""
    deleted: dict[str, tuple[str, Any, float]] = {}
    world.resets.append(deleted.clear)
    world.checks.append(_check)
    world.checks.append(lambda call, _: _remember_deleted(world, deleted, call))
    replace(IAMBackend, "_init_aws_policies", _aws_policies())
    # moto marks every access key as used before it looks at the signature; callers.py does it after.
    replace(moto.iam.models, "mark_account_as_visited", lambda **_: None)
    replace(IamResponse, "list_access_keys", _list_access_keys(world, deleted))
    replace(IamResponse, "get_access_key_last_used", _last_used_answer)
    replace(IamResponse, "generate_credential_report", lambda _: _generate_report())
    replace(IamResponse, "get_credential_report", lambda _: _report_answer(world))
    replace(TokenResponse, "get_caller_identity", _caller_identity)
    replace(TokenResponse, "assume_role", _assume_role(world))


def _aws_policies() -> Any:
    """AWS's managed policies, parsed once for all resets of a world: that takes half a second."""
    load = original(IAMBackend, "_init_aws_policies")
    loaded: list[ManagedPolicy] = []

    def _init_aws_policies(backend: IAMBackend) -> list[ManagedPolicy]:
        if not loaded:
            loaded.extend(load(backend))
        return [copy.copy(policy) for policy in loaded]

    return _init_aws_policies


def _check(call: Call, caller: Caller) -> None:
    """Refuse what AWS refuses and moto lets through."""
    name = str(call.params.get("UserName") or "")
    if call.action == "iam:CreateUser":
        taken = next((known for known in iam().users if known.lower() == name.lower()), None)
        if taken is not None:
            raise Refusal("EntityAlreadyExists", f"User with name {name} already exists.", 409)
    elif call.action == "iam:DeleteUser":
        user = iam().users.get(name)
        if user is not None and user.access_keys:
            raise Refusal("DeleteConflict", "Cannot delete entity, must delete access keys first.", 409)
        if user is not None and iam().get_groups_for_user(name):
            raise Refusal("DeleteConflict", "Cannot delete entity, must remove users from group first.", 409)
    elif call.service == "iam" and call.operation in ("UpdateAccessKey", "DeleteAccessKey"):
        _check_key(call, caller)
    elif call.action == "sts:AssumeRole":
        arn = str(call.params.get("RoleArn"))
        if arns.role_by_arn(arn) is None:
            message = f"User: {caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise Refusal("AccessDenied", message, 403)
    elif call.service == "iam" and caller.administrator and not name and call.operation in _OWN_USER:
        raise Refusal("ValidationError", "Must specify userName when calling with non-User credentials", 400)


_OWN_USER = frozenset({"CreateAccessKey", "GetUser", "ListAccessKeys"})


def _check_key(call: Call, caller: Caller) -> None:
    """The key must be the named user's own."""
    key_id = str(call.params.get("AccessKeyId"))
    name = str(call.params.get("UserName") or caller.user_name)
    user = iam().users.get(name)
    if user is None:
        raise Refusal("NoSuchEntity", f"The user with name {name} cannot be found.", 404)
    if not user.has_access_key(key_id):
        raise Refusal("NoSuchEntity", f"The Access Key with id {key_id} cannot be found.", 404)
    if call.operation == "UpdateAccessKey" and call.params.get("Status") not in ("Active", "Inactive"):
        raise Refusal("ValidationError", "Value at 'status' failed to satisfy constraint: [Active, Inactive]", 400)


def _remember_deleted(world: World, deleted: dict[str, tuple[str, Any, float]], call: Call) -> None:
    if call.action == "iam:DeleteAccessKey":
        user, key = find_key(str(call.params.get("AccessKeyId")))
        if key is not None:
            deleted[key.access_key_id] = (user.name, key, world.clock.now())


def _list_access_keys(world: World, deleted: dict[str, tuple[str, Any, float]]) -> Any:
    def list_access_keys(response: IamResponse) -> ActionResult:
        name = response._get_param("UserName") or _own_name(response)
        stale = world.knobs.key_unlisted_seconds
        now = world.clock.now()
        user = iam().get_user(name)
        moment = world.clock.utcnow().replace(tzinfo=None)
        keys = [key for key in user.access_keys if (moment - key.create_date).total_seconds() >= stale]
        keys += [key for owner, key, at in deleted.values() if owner == name and now - at < stale]
        return ActionResult({"UserName": name, "AccessKeyMetadata": keys, "IsTruncated": False})

    return list_access_keys


def _own_name(response: IamResponse) -> str:
    user, _ = find_key(response.get_access_key())
    return user.name if user is not None else ""


def _last_used_answer(response: IamResponse) -> ActionResult:
    key_id = str(response._get_param("AccessKeyId"))
    user, key = find_key(key_id)
    if key is None:
        raise moto.iam.models.NoSuchEntity(f"The Access Key with id {key_id} cannot be found.")
    used: dict[str, Any] = {"Region": "N/A", "ServiceName": "N/A"}
    if key.last_used is not None:
        used = {
            "LastUsedDate": key.last_used.timestamp,
            "Region": key.last_used.region,
            "ServiceName": key.last_used.service,
        }
    return ActionResult({"UserName": user.name, "AccessKeyLastUsed": used})


def _caller_identity(response: TokenResponse) -> ActionResult:
    key_id = _signing_key(response)
    arn, user_id = ROOT_ARN, ACCOUNT
    if key_id != ADMINISTRATOR[0]:
        session = next((known for known in reversed(sts().assumed_roles) if known.access_key_id == key_id), None)
        holder = session if session is not None else find_key(key_id)[0]
        arn = holder.arn
        user_id = holder.user_id if session is not None else holder.id
    return ActionResult({"UserId": user_id, "Account": ACCOUNT, "Arn": arn})


def _assume_role(world: World) -> Any:
    """Sessions that end as early as the knob role_session_seconds says: AWS's own minimum is a quarter of an hour."""
    assume = original(TokenResponse, "assume_role")

    def assume_role(response: TokenResponse) -> ActionResult:
        answer: ActionResult = assume(response)
        seconds = world.knobs.role_session_seconds
        if seconds:
            sts().assumed_roles[-1].expiration = world.clock.utcnow().replace(tzinfo=None) + timedelta(seconds=seconds)
        return answer

    return assume_role


def _signing_key(response: TokenResponse) -> str:
    """The gate has read this header before, so it is well-formed."""
    return str(response.headers["Authorization"].partition("Credential=")[2].partition("/")[0])


def _generate_report() -> ActionResult:
    """The report is ready at once and never stale: what AWS caches for four hours would only hide the clock."""
    known = iam().credential_report
    iam().generate_report()
    return ActionResult({"State": "COMPLETE" if known else "STARTED"})


def _report_answer(world: World) -> ActionResult:
    if not iam().credential_report:
        raise Refusal("ReportNotPresent", "No report exists: call GenerateCredentialReport first.", 410)
    now = world.clock.utcnow().replace(tzinfo=None)
    rows = [_REPORT, _root_row(), *(_user_row(user) for user in iam().users.values())]
    return ActionResult({"Content": "\n".join(rows), "ReportFormat": "text/csv", "GeneratedTime": now})


def _root_row() -> str:
    nothing = ["false", "N/A", "N/A", "N/A", "N/A"]
    fields = ["<root_account>", ROOT_ARN, "2020-01-01T00:00:00+00:00", "not_supported", "no_information"]
    return ",".join([*fields, "not_supported", "not_supported", "true", *nothing, *nothing, *["false", "N/A"] * 2])


def _user_row(user: Any) -> str:
    password = ["true" if user.password else "false", "no_information" if user.password else "N/A", "N/A", "N/A"]
    fields = [user.name, user.arn, _stamp(user.create_date), *password, "true" if user.mfa_devices else "false"]
    for slot in range(2):
        key = user.access_keys[slot] if slot < len(user.access_keys) else None
        fields += _key_fields(key)
    return ",".join([*fields, *["false", "N/A"] * 2])


def _key_fields(key: Any) -> list[str]:
    if key is None:
        return ["false", "N/A", "N/A", "N/A", "N/A"]
    used = ["N/A", "N/A", "N/A"]
    if key.last_used is not None:
        used = [_stamp(key.last_used.timestamp), key.last_used.region, key.last_used.service]
    return ["true" if key.status == "Active" else "false", _stamp(key.create_date), *used]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
