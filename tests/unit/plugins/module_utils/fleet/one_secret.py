# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One secret of AWS's whose rotation ends as it is told, and a run of one item against it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch import Pace
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.failure_log import FailureLog
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.reader import Reader
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.run import Decision, Rotator
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.settle import Settler, Waiting
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import State, Target

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/a-AbCdEf"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:f"
TARGET = Target("h", "/a", "iam_access_key", 90, 24, iam_user="a", rotation_days=85)


class Refused(Exception):
    """As botocore's ClientError."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}


class SecretsManager:
    """One secret whose rotation ends as it is told, on a clock that only sleeping moves."""

    class meta:
        region_name = "us-east-1"

    def __init__(self, outcome: str = "success", rotation_seconds: float = 3.0) -> None:
        self.now = 0.0
        self.outcome = outcome
        self.rotation_seconds = rotation_seconds
        self.labels = {"AWSCURRENT": "v1"}
        self.created = {"v1": START - HOUR}
        self.last_rotated = START - 1000 * HOUR
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.texts: dict[str, str] = {}
        self.unreadable: set[str] = set()
        self.ends: float | None = None
        self.empty: set[str] = set()
        self.function: str | None = FUNCTION
        self.rotated_at = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def moment(self) -> datetime:
        return START + timedelta(seconds=self.now)

    def describe_secret(self, **_: Any) -> dict[str, Any]:
        if self.ends is not None and self.now >= self.ends and self.outcome == "success":
            pending = self.labels.pop("AWSPENDING", None)
            if pending:
                self.labels.update(AWSCURRENT=pending, AWSPREVIOUS=self.labels["AWSCURRENT"])
                self.last_rotated = self.moment()
        versions: dict[str, list[str]] = {}
        for label, version in self.labels.items():
            versions.setdefault(version, []).append(label)
        return {
            "ARN": ARN,
            "Name": "/a",
            "RotationEnabled": True,
            "RotationLambdaARN": self.function,
            "RotationRules": {"ScheduleExpression": "rate(85 days)", "AutomaticallyAfterDays": 85, "Duration": "2h"},
            "VersionIdsToStages": versions,
            "LastRotatedDate": self.last_rotated,
            "ResponseMetadata": {"HTTPHeaders": {"date": self.moment().strftime("%a, %d %b %Y %H:%M:%S GMT")}},
        }

    def rotate_secret(self, **arguments: Any) -> None:
        self.calls.append(("rotate", arguments))
        self.rotated_at = self.now
        if self.labels.get("AWSPENDING", self.labels["AWSCURRENT"]) != self.labels["AWSCURRENT"]:
            raise Refused("InvalidRequestException", "A previous rotation isn\u2019t complete.")
        token = arguments.get("ClientRequestToken", "test")
        self.labels["AWSPENDING"] = token
        self.created[token] = self.moment()
        self.ends = self.now + self.rotation_seconds

    def get_secret_value(self, **arguments: Any) -> dict[str, Any]:
        version = arguments.get("VersionId", self.labels["AWSCURRENT"])
        if version in self.empty:
            raise Refused("ResourceNotFoundException", "no value")
        if version in self.unreadable:
            raise Refused("AccessDeniedException", "no")
        return {"SecretString": self.texts[version]} if version in self.texts else {}

    def list_secret_version_ids(self, **_: Any) -> dict[str, Any]:
        return {"Versions": [{"VersionId": name, "CreatedDate": made} for name, made in self.created.items()]}

    def update_secret_version_stage(self, **arguments: Any) -> dict[str, Any]:
        self.calls.append(("stage", {**arguments, "at": self.now}))
        label, target = arguments["VersionStage"], arguments.get("MoveToVersionId")
        assert self.labels.pop(label, None) == arguments.get("RemoveFromVersionId")
        if target is not None:
            self.labels[label] = target
        return {"Name": "/a"}


class Logs:
    """A function that says why it failed, under any token that is asked for."""

    def __init__(self, service: SecretsManager, error: str | None, failed_token: str | None) -> None:
        self.service = service
        self.error = error
        self.failed_token = failed_token
        self.reads = 0

    def filter_log_events(self, **arguments: Any) -> dict[str, Any]:
        self.reads += 1
        assert arguments["logGroupName"] == "/aws/lambda/f"
        token = self.failed_token or self.service.labels.get("AWSPENDING")
        if self.error is None:
            raise Refused("AccessDeniedException", "no")
        line = f'{{"outcome": "failed", "token": "{token}", "step": "testSecret", "error": "{self.error}"}}'
        return {"events": [{"message": "no json"}, {"message": "[1]"}, {"message": line}]}


def rotate(
    service: SecretsManager,
    error: str | None = None,
    timeout: float = 100.0,
    failed_token: str | None = None,
    meanwhile: Callable[[], None] = lambda: None,
    done: list[str] | None = None,
) -> Any:
    """Decide, let something happen, and rotate."""
    reader = Reader(service, None)
    secret, _ = reader.secret(ARN)
    meanwhile()
    waiting = Waiting(timeout, lambda: service.now, service.sleep)
    pace = Pace(45.0, lambda: service.now, service.sleep)
    logs = FailureLog(Logs(service, error, failed_token), START, lambda: service.now)
    decision = Decision(State(TARGET, START, secret), "asked for")
    return Rotator(Settler(service, reader, logs, pace, waiting)).rotate(decision, [] if done is None else done)


def left_behind(service: SecretsManager, version: str) -> None:
    """A rotation that failed long ago left AWSPENDING on a version."""
    service.labels["AWSPENDING"] = version
    service.created[version] = START - HOUR
