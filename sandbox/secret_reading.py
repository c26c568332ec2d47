# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Secrets Manager's reading operations, in place of moto's."""

from __future__ import annotations

from typing import Any

import moto.secretsmanager.models as models
from moto.core.exceptions import JsonRESTError
from moto.secretsmanager.models import ReplicaSecret, SecretsManagerBackend
from moto.secretsmanager.responses import _validate_filters

from . import secret_checks as checks
from .errors import refusal
from .schedule_expressions import DAY
from .secret_versions import AWSCURRENT, Secret
from .world import World

Params = dict[str, Any]
Answer = dict[str, Any]
MARKED = "You can't perform this operation on the secret because it was marked for deletion."


class Readings:
    """Every operation takes moto's backend of the Region and the parameters of the call; world.lock is held."""

    def __init__(self, world: World) -> None:
        self._clock = world.clock

    def get_secret_value(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """GetSecretValue by version, label, or AWSCURRENT."""
        secret = readable(backend, params)
        if secret.is_deleted():
            raise refusal("InvalidRequestException", MARKED)
        version_id, stage = params.get("VersionId"), params.get("VersionStage")
        wanted = version_id or secret.holder(stage or AWSCURRENT)
        if version_id and stage and version_id in secret.versions and secret.holder(stage) != version_id:
            raise refusal(
                "InvalidRequestException",
                "You provided a VersionStage that is not associated to the provided VersionId.",
            )
        if not secret.has_value(wanted):
            what = f"VersionId: {version_id}" if version_id else f"staging label: {stage or AWSCURRENT}"
            raise refusal(
                "ResourceNotFoundException", f"Secrets Manager can't find the specified secret value for {what}", 404
            )
        version = secret.versions[wanted]
        secret.last_accessed_date = version["accessed"] = self._clock.now()
        answer = {
            "ARN": backend.secrets.get(params["SecretId"]).arn,
            "Name": secret.name,
            "VersionId": wanted,
            "VersionStages": list(version["version_stages"]),
            "CreatedDate": version["createdate"],
        }
        for field, kept in (("SecretString", "secret_string"), ("SecretBinary", "secret_binary")):
            if kept in version:
                answer[field] = version[kept]
        return answer

    def batch_get_secret_value(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """BatchGetSecretValue: what fails is listed, the rest is given."""
        names, filters = params.get("SecretIdList") or [], params.get("Filters") or []
        if bool(names) == bool(filters):
            raise refusal(
                "InvalidParameterException", "Either 'SecretIdList' or 'Filters' must be provided, but not both."
            )
        if len(names) > 20:
            raise refusal("InvalidParameterException", "SecretIdList has at most 20 entries.")
        if params.get("MaxResults") and not filters:
            raise refusal("InvalidParameterException", "'Filters' must be specified when 'MaxResults' is provided.")
        _validate_filters(filters)
        if filters:
            chosen = [secret.arn for secret in _values(backend) if models._matches(secret, filters)]
            names, more = checks.page(chosen, params, 20)
        else:
            more = {}
        found, errors = [], []
        for name in names:
            try:
                found.append(self.get_secret_value(backend, {"SecretId": name}))
            except JsonRESTError as error:
                errors.append({"SecretId": name, "ErrorCode": error.error_type, "Message": error.message})
        return {"SecretValues": found, "Errors": errors, **more}

    def describe_secret(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """DescribeSecret."""
        shown: Answer = find(backend, params).to_dict()
        shown.pop("SecretVersionsToStages", None)
        return shown

    def list_secrets(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """ListSecrets, oldest first unless SortOrder says desc."""
        filters = params.get("Filters") or []
        _validate_filters(filters)
        secrets = [
            secret.to_dict()
            for secret in _values(backend)
            if (params.get("IncludePlannedDeletion") or not secret.is_deleted()) and models._matches(secret, filters)
        ]
        if params.get("SortOrder") == "desc":
            secrets.reverse()
        for shown in secrets:
            shown.pop("VersionIdsToStages", None)
            shown.pop("ReplicationStatus", None)
        found, more = checks.page(secrets, params, 100)
        return {"SecretList": found, **more}

    def list_secret_version_ids(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """ListSecretVersionIds: unlabelled versions only with IncludeDeprecated."""
        secret = readable(backend, params)
        versions = []
        for version_id, version in secret.versions.items():
            if version["version_stages"] or params.get("IncludeDeprecated"):
                shown = {
                    "VersionId": version_id,
                    "VersionStages": list(version["version_stages"]) or None,
                    "CreatedDate": version["createdate"],
                    "LastAccessedDate": version["accessed"] and version["accessed"] // DAY * DAY,
                    "KmsKeyIds": [secret.kms_key_id or "DefaultEncryptionKey"],
                }
                versions.append({name: value for name, value in shown.items() if value is not None})
        found, more = checks.page(versions, params, 100)
        return {"ARN": secret.arn, "Name": secret.name, "Versions": found, **more}


def find(backend: SecretsManagerBackend, params: Params) -> Any:
    """Whatever the call names, a replica or one marked for deletion included."""
    secret = backend.secrets.get(params["SecretId"])
    if secret is None:
        raise refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.", 404)
    return secret


def readable(backend: SecretsManagerBackend, params: Params) -> Secret:
    """The secret that a reading call names; for a replica its primary."""
    secret = find(backend, params)
    found: Secret = secret.source if isinstance(secret, ReplicaSecret) else secret
    return found


def _values(backend: SecretsManagerBackend) -> list[Any]:
    return list(backend.secrets.values())
