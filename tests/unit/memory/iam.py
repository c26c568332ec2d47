# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""IAM users and their access keys, and what STS makes of a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .core import Core, ServiceError

ACCOUNT = "123456789012"
KEYS_PER_USER = 2


@dataclass
class Key:
    """One access key. Times are seconds since the epoch."""

    key_id: str
    secret: str = field(repr=False)
    created: float
    active: bool = True
    deleted: float | None = None
    used: float | None = None
    used_by: str = "N/A"


@dataclass
class UserState:
    """One user; deleted keys stay for the lists that lag behind."""

    name: str
    path: str = "/"
    tags: dict[str, str] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)


@dataclass
class Iam:
    """IAM and STS of one account.

    Attributes:
        working_after_seconds: STS refuses a key that is younger.
        listed_after_seconds: how far ListAccessKeys lags behind, for new and deleted keys alike.
        refusals: how many of the next STS questions are refused though the key is good (flicker).
        unsteady: spans of a key's age (seconds) in which STS refuses it, though it may have worked before.
        busy: keys that a consumer uses all the time.
    """

    core: Core
    users: dict[str, UserState] = field(default_factory=dict)
    working_after_seconds: float = 0.0
    listed_after_seconds: float = 0.0
    refusals: list[bool] = field(default_factory=list)
    unsteady: tuple[tuple[float, float], ...] = ()
    busy: set[str] = field(default_factory=set)
    made: int = 0

    def add_user(self, name: str, path: str = "/") -> UserState:
        """Make a user, as a person would."""
        self.users[name.lower()] = user = UserState(name, path)
        return user

    def add_key(self, user_name: str, age_days: float = 0.0, active: bool = True) -> Key:
        """Make a key, without IAM's limit: as if it had been there before."""
        self.made += 1
        created = self.core.seconds - age_days * 86_400
        key = Key(f"AKIA{self.made:016d}", f"mark-secret-{self.made}", created, active)
        self.users[user_name.lower()].keys.append(key)
        return key

    def keys(self, user_name: str) -> list[Key]:
        """The keys that there are."""
        return [key for key in self.users[user_name.lower()].keys if key.deleted is None]

    def key(self, key_id: str) -> Key | None:
        """A key that there is, or None."""
        return next(
            (key for user in self.users.values() for key in user.keys if key.key_id == key_id and not key.deleted), None
        )

    def works(self, key_id: str, secret: str) -> bool:
        """Say whether a consumer with this key would get through."""
        key = self.key(key_id)
        return key is not None and key.active and key.secret == secret

    def use(self, key_id: str, service: str = "bedrock") -> None:
        """A consumer uses the key now."""
        key = self.key(key_id)
        assert key is not None
        key.used, key.used_by = self.core.seconds, service

    def methods(self) -> dict[str, Callable[..., Any]]:
        """What the IAM client offers."""
        return {
            "get_user": self._get_user,
            "list_access_keys": self._list_access_keys,
            "get_access_key_last_used": self._get_access_key_last_used,
            "create_access_key": self._create_access_key,
            "update_access_key": self._update_access_key,
            "delete_access_key": self._delete_access_key,
        }

    def sts_methods(self, key_id: str, secret: str) -> dict[str, Callable[..., Any]]:
        """What an STS client with these credentials offers."""
        return {"get_caller_identity": lambda: self._get_caller_identity(key_id, secret)}

    def _user(self, name: str) -> UserState:
        if name.lower() not in self.users:
            raise ServiceError("NoSuchEntity", 404, name)
        return self.users[name.lower()]

    def _own(self, user_name: str, key_id: str) -> Key:
        key = self.key(key_id)
        if key is None or key not in self._user(user_name).keys:
            raise ServiceError("NoSuchEntity", 404, key_id)
        return key

    def _arn(self, user: UserState) -> str:
        return f"arn:aws:iam::{ACCOUNT}:user{user.path}{user.name}"

    def _get_user(self, UserName: str) -> dict[str, Any]:
        user = self._user(UserName)
        tags = [{"Key": name, "Value": value} for name, value in user.tags.items()]
        return {"User": {"UserName": user.name, "Arn": self._arn(user), "Tags": tags}}

    def _list_access_keys(self, UserName: str) -> dict[str, Any]:
        seen = self.core.seconds - self.listed_after_seconds
        return {
            "AccessKeyMetadata": [
                {
                    "AccessKeyId": key.key_id,
                    "Status": "Active" if key.active else "Inactive",
                    "CreateDate": self.core.at(key.created),
                }
                for key in self._user(UserName).keys
                if key.created <= seen and (key.deleted is None or key.deleted > seen)
            ]
        }

    def _get_access_key_last_used(self, AccessKeyId: str) -> dict[str, Any]:
        key = self.key(AccessKeyId)
        if key is None:
            raise ServiceError("AccessDenied", 403, AccessKeyId)
        if AccessKeyId in self.busy and key.active:
            self.use(AccessKeyId)
        used = {"ServiceName": key.used_by, "Region": "N/A" if key.used is None else "us-east-1"}
        return {
            "AccessKeyLastUsed": used if key.used is None else {**used, "LastUsedDate": self.core.at(key.used)},
        }

    def _create_access_key(self, UserName: str) -> dict[str, Any]:
        user = self._user(UserName)
        if len(self.keys(UserName)) >= KEYS_PER_USER:
            raise ServiceError("LimitExceeded", 409, UserName)
        key = self.add_key(user.name)
        return {"AccessKey": {"AccessKeyId": key.key_id, "SecretAccessKey": key.secret, "Status": "Active"}}

    def _update_access_key(self, UserName: str, AccessKeyId: str, Status: str) -> dict[str, Any]:
        self._own(UserName, AccessKeyId).active = Status == "Active"
        return {}

    def _delete_access_key(self, UserName: str, AccessKeyId: str) -> dict[str, Any]:
        self._own(UserName, AccessKeyId).deleted = self.core.seconds
        return {}

    def _get_caller_identity(self, key_id: str, secret: str) -> dict[str, Any]:
        refused = self.refusals.pop(0) if self.refusals else False
        key = self.key(key_id)
        age = self.core.seconds - key.created if key is not None else 0.0
        young = age < self.working_after_seconds or any(start <= age < end for start, end in self.unsteady)
        if refused or young or not self.works(key_id, secret):
            raise ServiceError("InvalidClientTokenId", 403, key_id)
        self.use(key_id, "sts")
        owner = next(user for user in self.users.values() if key in user.keys)
        return {"Arn": self._arn(owner), "Account": ACCOUNT}
