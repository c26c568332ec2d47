# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One AWS call per method, with errors made of names and codes only. Clients are handed in; none is made here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .errors import AwsError
from .names import AWSCURRENT, AWSPENDING, RETIREMENT_INTERVAL_HOURS

Client = Any
"""A boto3 client: the standard library has no type for it."""


def call(action: str, method: Callable[..., Any], /, **arguments: Any) -> Any:
    """Make one AWS call.

    Args:
        action: as in a policy, e.g. iam:CreateAccessKey; stands in the error.
        method: the client's method.

    Raises:
        AwsError: whatever went wrong; never with the client's own text, which may show values.
    """
    try:
        return method(**arguments)
    except Exception as problem:
        response = getattr(problem, "response", None)
        if not isinstance(response, Mapping):
            name = type(problem).__name__
            raise AwsError(action, name, refused=name in ("ParamValidationError", "NoCredentialsError")) from None
        metadata = response.get("ResponseMetadata", {})
        status = metadata.get("HTTPStatusCode", 500)
        # The client repeats a request whose answer was lost: only a refusal of the very first one says that none had
        # an effect.
        refused = 400 <= status < 500 and not metadata.get("RetryAttempts", 0)
        raise AwsError(action, str(response.get("Error", {}).get("Code", status)), refused) from None


@dataclass(frozen=True)
class Secret:
    """DescribeSecret, as far as a rotation reads it."""

    arn: str
    name: str
    rotation_enabled: bool
    tags: dict[str, str]
    stages: dict[str, frozenset[str]]
    """Version id to its staging labels; labelled versions only."""

    def holder(self, label: str) -> str | None:
        """The version id that carries the label, or None."""
        return next((version for version, labels in self.stages.items() if label in labels), None)

    def labels(self, version_id: str) -> frozenset[str]:
        """The labels of a version; empty for one that has none."""
        return self.stages.get(version_id, frozenset())


@dataclass(frozen=True)
class Version:
    """A version's value: exactly one of text and binary is set."""

    version_id: str
    created: datetime
    text: str | None = field(repr=False)
    binary: bytes | None = field(repr=False)

    @property
    def value(self) -> dict[str, Any]:
        """As PutSecretValue takes it."""
        return {"SecretBinary": self.binary} if self.text is None else {"SecretString": self.text}

    def same_value(self, other: Version) -> bool:
        """Say whether both versions hold the same bytes."""
        return (self.text, self.binary) == (other.text, other.binary)


@dataclass(frozen=True)
class ListedVersion:
    """An entry of ListSecretVersionIds."""

    version_id: str
    labels: frozenset[str]
    created: datetime


class SecretStore:
    """One secret in Secrets Manager."""

    def __init__(self, client: Client, secret_id: str) -> None:
        self._client = client
        self.secret_id = secret_id

    def describe(self) -> Secret:
        answer = call("secretsmanager:DescribeSecret", self._client.describe_secret, SecretId=self.secret_id)
        return Secret(
            arn=answer["ARN"],
            name=answer.get("Name", ""),
            rotation_enabled=bool(answer.get("RotationEnabled")),
            tags=_tags(answer),
            stages={version: frozenset(labels) for version, labels in answer.get("VersionIdsToStages", {}).items()},
        )

    def value(self, version_id: str, label: str | None = None) -> Version | None:
        """A version's value; None for a version that has none (yet), or does not carry the label that is asked for."""
        stage = {"VersionStage": label} if label else {}
        try:
            answer = call(
                "secretsmanager:GetSecretValue",
                self._client.get_secret_value,
                SecretId=self.secret_id,
                VersionId=version_id,
                **stage,
            )
        except AwsError as problem:
            missing = {"ResourceNotFoundException"} | ({"InvalidRequestException"} if label else set())
            if problem.code in missing:
                return None
            raise
        return Version(version_id, _utc(answer["CreatedDate"]), answer.get("SecretString"), answer.get("SecretBinary"))

    def put_pending(self, token: str, value: Mapping[str, Any], rotation_token: str | None) -> None:
        extra = {"RotationToken": rotation_token} if rotation_token else {}
        call(
            "secretsmanager:PutSecretValue",
            self._client.put_secret_value,
            SecretId=self.secret_id,
            ClientRequestToken=token,
            VersionStages=[AWSPENDING],
            **value,
            **extra,
        )

    def promote(self, token: str, current: str) -> None:
        """Move AWSCURRENT from exactly the version that was compared: a compare-and-swap."""
        call(
            "secretsmanager:UpdateSecretVersionStage",
            self._client.update_secret_version_stage,
            SecretId=self.secret_id,
            VersionStage=AWSCURRENT,
            MoveToVersionId=token,
            RemoveFromVersionId=current,
        )

    def drop_pending(self, token: str) -> None:
        """Take AWSPENDING off a version, so that the next rotation starts clean."""
        call(
            "secretsmanager:UpdateSecretVersionStage",
            self._client.update_secret_version_stage,
            SecretId=self.secret_id,
            VersionStage=AWSPENDING,
            RemoveFromVersionId=token,
        )

    def versions(self) -> list[ListedVersion]:
        """Every version, unlabelled ones too."""
        found: list[ListedVersion] = []
        page: dict[str, str] = {}
        while True:
            answer = call(
                "secretsmanager:ListSecretVersionIds",
                self._client.list_secret_version_ids,
                SecretId=self.secret_id,
                IncludeDeprecated=True,
                **page,
            )
            found += [
                ListedVersion(item["VersionId"], frozenset(item.get("VersionStages", ())), _utc(item["CreatedDate"]))
                for item in answer.get("Versions", ())
            ]
            if not answer.get("NextToken"):
                return found
            page = {"NextToken": answer["NextToken"]}


@dataclass(frozen=True)
class User:
    """An IAM user with its tags."""

    name: str
    arn: str
    tags: dict[str, str]


@dataclass(frozen=True)
class AccessKey:
    """An entry of ListAccessKeys."""

    key_id: str
    active: bool
    created: datetime


@dataclass(frozen=True)
class LastUsed:
    """GetAccessKeyLastUsed; date is None for a key that was never used."""

    date: datetime | None
    service: str
    region: str


class AccessKeys:
    """The access keys of one IAM user.

    Args:
        client: an IAM client.
        create_client: an IAM client that never repeats a request by itself, for CreateAccessKey alone: it has no
            idempotency token, so a blind repeat would leave a key behind.
    """

    def __init__(self, client: Client, create_client: Client, user_name: str) -> None:
        self._client = client
        self._create_client = create_client
        self.user_name = user_name

    def user(self) -> User | None:
        try:
            answer = call("iam:GetUser", self._client.get_user, UserName=self.user_name)["User"]
        except AwsError as problem:
            if problem.code == "NoSuchEntity":
                return None
            raise
        return User(answer["UserName"], answer["Arn"], _tags(answer))

    def listed(self) -> list[AccessKey]:
        """All listed keys, oldest first; the list may lag behind by seconds."""
        answer = call("iam:ListAccessKeys", self._client.list_access_keys, UserName=self.user_name)
        keys = [
            AccessKey(item["AccessKeyId"], item["Status"] == "Active", _utc(item["CreateDate"]))
            for item in answer["AccessKeyMetadata"]
        ]
        return sorted(keys, key=lambda key: (key.created, key.key_id))

    def last_used(self, key_id: str) -> LastUsed:
        answer = call("iam:GetAccessKeyLastUsed", self._client.get_access_key_last_used, AccessKeyId=key_id)
        used = answer.get("AccessKeyLastUsed") or {}
        date = used.get("LastUsedDate")
        return LastUsed(_utc(date) if date else None, used.get("ServiceName", "N/A"), used.get("Region", "N/A"))

    def create(self) -> tuple[str, str]:
        """A new key: its id and its secret."""
        answer = call("iam:CreateAccessKey", self._create_client.create_access_key, UserName=self.user_name)
        return answer["AccessKey"]["AccessKeyId"], answer["AccessKey"]["SecretAccessKey"]

    def deactivate(self, key_id: str) -> bool:
        """Set a key Inactive; False when there is no such key."""
        return self._exists(
            "iam:UpdateAccessKey", self._client.update_access_key, AccessKeyId=key_id, Status="Inactive"
        )

    def delete(self, key_id: str) -> bool:
        """Delete a key; False when there is no such key."""
        return self._exists("iam:DeleteAccessKey", self._client.delete_access_key, AccessKeyId=key_id)

    def _exists(self, action: str, method: Callable[..., Any], **arguments: str) -> bool:
        try:
            call(action, method, UserName=self.user_name, **arguments)
        except AwsError as problem:
            if problem.code == "NoSuchEntity":
                return False
            raise
        return True


class RetirementSchedules:
    """The recurring schedules that retire previous keys, one per key, in one EventBridge Scheduler group.

    Args:
        group, role_arn: where they stand, and the role that the scheduler calls the function with.
        function_arn: the function that they call.
        dead_letter_arn: the queue for firings that never reached the function; empty for none.
    """

    def __init__(self, client: Client, group: str, role_arn: str, function_arn: str, dead_letter_arn: str) -> None:
        self._client = client
        self._group = group
        # A firing that is not delivered by the time of the next one is overtaken by it: it is tried no longer, so that
        # its dead letter comes after hours, not after Scheduler's default of a day. 185 is that default, and the most.
        retries = {"MaximumEventAgeInSeconds": RETIREMENT_INTERVAL_HOURS * 3600, "MaximumRetryAttempts": 185}
        self._target: dict[str, Any] = {"Arn": function_arn, "RoleArn": role_arn, "RetryPolicy": retries}
        if dead_letter_arn:
            self._target["DeadLetterConfig"] = {"Arn": dead_letter_arn}

    def start_of(self, key_id: str) -> datetime | None:
        """When the key's schedule starts, or None when there is none."""
        try:
            answer = call(
                "scheduler:GetSchedule", self._client.get_schedule, GroupName=self._group, Name=_schedule_name(key_id)
            )
        except AwsError as problem:
            if problem.code == "ResourceNotFoundException":
                return None
            raise
        return _utc(answer["StartDate"])

    def write(self, key_id: str, payload: str, start: datetime) -> None:
        """Make the key's schedule, or move the start of the one that is there."""
        schedule: dict[str, Any] = {
            "GroupName": self._group,
            "Name": _schedule_name(key_id),
            "ScheduleExpression": f"rate({RETIREMENT_INTERVAL_HOURS} hours)",
            "StartDate": start,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {**self._target, "Input": payload},
        }
        try:
            call("scheduler:CreateSchedule", self._client.create_schedule, **schedule)
        except AwsError as problem:
            if problem.code != "ConflictException":
                raise
            call("scheduler:UpdateSchedule", self._client.update_schedule, **schedule)

    def delete(self, key_id: str) -> None:
        """End the key's schedule; none there is fine."""
        try:
            call(
                "scheduler:DeleteSchedule",
                self._client.delete_schedule,
                GroupName=self._group,
                Name=_schedule_name(key_id),
            )
        except AwsError as problem:
            if problem.code != "ResourceNotFoundException":
                raise


def send_mail(client: Client, sender: str, to: str, subject: str, body: str) -> None:
    """Send one plain-text mail through SES."""
    call(
        "ses:SendEmail",
        client.send_email,
        FromEmailAddress=sender,
        Destination={"ToAddresses": [to]},
        Content={"Simple": {"Subject": {"Data": subject}, "Body": {"Text": {"Data": body}}}},
    )


def caller(client: Client) -> str:
    """The ARN of whoever a client's credentials belong to."""
    return str(call("sts:GetCallerIdentity", client.get_caller_identity)["Arn"])


def _schedule_name(key_id: str) -> str:
    return f"retire-{key_id}"


def _tags(answer: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags") or ()}


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
