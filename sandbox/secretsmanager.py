# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Secrets Manager's changing operations, in place of moto's: values, versions, labels, tags, deletion.

Source: Secrets Manager API Reference; the calls on rotation are in rotation.py.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import moto.secretsmanager.models as models
from moto.secretsmanager.models import ReplicaSecret, SecretsManagerBackend
from moto.secretsmanager.responses import SecretsManagerResponse

from . import secret_checks as checks
from .errors import refusal
from .patching import replace
from .rotation import Rotations
from .schedule_expressions import DAY
from .secret_reading import MARKED, Answer, Params, Readings, find
from .secret_versions import AWSCURRENT, Secret
from .world import World


class Secrets(Readings):
    """All operations.

    Args:
        world: for its clock.
        rotations: told of values that are put and of secrets that go.
    """

    def __init__(self, world: World, rotations: Rotations) -> None:
        super().__init__(world)
        self._rotations = rotations

    def create_secret(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """CreateSecret."""
        name = params["Name"]
        checks.check_name(name)
        checks.check_tags(params.get("Tags") or [])
        value = checks.read_value(params)
        token = params.get("ClientRequestToken") or str(uuid.uuid4())
        checks.check_token(token)
        there = backend.secrets.get(name)
        if there is not None:
            return self._create_again(there, name, token, value)
        now = self._clock.now()
        secret = Secret(
            account_id=backend.account_id,
            region_name=backend.region_name,
            secret_id=name,
            secret_version={},
            version_id=token,
            description=params.get("Description", ""),
            tags=[dict(tag) for tag in params.get("Tags") or []],
            kms_key_id=params.get("KmsKeyId"),
            last_changed_date=now,
            created_date=now,
        )
        if value:
            secret.add_version(token, now, value)
            secret.attach(AWSCURRENT, token)
        backend.secrets[name] = secret
        regions = params.get("AddReplicaRegions") or []
        secret.replicas = secret.create_replicas(regions, bool(params.get("ForceOverwriteReplicaSecret")))
        answer = {"ARN": secret.arn, "Name": name, **({"VersionId": token} if value else {})}
        if secret.replicas:
            answer["ReplicationStatus"] = [replica.config for replica in secret.replicas]
        return answer

    def put_secret_value(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """PutSecretValue: the same token and value is idempotent, another value is refused, an empty version filled."""
        secret = writable(backend, params)
        value = checks.read_value(params, required=True)
        token = params.get("ClientRequestToken") or str(uuid.uuid4())
        checks.check_token(token)
        stages = list(params.get("VersionStages") or [AWSCURRENT])
        if self._put(secret, token, value, stages):
            secret.last_changed_date = self._clock.now()
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": token,
            "VersionStages": list(secret.versions[token]["version_stages"]),
        }

    def update_secret(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """UpdateSecret: description, key and, if given, a new current value."""
        secret = writable(backend, params)
        value = checks.read_value(params)
        token = params.get("ClientRequestToken") or str(uuid.uuid4())
        checks.check_token(token)
        if value:
            self._put(secret, token, value, [AWSCURRENT])
        if "Description" in params:
            secret.description = params["Description"]
        if "KmsKeyId" in params:
            secret.kms_key_id = params["KmsKeyId"]
        secret.last_changed_date = self._clock.now()
        return {"ARN": secret.arn, "Name": secret.name, **({"VersionId": token} if value else {})}

    def update_secret_version_stage(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """UpdateSecretVersionStage: a compare-and-swap, because the caller must name the present holder."""
        secret = writable(backend, params)
        label = params["VersionStage"]
        source, target = params.get("RemoveFromVersionId"), params.get("MoveToVersionId")
        holder = secret.holder(label)
        if not source and not target:
            raise refusal("InvalidParameterException", "Give MoveToVersionId, RemoveFromVersionId or both.")
        for version_id in (source, target):
            if version_id and version_id not in secret.versions:
                raise refusal(
                    "ResourceNotFoundException",
                    f"Secrets Manager can't find the specified secret version: {version_id}.",
                    404,
                )
        if holder is not None and not source:
            raise refusal(
                "InvalidParameterException",
                f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to"
                f" version {holder}, so you must explicitly reference that version in RemoveFromVersionId.",
            )
        if source and source != holder:
            raise refusal(
                "InvalidParameterException",
                f"The staging label {label} isn't attached to version {source}, so it can't be removed from there.",
            )
        if not target and label == AWSCURRENT:
            raise refusal(
                "InvalidParameterException",
                "You can only move staging label AWSCURRENT to a different secret version."
                " It can't be completely removed.",
            )
        if target:
            secret.attach(label, target)
        else:
            secret.detach(label)
        secret.last_changed_date = self._clock.now()
        return {"ARN": secret.arn, "Name": secret.name}

    def delete_secret(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """DeleteSecret: at once, or when the recovery window is over."""
        days, force = params.get("RecoveryWindowInDays"), bool(params.get("ForceDeleteWithoutRecovery"))
        if days is not None and not 7 <= days <= 30:
            raise refusal(
                "InvalidParameterException", "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
            )
        if days is not None and force:
            raise refusal(
                "InvalidParameterException",
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            )
        now = self._clock.now()
        if force and backend.secrets.get(params["SecretId"]) is None:
            return {"ARN": params["SecretId"], "Name": params["SecretId"], "DeletionDate": now}
        secret = writable(backend, params, deleted=force)
        if secret.replicas:
            regions = ", ".join(replica.region for replica in secret.replicas)
            raise refusal(
                "InvalidRequestException", f"You can't delete a secret that still has replica regions [{regions}]."
            )
        self._rotations.stop(secret)
        when = now if force else now + (days or 30) * DAY
        secret.deleted_date = when
        if force:
            backend.secrets.pop(secret.name)
        else:
            self._clock.call_at(when, lambda: _expire(backend, secret, when))
        return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": when}

    def restore_secret(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """RestoreSecret; a schedule that it had goes on."""
        secret = writable(backend, params, deleted=True)
        secret.restore()
        self._rotations.arm(secret)
        return {"ARN": secret.arn, "Name": secret.name}

    def tag_resource(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """TagResource."""
        secret = writable(backend, params)
        wanted = {tag["Key"]: dict(tag) for tag in params.get("Tags") or []}
        held = {tag["Key"]: tag for tag in secret.tags or []}
        checks.check_tags(params.get("Tags") or [], len(set(held) - set(wanted)))
        secret.tags = list({**held, **wanted}.values())
        return {}

    def untag_resource(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """UntagResource; a key that is not there is no error."""
        secret = writable(backend, params)
        secret.tags = [tag for tag in secret.tags or [] if tag["Key"] not in params.get("TagKeys", [])]
        return {}

    def put_resource_policy(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """PutResourcePolicy."""
        secret = writable(backend, params)
        checks.check_resource_policy(params["ResourcePolicy"], bool(params.get("BlockPublicPolicy")))
        secret.policy = params["ResourcePolicy"]
        return {"ARN": secret.arn, "Name": secret.name}

    def rotate_secret(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """RotateSecret."""
        return self._rotations.rotate(writable(backend, params), params)

    def cancel_rotate_secret(self, backend: SecretsManagerBackend, params: Params) -> Answer:
        """CancelRotateSecret."""
        return self._rotations.cancel(writable(backend, params))

    def _create_again(self, there: Any, name: str, token: str, value: dict[str, str]) -> Answer:
        if there.is_deleted():
            raise refusal(
                "InvalidRequestException",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            )
        version = there.versions.get(token)
        if version is None or _value_of(version) != value:
            raise refusal("ResourceExistsException", f"The operation failed because the secret {name} already exists.")
        return {"ARN": there.arn, "Name": name, "VersionId": token}

    def _put(self, secret: Secret, token: str, value: dict[str, str], stages: list[str]) -> bool:
        """Store a value under a token and move the labels; False when exactly this was stored before."""
        if secret.has_value(token):
            if _value_of(secret.versions[token]) != value:
                raise refusal(
                    "ResourceExistsException",
                    f"You can't use ClientRequestToken {token} because that value is already in use for a version of"
                    f" secret {secret.arn}.",
                )
            return False
        if not any(secret.has_value(version_id) for version_id in secret.versions) and AWSCURRENT not in stages:
            stages.append(AWSCURRENT)
        if token in secret.versions:
            secret.versions[token].update(value)
        else:
            secret.add_version(token, self._clock.now(), value)
        for stage in stages:
            secret.attach(stage, token)
        secret.prune(self._clock.now())
        self._rotations.value_put(secret, token)
        return True


def writable(backend: SecretsManagerBackend, params: Params, deleted: bool = False) -> Secret:
    """The secret that a changing call names; deleted: one in its recovery window will do."""
    secret = find(backend, params)
    if isinstance(secret, ReplicaSecret):
        raise refusal(
            "InvalidParameterException",
            "Operation not permitted on a replica secret. Call must be made in primary secret's region.",
        )
    if secret.is_deleted() and not deleted:
        raise refusal("InvalidRequestException", MARKED)
    found: Secret = secret
    return found


def install(world: World) -> None:
    """Put these operations in the place of moto's."""
    secrets = Secrets(world, Rotations(world))
    replace(models, "FakeSecret", type("FakeSecret", (Secret,), {}))
    for name in (name for name in dir(Secrets) if not name.startswith("_")):
        replace(SecretsManagerResponse, name, _handler(getattr(secrets, name)))


def _handler(operation: Callable[[SecretsManagerBackend, Params], Answer]) -> Callable[[Any], str]:
    def handle(response: Any) -> str:
        return json.dumps(operation(response.backend, json.loads(response.body or "{}")))

    return handle


def _value_of(version: dict[str, Any]) -> dict[str, str]:
    return {kept: version[kept] for kept in ("secret_string", "secret_binary") if kept in version}


def _expire(backend: SecretsManagerBackend, secret: Secret, when: float) -> None:
    """The end of a recovery window, unless the secret was restored, or deleted anew, meanwhile."""
    if secret.deleted_date == when and backend.secrets.get(secret.arn) is secret:
        backend.secrets.pop(secret.name)
