# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Secrets Manager: versions and their labels, with AWS's own rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .core import Core, ServiceError
from .iam import ACCOUNT

AWSCURRENT, AWSPENDING, AWSPREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


@dataclass
class VersionState:
    """One version; without text and binary it is the empty one that a rotation starts with."""

    version_id: str
    created: float
    text: str | None = field(default=None, repr=False)
    binary: bytes | None = field(default=None, repr=False)

    @property
    def empty(self) -> bool:
        return self.text is None and self.binary is None


@dataclass
class SecretState:
    """One secret.

    Attributes:
        labels: each label is on one version at most.
        promoted: when AWSCURRENT was last moved by a call of ours (seconds since the epoch); 0: never.
    """

    arn: str
    name: str
    tags: dict[str, str] = field(default_factory=dict)
    rotation_enabled: bool = True
    versions: dict[str, VersionState] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    promoted: float = 0.0

    def of(self, version_id: str) -> list[str]:
        """The labels of a version."""
        return [label for label, holder in self.labels.items() if holder == version_id]

    def text(self, label: str = AWSCURRENT) -> str | None:
        """The text of the version that has the label."""
        return self.versions[self.labels[label]].text if label in self.labels else None

    def move(self, label: str, version_id: str) -> None:
        """Put a label on a version; AWSPREVIOUS follows AWSCURRENT."""
        before = self.labels.get(label)
        if label == AWSCURRENT and before not in (None, version_id):
            self.labels[AWSPREVIOUS] = str(before)
        self.labels[label] = version_id


@dataclass
class SecretsManager:
    """Secrets Manager of one account and Region.

    Attributes:
        puts_denied: the function may not call PutSecretValue.
    """

    core: Core
    secrets: dict[str, SecretState] = field(default_factory=dict)
    made: int = 0
    puts_denied: bool = False

    def add(self, name: str, text: str | None = None, binary: bytes | None = None) -> SecretState:
        """Make a secret, with a value if one is given."""
        arn = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:{name}-AbCdEf"
        self.secrets[arn] = secret = SecretState(arn, name)
        if text is not None or binary is not None:
            self.put_by_hand(secret, text, binary)
        return secret

    def token(self) -> str:
        """A new version id."""
        self.made += 1
        return f"{self.made:08d}-0000-4000-8000-000000000000"

    def put_by_hand(self, secret: SecretState, text: str | None, binary: bytes | None = None) -> str:
        """A person's PutSecretValue: a new version, at once AWSCURRENT."""
        version = VersionState(self.token(), self.core.seconds, text, binary)
        secret.versions[version.version_id] = version
        secret.move(AWSCURRENT, version.version_id)
        return version.version_id

    def start_rotation(self, secret: SecretState, token: str | None = None) -> str:
        """What RotateSecret does before createSecret: an empty version with AWSPENDING, unless one dangles."""
        pending = secret.labels.get(AWSPENDING)
        if pending not in (None, secret.labels.get(AWSCURRENT)):
            raise ServiceError("InvalidRequestException", 400, "A previous rotation isn't complete.")
        version = VersionState(token or self.token(), self.core.seconds)
        secret.versions[version.version_id] = version
        secret.labels[AWSPENDING] = version.version_id
        return version.version_id

    def end_rotation(self, secret: SecretState, token: str) -> bool:
        """What the service does after finishSecret: success is AWSCURRENT on the token; then AWSPENDING is cleared."""
        if secret.labels.get(AWSCURRENT) != token:
            return False
        if secret.labels.get(AWSPENDING) == token:
            del secret.labels[AWSPENDING]
        return True

    def methods(self) -> dict[str, Callable[..., Any]]:
        """What the client offers."""
        return {
            "describe_secret": self._describe_secret,
            "get_secret_value": self._get_secret_value,
            "put_secret_value": self._put_secret_value,
            "update_secret_version_stage": self._update_secret_version_stage,
            "list_secret_version_ids": self._list_secret_version_ids,
        }

    def _secret(self, secret_id: str) -> SecretState:
        if secret_id not in self.secrets:
            raise ServiceError("ResourceNotFoundException", 400, secret_id)
        return self.secrets[secret_id]

    def _describe_secret(self, SecretId: str) -> dict[str, Any]:
        secret = self._secret(SecretId)
        stages = {version: secret.of(version) for version in secret.versions}
        return {
            "ARN": secret.arn,
            "Name": secret.name,
            "RotationEnabled": secret.rotation_enabled,
            "Tags": [{"Key": name, "Value": value} for name, value in secret.tags.items()],
            "VersionIdsToStages": {version: labels for version, labels in stages.items() if labels},
        }

    def _get_secret_value(self, SecretId: str, VersionId: str, VersionStage: str | None = None) -> dict[str, Any]:
        secret = self._secret(SecretId)
        version = secret.versions.get(VersionId)
        if version is not None and VersionStage is not None and secret.labels.get(VersionStage) != VersionId:
            raise ServiceError("InvalidRequestException", 400, "VersionStage is not on the VersionId")
        if version is None or version.empty:
            raise ServiceError("ResourceNotFoundException", 400, VersionId)
        value = {"SecretString": version.text} if version.text is not None else {"SecretBinary": version.binary}
        return {"ARN": secret.arn, "VersionId": VersionId, "CreatedDate": self.core.at(version.created), **value}

    def _put_secret_value(
        self,
        SecretId: str,
        ClientRequestToken: str,
        VersionStages: list[str],
        SecretString: str | None = None,
        SecretBinary: bytes | None = None,
        RotationToken: str | None = None,
    ) -> dict[str, Any]:
        if self.puts_denied:
            raise ServiceError("AccessDeniedException", 400, SecretString)
        secret = self._secret(SecretId)
        version = secret.versions.setdefault(ClientRequestToken, VersionState(ClientRequestToken, self.core.seconds))
        if not version.empty:
            if (version.text, version.binary) != (SecretString, SecretBinary):
                raise ServiceError("ResourceExistsException", 400, SecretString)
            return {"VersionId": ClientRequestToken}
        version.text, version.binary = SecretString, SecretBinary
        for label in VersionStages:
            secret.move(label, ClientRequestToken)
        return {"VersionId": ClientRequestToken}

    def _update_secret_version_stage(
        self,
        SecretId: str,
        VersionStage: str,
        MoveToVersionId: str | None = None,
        RemoveFromVersionId: str | None = None,
    ) -> dict[str, Any]:
        secret = self._secret(SecretId)
        if secret.labels.get(VersionStage) != RemoveFromVersionId:
            raise ServiceError("InvalidParameterException", 400, f"{VersionStage} is not on that version")
        if MoveToVersionId is None:
            if VersionStage == AWSCURRENT:
                raise ServiceError("InvalidParameterException", 400, "AWSCURRENT can only be moved")
            del secret.labels[VersionStage]
        elif MoveToVersionId not in secret.versions:
            raise ServiceError("ResourceNotFoundException", 400, MoveToVersionId)
        else:
            secret.move(VersionStage, MoveToVersionId)
            if VersionStage == AWSCURRENT:
                secret.promoted = self.core.seconds
        return {}

    def _list_secret_version_ids(
        self, SecretId: str, IncludeDeprecated: bool = False, NextToken: str = "0"
    ) -> dict[str, Any]:
        secret = self._secret(SecretId)
        found = [version for version in secret.versions.values() if IncludeDeprecated or secret.of(version.version_id)]
        first = int(NextToken)
        page = [
            {
                "VersionId": version.version_id,
                "VersionStages": secret.of(version.version_id),
                "CreatedDate": self.core.at(version.created),
            }
            for version in found[first : first + 2]
        ]
        return {"Versions": page, **({"NextToken": str(first + 2)} if first + 2 < len(found) else {})}
