# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One secret with its versions and staging labels: each label on at most one version, AWSPREVIOUS behind AWSCURRENT."""

from __future__ import annotations

from typing import Any

from moto.secretsmanager.models import FakeSecret

from .clock import Timer
from .schedule_expressions import DAY, equivalent_days

AWSCURRENT = "AWSCURRENT"
AWSPENDING = "AWSPENDING"
AWSPREVIOUS = "AWSPREVIOUS"
KEPT_VERSIONS = 100
"""Above this number, unlabelled versions older than a day are removed, oldest first."""


class Secret(FakeSecret):  # type: ignore[misc]  # mypy reads moto as Any
    """moto's secret; a version is a dict with version_id, version_stages, createdate, accessed and perhaps a value."""

    def __init__(self, **values: Any) -> None:
        self.rotation_rules: dict[str, Any] = {}
        """As RotateSecret got them."""
        self.rotation_basis = 0.0
        """When the present period began: the last rotation, a value put by hand, or rotation turned on."""
        self.attempt: Any = None
        """The rotation under way or waiting for its next try."""
        self.timer: Timer | None = None
        """Its next scheduled rotation."""
        self.last_accessed_date: float | None = None
        super().__init__(**values)

    @property
    def default_version_id(self) -> str | None:
        """The version that GetSecretValue gives when the call names none."""
        return self.holder(AWSCURRENT)

    def set_default_version_id(self, version_id: str | None) -> None:
        """Nothing to remember: the label decides."""

    def reset_default_version(self, secret_version: dict[str, Any], version_id: str) -> None:
        """moto's own way to store a new current version."""
        self.versions[version_id] = {**secret_version, "version_stages": []}
        self.attach(AWSCURRENT, version_id)

    def holder(self, label: str) -> str | None:
        """The version that carries a label."""
        for version_id, version in self.versions.items():
            if label in version["version_stages"]:
                return str(version_id)
        return None

    def has_value(self, version_id: str | None) -> bool:
        """Whether a version exists and is not empty."""
        version = self.versions.get(version_id, {})
        return "secret_string" in version or "secret_binary" in version

    def add_version(self, version_id: str, now: float, value: dict[str, str] | None = None) -> None:
        """Make a version without labels; value holds secret_string or secret_binary, or nothing."""
        self.versions[version_id] = {
            "version_id": version_id,
            "version_stages": [],
            "createdate": now,
            "accessed": None,
            **(value or {}),
        }

    def attach(self, label: str, version_id: str) -> None:
        """Put a label on a version, off any other. AWSPREVIOUS follows AWSCURRENT."""
        before = self.holder(label)
        if before == version_id:
            return
        self.detach(label)
        self.versions[version_id]["version_stages"].append(label)
        if label == AWSCURRENT:
            self.detach(AWSPREVIOUS)
            if before is not None:
                self.versions[before]["version_stages"].append(AWSPREVIOUS)

    def detach(self, label: str) -> None:
        """Take a label off whatever version carries it."""
        holder = self.holder(label)
        if holder is not None:
            self.versions[holder]["version_stages"].remove(label)

    def prune(self, now: float) -> None:
        """Remove the oldest unlabelled versions above KEPT_VERSIONS."""
        spare = [
            version_id
            for version_id, version in self.versions.items()
            if not version["version_stages"] and version["createdate"] < now - DAY
        ]
        for version_id in spare[: max(0, len(self.versions) - KEPT_VERSIONS)]:
            del self.versions[version_id]

    def labels(self) -> dict[str, list[str]]:
        """Labelled versions only."""
        return {
            version_id: list(version["version_stages"])
            for version_id, version in self.versions.items()
            if version["version_stages"]
        }

    def to_dict(self) -> dict[str, Any]:
        """What DescribeSecret and ListSecrets show, less the fields that have no value."""
        shown: dict[str, Any] = {
            "ARN": self.arn,
            "Name": self.name,
            "Description": self.description or None,
            "KmsKeyId": self.kms_key_id,
            "LastChangedDate": self.last_changed_date,
            "LastAccessedDate": None if self.last_accessed_date is None else self.last_accessed_date // DAY * DAY,
            "DeletedDate": self.deleted_date,
            "CreatedDate": self.created_date,
            "OwningService": self.owning_service,
            "Tags": list(self.tags or []),
            "VersionIdsToStages": self.labels() or None,
            "SecretVersionsToStages": self.labels() or None,
            "PrimaryRegion": self.region if self.replicas else None,
            "ReplicationStatus": [replica.config for replica in self.replicas] or None,
            **self._rotation(),
        }
        return {name: value for name, value in shown.items() if value is not None}

    def _rotation(self) -> dict[str, Any]:
        """LastRotatedDate and NextRotationDate are null while rotation is off; function and rules stay."""
        if not self.rotation_requested:
            return {}
        rules = dict(self.rotation_rules)
        if rules:
            rules["AutomaticallyAfterDays"] = equivalent_days(rules, self.rotation_basis)
        return {
            "RotationEnabled": self.rotation_enabled,
            "RotationLambdaARN": self.rotation_lambda_arn or None,
            "RotationRules": rules or None,
            "LastRotatedDate": self.last_rotation_date if self.rotation_enabled else None,
            "NextRotationDate": self.next_rotation_date if self.rotation_enabled else None,
        }
