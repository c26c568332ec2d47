# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One embedded AWS with the real zip, roles and policies, and the service accounts that a sweep makes in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from moto.iam.models import iam_backends
from moto.scheduler.models import scheduler_backends
from moto.secretsmanager.models import secretsmanager_backends

from plugins.plugin_utils.package import build
from sandbox.server import running
from sandbox.world import ACCOUNT, ADMINISTRATOR, World

from .rendered import Rendered

REGION = "us-east-1"
DAY = 86_400.0
TIMEOUT_SECONDS = 45
"""Of the function: createSecret makes no key with less than 30 s left, and a proof that never succeeds uses it up."""
MARK = "mark-"
"""Every value that must never show begins so, or is a key's own secret."""
SLOTS = 32
"""Mail addresses that the policy allows; points that run at once need one each."""
SENDER = "alerts@acmecorp.com"
CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass
class Point:
    """One service account of its own, for one strike.

    Attributes:
        name: of the user and, in its path, of the secret.
        key_ids: of the keys it was made with, oldest first.
        values: every secret value that it ever had.
        broken: what went wrong, in order.
    """

    name: str
    strategy: str
    email: str
    secret_arn: str = ""
    key_ids: list[str] = field(default_factory=list)
    values: set[str] = field(default_factory=set, repr=False)
    broken: list[str] = field(default_factory=list)
    events_from: int = 0
    journal_from: int = 0

    @property
    def concerns(self) -> list[str]:
        """Texts of which each of its AWS calls holds one."""
        return [self.name, self.email, *self.key_ids]

    @property
    def secret(self) -> Any:
        """moto's record of the secret."""
        return secretsmanager_backends[ACCOUNT][REGION].secrets.get(self.secret_arn)

    @property
    def keys(self) -> list[Any]:
        """moto's records of the user's access keys."""
        users = iam_backends[ACCOUNT]["aws"].users.values()
        return [key for user in users if user.name == self.name for key in user.access_keys]

    def version(self, label: str) -> dict[str, Any]:
        """The version that carries a label; empty when none does."""
        holder = self.secret.holder(label)
        return dict(self.secret.versions[holder]) if holder else {}

    def document(self, label: str) -> dict[str, Any]:
        """The document of the version that carries a label; empty when there is none."""
        text = self.version(label).get("secret_string")
        return dict(json.loads(text)) if text and self.strategy != "noop" else {}


class Lab:
    """What a sweep does to one embedded AWS.

    Args:
        world: empty.
        collection: whose sources go into the zip.
    """

    def __init__(self, world: World, collection: Path) -> None:
        self.world = world
        self._collection = collection
        self.functions: dict[str, str] = {}
        """Strategy to function ARN."""
        self.key_arn = ""
        """Customer key of every secret."""
        self.vpc: dict[str, list[str]] = {}
        """Where a function may be put: the roles are allowed to be there, the functions are not."""
        self._deploy()

    def client(self, service: str) -> Any:
        """A client of the administrator's."""
        return boto3.client(
            service,
            endpoint_url=self.world.endpoint,
            region_name=REGION,
            aws_access_key_id=ADMINISTRATOR[0],
            aws_secret_access_key=ADMINISTRATOR[1],
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=SLOTS),
        )

    @cached_property
    def iam(self) -> Any:
        """IAM."""
        return self.client("iam")

    @cached_property
    def secrets(self) -> Any:
        """Secrets Manager."""
        return self.client("secretsmanager")

    @cached_property
    def schedules(self) -> Any:
        """EventBridge Scheduler."""
        return self.client("scheduler")

    def make(self, slot: int, strategy: str, keys: int, grace_hours: int) -> Point:
        """A service account that is enrolled and due.

        Args:
            slot: which of the allowed mail addresses it gets.
            keys: 1: never rotated; 2: with an Inactive old key in AWSPREVIOUS.
        """
        name = f"p{uuid.uuid4().hex[:12]}"
        point = Point(name, strategy, f"slot{slot}@acmecorp.com")
        if strategy != "noop":
            self.iam.create_user(UserName=name, Path="/services/")
        tags = [{"Key": "key-rotation:grace-period-hours", "Value": str(grace_hours)}]
        for number in range(keys):
            text = self._document(point) if strategy != "noop" else f"{MARK}{name}-password"
            if number == 0:
                made = self.secrets.create_secret(
                    Name=f"/sweep/{name}", SecretString=text, Tags=tags, KmsKeyId=self.key_arn
                )
                point.secret_arn = made["ARN"]
            else:
                self.secrets.put_secret_value(SecretId=point.secret_arn, SecretString=text)
        if strategy != "noop":
            self._bind(point)
        point.values.add(f"{MARK}{name}")
        return point

    def rotate(self, point: Point) -> None:
        """RotateSecret, with function and rules; comes back at once."""
        self.secrets.rotate_secret(
            SecretId=point.secret_arn,
            RotationLambdaARN=self.functions[point.strategy],
            RotationRules={"AutomaticallyAfterDays": 85},
        )

    def schedule_names(self) -> set[str]:
        """Names of the retirement schedules that exist."""
        groups = scheduler_backends[ACCOUNT][REGION].schedule_groups
        return set(groups["key-rotation"].schedules)

    def events(self, point: Point) -> list[str]:
        """What Secrets Manager said of a point's rotations: names, with the reason of a failure."""
        details = [event["detail"] for event in list(self.world.events)[point.events_from :]]
        return [
            f"{detail['eventName']} {detail['additionalEventData'].get('Reason', '')}".strip()
            for detail in details
            if detail["additionalEventData"]["SecretId"] == point.secret_arn
        ]

    def remove(self, point: Point) -> None:
        """Take everything of a point away, so that its schedules fire no more."""
        self.secrets.delete_secret(SecretId=point.secret_arn, ForceDeleteWithoutRecovery=True)
        with self.world.lock:
            users = iam_backends[ACCOUNT]["aws"].users
            for user_id in [user_id for user_id, user in users.items() if user.name == point.name]:
                del users[user_id]

    def remove_schedules(self) -> None:
        """Delete every retirement schedule."""
        for name in self.schedule_names():
            self.schedules.delete_schedule(GroupName="key-rotation", Name=name)

    def _document(self, point: Point) -> str:
        key = self.iam.create_access_key(UserName=point.name)["AccessKey"]
        point.key_ids.append(key["AccessKeyId"])
        return json.dumps(
            {
                "USER_NAME": point.name,
                "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
                "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
                "NOTIFY_EMAIL": point.email,
                "password": f"{MARK}{point.name}",
                "ratio": 1.5,
            }
        )

    def _bind(self, point: Point) -> None:
        *old, _ = point.key_ids
        with self.world.lock:
            # The keys, the secret's versions and the enrolment are as old as an ordinary fleet's.
            past = self.world.clock.now() - 85 * DAY
            for number, key in enumerate(point.keys):
                key.create_date -= timedelta(days=85 * (1 + len(old) - number))
            for version in point.secret.versions.values():
                version["createdate"] = past
        for key_id in old:
            self.iam.update_access_key(UserName=point.name, AccessKeyId=key_id, Status="Inactive")
        since = self.world.clock.utcnow().isoformat(timespec="seconds")
        tags = {
            "key-rotation:secret": point.secret_arn,
            "key-rotation:since": since,
            "key-rotation:function": self.functions[point.strategy].rsplit(":", 1)[-1],
        }
        self.iam.tag_user(UserName=point.name, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])

    def _deploy(self) -> None:
        """Roles, functions, permissions and schedule group as the role makes them, without Ansible's detours."""
        self.key_arn = self.client("kms").create_key()["KeyMetadata"]["Arn"]
        ec2 = self.client("ec2")
        subnet = ec2.describe_subnets()["Subnets"][0]
        groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])
        self.vpc = {
            "SubnetIds": [subnet["SubnetId"]],
            "SecurityGroupIds": [groups["SecurityGroups"][0]["GroupId"]],
        }
        rendered = Rendered(
            rotation_aws_region=REGION,
            rotation_kms_key_arn=self.key_arn,
            rotation_vpc_subnet_ids=self.vpc["SubnetIds"],
            rotation_vpc_security_group_ids=self.vpc["SecurityGroupIds"],
            rotation_notify_from=SENDER,
            rotation_notify_recipients=[f"slot{slot}@acmecorp.com" for slot in range(SLOTS)],
        )
        arns = {}
        for role in rendered.value("rotation_roles"):
            trust = rendered.template("trust.json.j2", role)
            made = self.iam.create_role(RoleName=role["name"], AssumeRolePolicyDocument=trust)["Role"]
            document = rendered.template(role["policy"], role)
            self.iam.put_role_policy(RoleName=role["name"], PolicyName="key-rotation", PolicyDocument=document)
            arns[role["name"]] = made["Arn"]
        self.schedules.create_schedule_group(Name=rendered.value("rotation_retirement_group"))
        functions, package = self.client("lambda"), build(self._collection)
        for function in rendered.value("rotation_functions"):
            spacing = {"PROOF_SPACING_SECONDS": "0.2"} if function["environment"] else {}
            made = functions.create_function(
                FunctionName=function["name"],
                Runtime="python3.13",
                Handler=function["handler"],
                Role=arns[f"{function['name']}-{REGION}"],
                Code={"ZipFile": package},
                Timeout=TIMEOUT_SECONDS,
                MemorySize=256,
                LoggingConfig={"LogFormat": "JSON"},
                Environment={"Variables": {**function["environment"], **spacing}},
            )
            self.client("logs").create_log_group(logGroupName=f"/aws/lambda/{function['name']}")
            functions.add_permission(
                FunctionName=function["name"],
                StatementId="secretsmanager",
                Action="lambda:InvokeFunction",
                Principal="secretsmanager.amazonaws.com",
                SourceAccount=ACCOUNT,
            )
            self.functions[function["handler"].split(".")[0]] = made["FunctionArn"]
        functions.get_waiter("function_active_v2").wait(FunctionName=made["FunctionName"])


@contextmanager
def open_lab(collection: Path = CHECKOUT) -> Iterator[Lab]:
    """An embedded AWS with everything deployed, for the duration of the with block."""
    with running() as world:
        yield Lab(world, collection)
