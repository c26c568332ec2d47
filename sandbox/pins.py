# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What moto must look like for our replacements to fit: another version fails at the start, not in a test's result."""

from __future__ import annotations

import importlib.metadata
import inspect
from typing import Any

import moto.awslambda.models
import moto.backends
import moto.core.responses
import moto.core.utils
import moto.iam.models
import moto.logs.models
import moto.scheduler.models
import moto.secretsmanager.models
from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.awslambda.policy import Policy
from moto.events.models import Rule
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse
from moto.kms.models import Key
from moto.scheduler.responses import EventBridgeSchedulerResponse
from moto.secretsmanager.responses import SecretsManagerResponse
from moto.ses.models import SESBackend
from moto.sts.responses import TokenResponse

from .patching import original

MOTO_VERSION = "5.2.5"

_SECRETS = (
    "batch_get_secret_value",
    "cancel_rotate_secret",
    "create_secret",
    "delete_secret",
    "describe_secret",
    "get_secret_value",
    "list_secret_version_ids",
    "list_secrets",
    "put_resource_policy",
    "put_secret_value",
    "restore_secret",
    "rotate_secret",
    "tag_resource",
    "untag_resource",
    "update_secret",
    "update_secret_version_stage",
)
_SCHEDULES = (
    "create_schedule",
    "create_schedule_group",
    "delete_schedule",
    "delete_schedule_group",
    "get_schedule",
    "update_schedule",
)
PINS: tuple[tuple[Any, str, str], ...] = (
    (moto.backends, "list_of_moto_modules", "() -> collections.abc.Iterable[str]"),
    (moto.core.responses, "method_names_from_class", "(clazz: 'object') -> 'list[str]'"),
    (moto.core.utils, "utcnow", "() -> 'datetime.datetime'"),
    (
        moto.iam.models,
        "mark_account_as_visited",
        "(account_id: 'str', access_key: 'str', service: 'str', region: 'str') -> 'None'",
    ),
    (IAMBackend, "_init_aws_policies", "(self) -> 'list[ManagedPolicy]'"),
    (IamResponse, "list_access_keys", "(self) -> 'ActionResult'"),
    (IamResponse, "get_access_key_last_used", "(self) -> 'ActionResult'"),
    (IamResponse, "generate_credential_report", "(self) -> 'ActionResult'"),
    (IamResponse, "get_credential_report", "(self) -> 'ActionResult'"),
    (Rule, "send_to_targets", "(self, original_event: 'EventMessageType', transform_input: 'bool' = True) -> 'None'"),
    (Key, "to_dict", "(self) -> dict[str, typing.Any]"),
    (TokenResponse, "get_caller_identity", "(self) -> moto.core.responses.ActionResult"),
    (SESBackend, "_is_verified_address", "(self, source: str) -> bool"),
    (
        SESBackend,
        "get_identity_verification_attributes",
        "(self, identities: list[str] | None = None) -> dict[str, dict[str, str]]",
    ),
    (
        moto.awslambda.models,
        "LambdaFunction",
        "(account_id: 'str', spec: 'dict[str, Any]', region: 'str', version: 'str | int' = 1)",
    ),
    (LambdaFunction, "get_configuration", "(self, on_create: 'bool' = False) -> 'dict[str, Any]'"),
    (LambdaFunction, "get_code", "(self) -> 'dict[str, Any]'"),
    (LambdaFunction, "update_configuration", "(self, config_updates: 'dict[str, Any]') -> 'dict[str, Any]'"),
    (LambdaFunction, "update_function_code", "(self, updated_spec: 'dict[str, Any]') -> 'dict[str, Any]'"),
    (LambdaFunction, "_set_function_code", "(self, updated_spec: 'dict[str, Any]') -> 'None'"),
    (
        LambdaFunction,
        "invoke",
        "(self, body: 'str', request_headers: 'Any', response_headers: 'Any') -> 'str | bytes'",
    ),
    (
        LambdaBackend,
        "update_function_code",
        "(self, function_name: 'str', qualifier: 'str', body: 'dict[str, Any]') -> 'dict[str, Any] | None'",
    ),
    (Policy, "add_statement", "(self, raw: 'str', qualifier: 'str | None' = None) -> 'tuple[Any, str]'"),
    (moto.logs.models, "EventMessageFilter", "(pattern: str)"),
    (
        moto.secretsmanager.models,
        "_matches",
        "(secret: 'FakeSecret | ReplicaSecret', filters: 'list[dict[str, Any]]') -> 'bool'",
    ),
    (
        moto.secretsmanager.models,
        "FakeSecret",
        "(account_id: 'str', region_name: 'str', secret_id: 'str', secret_version: 'dict[str, Any]',"
        " version_id: 'str', secret_string: 'str | None' = None, secret_binary: 'str | None' = None,"
        " description: 'str | None' = None, tags: 'list[dict[str, str]] | None' = None,"
        " kms_key_id: 'str | None' = None, version_stages: 'list[str] | None' = None,"
        " last_changed_date: 'int | None' = None, created_date: 'int | None' = None,"
        " replica_regions: 'list[dict[str, str]] | None' = None, force_overwrite: 'bool' = False)",
    ),
    (
        moto.scheduler.models,
        "Schedule",
        "(region: str, account_id: str, group_name: str, name: str, description: str | None,"
        " schedule_expression: str, schedule_expression_timezone: str | None,"
        " flexible_time_window: dict[str, typing.Any], target: dict[str, typing.Any], state: str | None,"
        " kms_key_arn: str | None, start_date: str | None, end_date: str | None, action_after_completion: str | None)",
    ),
    *((SecretsManagerResponse, name, "(self) -> str") for name in _SECRETS),
    *((EventBridgeSchedulerResponse, name, "(self) -> str") for name in _SCHEDULES),
)
"""Owner, name and signature of every function of moto that we replace or build on."""


class PinError(Exception):
    """moto is not the one that this code was written for."""


def check(pins: tuple[tuple[Any, str, str], ...] = PINS) -> None:
    """Compare the installed moto with what we rely on.

    Raises:
        PinError: another version, or a function that is gone or takes something else; the text lists all of them.
    """
    found = importlib.metadata.version("moto")
    problems = [] if found == MOTO_VERSION else [f"it is version {found}"]
    for owner, name, expected in pins:
        try:
            actual = str(inspect.signature(original(owner, name)))
        except KeyError:
            problems.append(f"{owner.__name__}.{name} is gone")
            continue
        if actual != expected:
            problems.append(f"{owner.__name__}.{name} is now {actual}, not {expected}")
    if problems:
        raise PinError(
            f"the embedded AWS is made for moto {MOTO_VERSION}, and this one differs: {'; '.join(problems)}. "
            "Install the versions of requirements/tools.txt, or adapt sandbox/ and its pins."
        )
