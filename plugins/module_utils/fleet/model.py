# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What an inventory says about a fleet, as types. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from ..rotation.names import IAM_ACCESS_KEY
from .schedule import RotationRules


@dataclass(frozen=True)
class Mistake:
    """One thing in the inventory that must be mended before anything is written."""

    host: str
    variable: str
    found: str
    mend: str

    def __str__(self) -> str:
        return f"{self.host}: {self.variable}: {self.found}; {self.mend}"


@dataclass(frozen=True)
class ServiceAccount:
    """One secret that rotates and, with strategy iam_access_key, its one IAM user.

    Attributes:
        name: the inventory host.
        grace_period_hours: how long the previous key stays Active.
        exempt_until: the last day on which nothing is done for it; None: not exempt.
        rotate_on_enrol: due, all or none; None when the inventory does not say.
        selected: whether this run is about it (--limit).
        restrict_secret_access: whether only the named principals may reach the secret; None: not said.
        secret_readers, secret_administrators: ARNs of roles and users.
    """

    name: str
    secret_name: str
    iam_user: str | None
    strategy: str
    rules: RotationRules
    max_key_age_days: int
    grace_period_hours: int
    notify_email: str | None = None
    disposable_keys: tuple[str, ...] = ()
    exempt_until: date | None = None
    exempt_reason: str | None = None
    rotate_on_enrol: str | None = None
    selected: bool = True
    restrict_secret_access: bool | None = None
    secret_readers: tuple[str, ...] = ()
    secret_administrators: tuple[str, ...] = ()

    def hold_back(self, notify_from: str | None) -> str | None:
        """Why a key that is due is only reported on enrolment, with the way out; None: it rotates."""
        if self.rotate_on_enrol == "none":
            return "rotate_on_enrol is none; run the rotate playbook when its consumers are ready"
        if self.strategy != IAM_ACCESS_KEY or self.rotate_on_enrol or (notify_from and self.notify_email):
            return None
        missing = " and ".join(
            name for name, value in (("notify_from", notify_from), ("notify_email", self.notify_email)) if not value
        )
        return f"nobody would get a mail about the new key; set {missing}, or rotate_on_enrol, in the inventory"

    def to_options(self, notify_from: str | None) -> dict[str, object]:
        """As the modules' option service_accounts takes it."""
        options = {
            "name": self.name,
            "secret_name": self.secret_name,
            "iam_user": self.iam_user,
            "rotation_strategy": self.strategy,
            "rotation_days": self.rules.automatically_after_days,
            "schedule_expression": self.rules.schedule_expression,
            "rotation_window": self.rules.duration,
            "max_key_age_days": self.max_key_age_days,
            "grace_period_hours": self.grace_period_hours,
            "notify_email": self.notify_email,
            "disposable_keys": list(self.disposable_keys),
            "rotate_on_enrol": self.rotate_on_enrol or "due",
            "hold_back": self.hold_back(notify_from),
            "exempt_until": self.exempt_until.isoformat() if self.exempt_until else None,
            "exempt_reason": self.exempt_reason,
            "restrict_secret_access": self.restrict_secret_access,
            "secret_readers": list(self.secret_readers),
            "secret_administrators": list(self.secret_administrators),
        }
        return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True)
class AccountSettings:
    """The account variables: all hosts of an account agree on them."""

    aws_account_id: str | None = None
    aws_profile: str | None = None
    aws_role_arn: str | None = None
    notify_from: str | None = None
    kms_key_arn: str | None = None
    quiet_hours: int | None = None
    vpc_subnet_ids: tuple[str, ...] | None = None
    vpc_security_group_ids: tuple[str, ...] | None = None
    alarm_topic_arn: str | None = None
    alarm_email: str | None = None

    @property
    def reaches(self) -> str:
        """Which AWS account they lead to, as far as an inventory can tell: the same words, the same account."""
        return f"account {self.number}" if self.number else self.source

    @property
    def number(self) -> str | None:
        """Its twelve digits, where the inventory has them."""
        return self.aws_account_id or (self.aws_role_arn.split(":")[4] if self.aws_role_arn else None)

    @property
    def source(self) -> str:
        """It by the credentials that lead there."""
        profile = f"profile {self.aws_profile}" if self.aws_profile else "the environment's credentials"
        return f"the account of {self.aws_role_arn or profile}"


@dataclass(frozen=True)
class Account:
    """The service accounts that share aws_account and aws_region.

    Attributes:
        name: the label aws_account.
        service_accounts: all of the account, whatever --limit says.
        known_users: IAM users of all hosts with this label, in whatever Region: users are global.
    """

    name: str
    region: str
    settings: AccountSettings
    service_accounts: tuple[ServiceAccount, ...]
    known_users: tuple[str, ...] = ()

    @property
    def selected(self) -> tuple[ServiceAccount, ...]:
        """The service accounts that this run is about."""
        return tuple(item for item in self.service_accounts if item.selected)

    @property
    def recipients(self) -> tuple[str, ...]:
        """Every address that a mail of this account may go to; never narrowed by --limit."""
        return tuple(sorted({item.notify_email for item in self.service_accounts if item.notify_email}))

    def to_ansible(self, today: date) -> dict[str, object]:
        """As the playbooks hand it to the role."""
        working, exempt = [], []
        for item in self.selected:
            if item.exempt_until is not None and today <= item.exempt_until:
                exempt.append(
                    {
                        "name": item.name,
                        "until": item.exempt_until.isoformat(),
                        "reason": item.exempt_reason,
                        "options": item.to_options(self.settings.notify_from),
                    }
                )
            else:
                working.append(item.to_options(self.settings.notify_from))
        return {
            **{name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self.settings).items()},
            "aws_account": self.name,
            "aws_region": self.region,
            "runner": self.selected[0].name,
            "recipients": list(self.recipients),
            "service_accounts": working,
            "exempt": exempt,
            "known": {
                "secrets": [item.secret_name for item in self.service_accounts],
                "iam_users": list(self.known_users),
            },
        }


@dataclass(frozen=True)
class Fleet:
    """Everything that an inventory says, and all that is wrong with it."""

    accounts: tuple[Account, ...]
    mistakes: tuple[Mistake, ...]
    warnings: tuple[str, ...]
