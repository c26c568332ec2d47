# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Reads what AWS holds for a service account. A value is read only to learn the key's id, and goes no further."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..rotation import document, names
from ..rotation.errors import DocumentError
from .aws import CallError, Client, call, call_or_none, tags_of, time_of
from .batch import Pace
from .errors import FleetError
from .listing import Listing, secret_of, utc
from .state import DocumentFacts, Key, Secret, State, Target, User

_NO_USER = ("NoSuchEntity",)
_NO_SECRET = ("ResourceNotFoundException",)
_NO_SCHEDULE = ("ResourceNotFoundException",)


class Depth:
    """What an audit reads beyond the present state of a service account.

    Args:
        scheduler: boto3 client, in the secrets' Region.
        group: schedule group of the retirements.
        functions: strategy -> ARN of its function; empty where that is not known.
        quiet_hours: the functions' own setting: a key that was used later than that is in use.
        execution_roles: strategy -> ARN of the role of its function; empty where that is not known.
    """

    def __init__(
        self,
        scheduler: Client,
        group: str,
        functions: Mapping[str, str],
        quiet_hours: int = names.QUIET_HOURS,
        execution_roles: Mapping[str, str] | None = None,
    ) -> None:
        self._scheduler = scheduler
        self._group = group
        self.functions = functions
        self.quiet_hours = quiet_hours
        self.execution_roles = execution_roles or {}
        self.policy_pace = Pace()

    def retirement_start(self, key_id: str) -> datetime | None:
        """When the key's retirement begins to be asked for; None when it has no schedule.

        Raises:
            CallError: refused.
        """
        answer = call_or_none(
            "scheduler:GetSchedule",
            self._scheduler.get_schedule,
            _NO_SCHEDULE,
            GroupName=self._group,
            Name=f"retire-{key_id}",
        )
        return utc(answer.get("StartDate")) if answer else None


class Reader:
    """Reads targets, from any thread (boto3 clients are safe for that).

    Args:
        secretsmanager, iam: boto3 clients; secretsmanager in the secrets' Region.
        values_of: strategies whose AWSCURRENT documents are read too.
        with_last_used: ask when each key was last used.
        depth: what an audit asks beyond that; None: nothing.
        with_keys: list the users' access keys.
        listing: secrets that were listed already, by name, with AWS's time.
    """

    def __init__(
        self,
        secretsmanager: Client,
        iam: Client,
        values_of: Collection[str] = (),
        with_last_used: bool = False,
        depth: Depth | None = None,
        with_keys: bool = True,
        listing: Listing | None = None,
    ) -> None:
        self._secretsmanager = secretsmanager
        self._iam = iam
        self._region = str(secretsmanager.meta.region_name)
        self._values_of = values_of
        self._with_last_used = with_last_used
        self._depth = depth
        self._with_keys = with_keys
        self._listing = listing or {}

    def read(self, target: Target, settled: Callable[[State], bool] = lambda _state: False) -> State:
        """Everything about one target.

        Args:
            settled: says of a state from the listing that nothing is to be done about it; any other is read exactly.

        Raises:
            CallError: an answer that is needed for anything at all was refused.
        """
        listed = self._listing.get(target.secret_name)
        secret, now = listed or self.secret(target.secret_name)
        user = self._user(target.iam_user) if target.iam_user else None
        state = self._whole(target, secret, now, user)
        if listed is None or _is(settled, state):
            return state
        return self._whole(target, *self.secret(target.secret_name), user)

    def _whole(self, target: Target, secret: Secret | None, now: datetime, user: User | None) -> State:
        unread: list[str] = []
        document_facts = None
        if target.rotation_strategy in self._values_of and secret is not None and secret.deleted is None:
            try:
                document_facts = self._document(secret)
            except CallError as error:
                unread.append(f"the value of {target.secret_name}: {error.code}")
        state = State(target, now, secret, user, document_facts, tuple(unread))
        if self._depth is None or secret is None or secret.deleted:
            return state
        return self._with_policy(self._deeper(state), secret, self._depth)

    def _with_policy(self, state: State, secret: Secret, depth: Depth) -> State:
        """The resource policy, only where the inventory says who may reach the secret."""
        if not state.target.restrict_secret_access:
            return state
        depth.policy_pace.wait()
        try:
            answer = call(
                "secretsmanager:GetResourcePolicy", self._secretsmanager.get_resource_policy, SecretId=secret.arn
            )
        except CallError as error:
            return replace(state, unread=(*state.unread, f"the resource policy of {secret.name}: {error.code}"))
        return replace(
            state,
            resource_policy_read=True,
            resource_policy=answer.get("ResourcePolicy"),
            execution_role=depth.execution_roles.get(state.target.rotation_strategy),
        )

    def _deeper(self, state: State) -> State:
        """The keys of the other labelled versions, and the retirement of the previous key where it is Active."""
        depth, secret, unread = self._depth, state.secret, list(state.unread)
        if depth is None or secret is None or state.user is None:
            return replace(state, function_arn=depth.functions.get(state.target.rotation_strategy) if depth else None)
        labelled: dict[str, str | None] = {}
        complete = True
        created: datetime | None = None
        current = secret.labels.get(names.AWSCURRENT)
        for label in (names.AWSPENDING, names.AWSPREVIOUS):
            version = secret.labels.get(label)
            if version is None or version == current:
                continue
            try:
                answer = self._value(secret.arn, VersionId=version) or {}
            except CallError as error:
                unread.append(f"the value of {secret.name} under {label}: {error.code}")
                complete = False
                continue
            labelled[label] = document.access_key_of(answer.get("SecretString"))
            created = utc(answer.get("CreatedDate")) if label == names.AWSPENDING else created
        previous = labelled.get(names.AWSPREVIOUS)
        start, asked = None, False
        if any(key.active and key.access_key_id == previous for key in state.user.keys):
            try:
                start, asked = depth.retirement_start(str(previous)), True
            except CallError as error:
                unread.append(f"the retirement of {previous}: {error.code}")
        return replace(
            state,
            unread=tuple(unread),
            labelled_keys=labelled if complete else None,
            pending_created=created,
            retirement_read=asked,
            retirement_start=start,
            quiet_hours=depth.quiet_hours,
            function_arn=depth.functions.get(state.target.rotation_strategy),
        )

    def secret(self, secret_id: str) -> tuple[Secret | None, datetime]:
        """DescribeSecret alone, with AWS's time.

        Raises:
            CallError: refused.
        """
        answer = call_or_none(
            "secretsmanager:DescribeSecret", self._secretsmanager.describe_secret, _NO_SECRET, SecretId=secret_id
        )
        return (secret_of(answer, self._region), time_of(answer)) if answer else (None, datetime.now(UTC))

    def version_created(self, secret_id: str, version_id: str) -> datetime | None:
        """When a version was made; None when it is not listed.

        Raises:
            CallError: refused.
        """
        token: dict[str, str] = {}
        while True:
            answer = call(
                "secretsmanager:ListSecretVersionIds",
                self._secretsmanager.list_secret_version_ids,
                SecretId=secret_id,
                IncludeDeprecated=True,
                **token,
            )
            for version in answer.get("Versions", []):
                if version["VersionId"] == version_id and version.get("CreatedDate"):
                    created: datetime = version["CreatedDate"]
                    return created.astimezone(UTC)
            if not answer.get("NextToken"):
                return None
            token = {"NextToken": answer["NextToken"]}

    def has_value(self, secret_id: str, version_id: str) -> bool:
        """Say whether a version holds a value; where that cannot be read, it counts as if it did."""
        try:
            return self._value(secret_id, VersionId=version_id) is not None
        except CallError:
            return True

    def is_roll_back(self, secret_id: str, version_id: str) -> bool:
        """Say whether AWSPENDING on AWSPREVIOUS' version is a roll-back's; where that cannot be read, it counts so."""
        try:
            values = self._value(secret_id), self._value(secret_id, VersionId=version_id)
        except CallError:
            return True
        return document.is_roll_back(*((value or {}).get("SecretString") for value in values))

    def _value(self, secret_id: str, **version: str) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = call_or_none(
            "secretsmanager:GetSecretValue",
            self._secretsmanager.get_secret_value,
            _NO_SECRET,
            SecretId=secret_id,
            **version,
        )
        return answer

    def _user(self, name: str) -> User | None:
        answer = call_or_none("iam:GetUser", self._iam.get_user, _NO_USER, UserName=name)
        if answer is None:
            return None
        listed = []
        if self._with_keys:
            listed = call("iam:ListAccessKeys", self._iam.list_access_keys, UserName=name)["AccessKeyMetadata"]
        user = answer["User"]
        keys = [
            Key(item["AccessKeyId"], item["Status"], item["CreateDate"].astimezone(UTC), self._last_used(item))
            for item in listed
        ]
        return User(user["UserName"], user["Arn"], tags_of(user), tuple(sorted(keys, key=lambda key: key.created)))

    def _last_used(self, item: dict[str, Any]) -> datetime | None:
        if not self._with_last_used:
            return None
        answer = call("iam:GetAccessKeyLastUsed", self._iam.get_access_key_last_used, AccessKeyId=item["AccessKeyId"])
        return utc(answer.get("AccessKeyLastUsed", {}).get("LastUsedDate"))

    def _document(self, secret: Secret) -> DocumentFacts:
        answer = self._value(secret.arn)
        if answer is None:
            return DocumentFacts(problem="it has no value; store one first")
        text = answer.get("SecretString")
        names_key = document.names_access_key(text)
        try:
            parsed = document.parse(text)
        except DocumentError as error:
            return DocumentFacts(problem=str(error), names_access_key=names_key)
        return DocumentFacts(parsed.user_name, parsed.access_key_id, None, names_key)


def pending_elsewhere(secret: Secret) -> str | None:
    """The version that AWSPENDING is on, where that blocks the next rotation: on another one than AWSCURRENT."""
    pending = secret.labels.get(names.AWSPENDING)
    return pending if pending is not None and pending != secret.labels.get(names.AWSCURRENT) else None


def _is(settled: Callable[[State], bool], state: State) -> bool:
    """Whether that holds of the state; what cannot be worked on is no settled matter."""
    try:
        return settled(state)
    except FleetError:
        return False
