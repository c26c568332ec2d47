# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the roles' rights are for: one case for each thing that they let the functions do, side by side in one lab."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError
from moto.logs.models import logs_backends
from moto.scheduler.models import scheduler_backends
from moto.sqs.models import sqs_backends

from sandbox.world import ACCOUNT

from .embedded_lab import REGION, Lab, Point

SECONDS = 400.0
"""How long a case lasts: the service's retries of an asynchronous invocation take three minutes."""
GROUP = "key-rotation"
_DAY = 86_400.0


@dataclass
class Case:
    """One thing that must come about.

    Attributes:
        name: as the table says it.
        start: what sets it going; what is prepared was done with all rights.
        problem: what is missing afterwards; empty when nothing is.
    """

    name: str
    start: Callable[[], None]
    problem: Callable[[], str]


class Cases:
    """Makes the cases of one role's function, anew for each round.

    Args:
        lab: where.
        strategy: of the function.
        queue: ARN of its dead-letter queue; empty for none.
    """

    def __init__(self, lab: Lab, strategy: str, queue: str) -> None:
        self._lab = lab
        self._strategy = strategy
        self._queue = queue
        self._function = lab.functions[strategy].rsplit(":", 1)[-1]
        self.points: list[Point] = []
        self._slot = 0

    @contextmanager
    def made(self) -> Iterator[list[Case]]:
        """All cases, prepared; what they leave is taken away."""
        makers = [self._log, self._rotation, self._dead_letter, self._vpc]
        if self._strategy != "noop":
            makers += [self._written_already, self._spent, self._orphan, self._overdue, self._abandoned]
            makers += [self._retirement, self._undelivered]
        try:
            yield [make() for make in makers]
        finally:
            self._lab.remove_schedules()
            for point in self.points:
                self._lab.remove(point)
            self.points.clear()
            with self._lab.world.lock:
                self._lab.world.mail.clear()
                self._lab.world.events.clear()
                for queue in sqs_backends[ACCOUNT][REGION].queues:
                    sqs_backends[ACCOUNT][REGION].purge_queue(queue)

    def _point(self, keys: int = 1) -> Point:
        self._slot += 1
        point = self._lab.make(self._slot % 32, self._strategy, keys, 24)
        self.points.append(point)
        return point

    def _rotated(self, name: str, point: Point, *more: Callable[[], str]) -> Case:
        """A rotation that must succeed, with what else must be true then."""
        if self._strategy != "noop":
            more = (*more, lambda: self._mailed(point, "rotated"))

        def problem() -> str:
            last = (self._lab.events(point) or ["it never started"])[-1]
            failed = "" if last == "RotationSucceeded" else last.replace("RotationFailed ", "")
            return failed or next(filter(None, (check() for check in more)), "")

        return Case(name, lambda: self._lab.rotate(point), problem)

    def _mailed(self, point: Point, subject: str) -> str:
        mails = [mail for mail in self._lab.world.mail if point.email in mail["to"]]
        return "" if any(mail["subject"].endswith(subject) for mail in mails) else "no mail"

    def _rotation(self) -> Case:
        return self._rotated("a rotation", self._point())

    def _log(self) -> Case:
        """Comes first: what was logged while the others were prepared does not count."""
        streams = logs_backends[ACCOUNT][REGION].groups[f"/aws/lambda/{self._function}"].streams

        def problem() -> str:
            return "" if any(stream.events for stream in streams.values()) else "no log"

        return Case("the log", streams.clear, problem)

    def _vpc(self) -> Case:
        """A second function with the same role: AWS asks whether the role may be there before it makes one."""
        functions, said = self._lab.client("lambda"), list[str]()
        present = functions.get_function_configuration(FunctionName=self._function)
        empty = io.BytesIO()
        with zipfile.ZipFile(empty, "w") as archive:
            archive.writestr("empty.py", "")

        def start() -> None:
            try:
                functions.create_function(
                    FunctionName="in-the-vpc",
                    Runtime=present["Runtime"],
                    Handler="empty.handler",
                    Role=present["Role"],
                    Code={"ZipFile": empty.getvalue()},
                    VpcConfig=self._lab.vpc,
                )
                functions.delete_function(FunctionName="in-the-vpc")
            except ClientError as refused:
                said.append(refused.response["Error"]["Message"].rpartition("permissions to ")[2])

        return Case("a function in the VPC", start, lambda: "".join(said))

    def _dead_letter(self) -> Case:
        def start() -> None:
            if self._queue:
                event = json.dumps({"Action": "unknown"})
                self._lab.client("lambda").invoke(FunctionName=self._function, InvocationType="Event", Payload=event)

        return Case("the dead letter", start, lambda: self._queued("unknown"))

    def _undelivered(self) -> Case:
        """A retirement that the scheduler cannot ask for."""
        point = self._point()
        target = {
            "Arn": f"{self._lab.functions[self._strategy]}-gone",
            "RetryPolicy": {"MaximumRetryAttempts": 0},
            "DeadLetterConfig": {"Arn": self._queue},
        }

        def start() -> None:
            if self._queue:
                self._schedule(point, point.key_ids[0], 30, target)

        return Case("the dead letter of a retirement", start, lambda: self._queued(point.key_ids[0]))

    def _queued(self, mark: str) -> str:
        """What is wrong when no dead letter holds a mark."""
        if not self._queue:
            return ""
        name = self._queue.rsplit(":", 1)[-1]
        with self._lab.world.lock:
            letters = [message.body for message in sqs_backends[ACCOUNT][REGION].queues[name].messages]
        return "" if any(mark in letter for letter in letters) else "no dead letter"

    def _gone(self, point: Point, key_id: str) -> str:
        return f"{key_id} is still there" if key_id in {key.access_key_id for key in point.keys} else ""

    def _written_already(self) -> Case:
        """An attempt before this one wrote the retirement ahead, and died."""
        point = self._point()
        self._schedule(point, point.key_ids[0], 3600)
        return self._rotated("a late retry", point)

    def _spent(self) -> Case:
        point = self._point(keys=2)
        return self._rotated("slot: the Inactive old key", point, lambda: self._gone(point, point.key_ids[0]))

    def _orphan(self) -> Case:
        point = self._point()
        orphan = self._key(point)
        self._enrolled_long_ago(point)
        with self._lab.world.lock:
            point.keys[-1].create_date -= timedelta(days=1)
        return self._rotated("slot: an orphan", point, lambda: self._gone(point, orphan["AccessKeyId"]))

    def _overdue(self) -> Case:
        point = self._point(keys=2)
        old = point.key_ids[0]
        self._lab.iam.update_access_key(UserName=point.name, AccessKeyId=old, Status="Active")
        self._schedule(point, old, _DAY, State="DISABLED")
        with self._lab.world.lock:
            record = scheduler_backends[ACCOUNT][REGION].schedule_groups[GROUP].schedules[f"retire-{old}"]
            record.start_date -= 80 * _DAY
        return self._rotated("slot: an overdue key", point, lambda: self._gone(point, old))

    def _abandoned(self) -> Case:
        point = self._point()
        document = json.loads(point.version("AWSCURRENT")["secret_string"])
        key = self._key(point)
        document |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        self._lab.secrets.put_secret_value(
            SecretId=point.secret_arn, SecretString=json.dumps(document), VersionStages=["KEY_ROTATION_GIVEN_UP"]
        )
        return self._rotated("slot: an abandoned key", point, lambda: self._gone(point, key["AccessKeyId"]))

    def _retirement(self) -> Case:
        point = self._point(keys=2)
        old = point.key_ids[0]
        self._lab.iam.update_access_key(UserName=point.name, AccessKeyId=old, Status="Active")
        # Attached, but not rotated: only its test runs, and is over before any right is taken away.
        self._lab.secrets.rotate_secret(
            SecretId=point.secret_arn,
            RotationLambdaARN=self._lab.functions[self._strategy],
            RotationRules={"AutomaticallyAfterDays": 85},
            RotateImmediately=False,
        )
        self._lab.world.clock.advance(0)

        def problem() -> str:
            if any(key.access_key_id == old and key.status == "Active" for key in point.keys):
                return "the old key stays Active"
            if f"retire-{old}" in self._lab.schedule_names():
                return "its schedule never ends"
            return self._mailed(point, "retired")

        return Case("a retirement", lambda: self._schedule(point, old, 30), problem)

    def _key(self, point: Point) -> dict[str, Any]:
        """One more key of the user, made by the administrator."""
        return dict(self._lab.iam.create_access_key(UserName=point.name)["AccessKey"])

    def _enrolled_long_ago(self, point: Point) -> None:
        since = (self._lab.world.clock.utcnow() - timedelta(days=2)).isoformat(timespec="seconds")
        self._lab.iam.tag_user(UserName=point.name, Tags=[{"Key": "key-rotation:since", "Value": since}])

    def _schedule(
        self, point: Point, key_id: str, seconds: float, target: dict[str, Any] | None = None, **more: Any
    ) -> None:
        """The retirement of a key, written as the function writes it, with another target where one is given."""
        role = self._lab.iam.get_role(RoleName=f"key-rotation-retirement-{REGION}")["Role"]["Arn"]
        payload = json.dumps({"Action": "retire", "SecretId": point.secret_arn, "AccessKeyId": key_id})
        self._lab.schedules.create_schedule(
            GroupName=GROUP,
            Name=f"retire-{key_id}",
            ScheduleExpression="rate(6 hours)",
            StartDate=self._lab.world.clock.utcnow() + timedelta(seconds=seconds),
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": self._lab.functions[self._strategy], "RoleArn": role, "Input": payload, **(target or {})},
            **more,
        )
