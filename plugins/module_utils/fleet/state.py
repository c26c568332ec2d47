# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What AWS holds for one service account, as types. Pure; never a secret value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ..rotation import names

ACTIVE = "Active"


@dataclass(frozen=True)
class Target:
    """What the inventory asks for one service account: one item of a module's option service_accounts.

    Attributes:
        name: the inventory host.
        hold_back: why a due rotation is only reported; None: it rotates.
        exempt_until: last day of an exemption, YYYY-MM-DD; Prowler knows nothing of it.
        restrict_secret_access: whether nobody but the named principals may reach the secret; None: not ours to say.
        secret_readers, secret_administrators: ARNs of those principals.
    """

    name: str
    secret_name: str
    rotation_strategy: str
    max_key_age_days: int
    grace_period_hours: int
    iam_user: str | None = None
    rotation_days: int | None = None
    schedule_expression: str | None = None
    rotation_window: str | None = None
    notify_email: str | None = None
    disposable_keys: tuple[str, ...] = ()
    rotate_on_enrol: str = "due"
    hold_back: str | None = None
    exempt_until: str | None = None
    exempt_reason: str | None = None
    restrict_secret_access: bool | None = None
    secret_readers: tuple[str, ...] = ()
    secret_administrators: tuple[str, ...] = ()


@dataclass(frozen=True)
class Key:
    """One access key of the user, without its secret."""

    access_key_id: str
    status: str
    created: datetime
    last_used: datetime | None = None

    @property
    def active(self) -> bool:
        """Whether it can be used."""
        return self.status == ACTIVE


@dataclass(frozen=True)
class User:
    """The IAM user with its keys."""

    name: str
    arn: str
    tags: Mapping[str, str]
    keys: tuple[Key, ...]


@dataclass(frozen=True)
class DocumentFacts:
    """What was learned from AWSCURRENT's value, without the value.

    Attributes:
        problem: why it is no document of a service account; None when it is one.
        names_access_key: whether it is a JSON object with an access key in it.
    """

    user_name: str | None = None
    access_key_id: str | None = None
    problem: str | None = None
    names_access_key: bool = False


@dataclass(frozen=True)
class Secret:
    """DescribeSecret's answer.

    Attributes:
        labels: staging label -> version id.
        rules: RotationRules as the API gives them.
        is_replica: whether the primary is in another Region.
    """

    arn: str
    name: str
    tags: Mapping[str, str]
    rotation_enabled: bool = False
    function_arn: str | None = None
    rules: Mapping[str, object] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    last_rotated: datetime | None = None
    next_rotation: datetime | None = None
    last_accessed: datetime | None = None
    deleted: datetime | None = None
    is_replica: bool = False
    primary_region: str | None = None
    owned_by: str | None = None


@dataclass(frozen=True)
class State:
    """All that was read for one target. now is AWS's own time, not this machine's."""

    target: Target
    now: datetime
    secret: Secret | None
    user: User | None = None
    document: DocumentFacts | None = None
    unread: tuple[str, ...] = ()
    """What could not be read, with AWS's error code: shown, never taken for a yes."""
    labelled_keys: Mapping[str, str | None] | None = None
    """Staging label other than AWSCURRENT -> the key id that its version names; None: not read."""
    pending_created: datetime | None = None
    """When AWSPENDING's version was made, where it has a value."""
    retirement_read: bool = False
    """Whether the schedule of AWSPREVIOUS' key was asked for, which is done where that key is Active."""
    retirement_start: datetime | None = None
    """When that schedule starts; None: there is none."""
    function_arn: str | None = None
    """The function that should rotate it; None: not known."""
    resource_policy_read: bool = False
    """Whether the secret's resource policy was asked for, which is done where the inventory restricts access."""
    resource_policy: str | None = None
    """That policy; None: there is none."""
    execution_role: str | None = None
    """The role of the function that should rotate it; None: not known."""
    quiet_hours: int = names.QUIET_HOURS
    """How long ago a previous key's last use must be for its retirement to switch it off."""

    @property
    def exempt(self) -> bool:
        """Whether an exemption holds today."""
        return self.target.exempt_until is not None and self.now.date().isoformat() <= self.target.exempt_until

    @property
    def current_key(self) -> Key | None:
        """The key that AWSCURRENT names; None without its value: a guess could name the wrong one."""
        if self.document is None or self.user is None:
            return None
        return next((key for key in self.user.keys if key.access_key_id == self.document.access_key_id), None)
