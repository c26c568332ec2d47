# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One embedded AWS as a test sees it: clients, roles, functions made of a few lines of source, its clock."""

from __future__ import annotations

import io
import json
import time
import urllib.request
import uuid
import zipfile
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from sandbox.world import ADMINISTRATOR, World

ACCOUNT = "123456789012"
REGION = "us-east-1"
DAY = 86_400.0
NO_RETRY: dict[str, Any] = {"rotation_retry_seconds": []}

GOOD_ROTATION = """
import json, boto3
client = boto3.client("secretsmanager")

def handler(event, context):
    secret, token = event["SecretId"], event["ClientRequestToken"]
    if event["Step"] == "createSecret":
        client.put_secret_value(SecretId=secret, ClientRequestToken=token, SecretString="value-" + token,
                                VersionStages=["AWSPENDING"], RotationToken=event["RotationToken"])
    if event["Step"] == "finishSecret":
        stages = client.describe_secret(SecretId=secret)["VersionIdsToStages"]
        current = next(version for version, labels in stages.items() if "AWSCURRENT" in labels)
        client.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token,
                                           RemoveFromVersionId=current)
"""
"""A function that rotates as AWS asks; the broken ones of the tests differ from it in one thing."""

LOG_ACTIONS = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
"""Without these a function leaves no log."""
SECRETS_ACTIONS = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
]


def zipped(source: str) -> bytes:
    """A zip with one module, f.py."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("f.py", source)
    return buffer.getvalue()


def trust(service: str, condition: dict[str, Any] | None = None) -> str:
    """A trust policy for one service."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Account:
    """The account inside one world, with the administrator's credentials."""

    def __init__(self, world: World) -> None:
        self.world = world

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.world.endpoint,
            region_name=REGION,
            aws_access_key_id=ADMINISTRATOR[0],
            aws_secret_access_key=ADMINISTRATOR[1],
            config=Config(retries={"total_max_attempts": 1}),
        )

    @cached_property
    def iam(self) -> Any:
        return self.client("iam")

    @cached_property
    def functions(self) -> Any:
        return self.client("lambda")

    @cached_property
    def secrets(self) -> Any:
        return self.client("secretsmanager")

    @cached_property
    def schedules(self) -> Any:
        return self.client("scheduler")

    @cached_property
    def queues(self) -> Any:
        return self.client("sqs")

    @cached_property
    def logs(self) -> Any:
        return self.client("logs")

    def control(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call of a control address; POST with a body, else GET."""
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.world.endpoint}/_sandbox/{path}", data, timeout=120) as answer:
            return json.loads(answer.read())

    def role(self, name: str, actions: list[str], service: str = "lambda.amazonaws.com", **more: Any) -> str:
        """A role that a service may assume, allowed these actions on everything; returns its ARN."""
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(service, **more))["Role"]["Arn"]
        if actions:
            statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            self.iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
        return str(arn)

    def function(self, source: str, name: str = "f", actions: list[str] | None = None, **settings: Any) -> str:
        """A settled function with a role of its own; returns its ARN."""
        role = self.role(f"{name}-role", [*LOG_ACTIONS, *(SECRETS_ACTIONS if actions is None else actions)])
        arn = self.functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="f.handler",
            Role=role,
            Code={"ZipFile": zipped(source)},
            **{"Timeout": 20, **settings},
        )["FunctionArn"]
        self.settle(name)
        return str(arn)

    def settle(self, name: str) -> None:
        """Read the function until it is Active and its update done."""
        for _ in range(5):
            found = self.functions.get_function_configuration(FunctionName=name)
            if found["State"] == "Active" and found["LastUpdateStatus"] == "Successful":
                return
        raise AssertionError(f"{name} does not settle")

    def permit(self, name: str = "f", **settings: Any) -> None:
        """Let Secrets Manager invoke a function for this account."""
        self.functions.add_permission(
            FunctionName=name,
            StatementId="secretsmanager",
            Action="lambda:InvokeFunction",
            Principal="secretsmanager.amazonaws.com",
            **{"SourceAccount": ACCOUNT, **settings},
        )

    def invoke(self, name: str = "f", event: Any = None) -> tuple[Any, str | None]:
        """Payload and FunctionError of one synchronous invocation."""
        answer = self.functions.invoke(FunctionName=name, Payload=json.dumps(event or {}))
        return json.loads(answer["Payload"].read()), answer.get("FunctionError")

    def secret(self, name: str = "s", value: str = "first") -> str:
        """A secret with a value; returns its ARN."""
        return str(self.secrets.create_secret(Name=name, SecretString=value)["ARN"])

    def rotating(self, source: str = GOOD_ROTATION, **rules: Any) -> tuple[str, str]:
        """A secret and a permitted function that rotates it; nothing attached yet. Returns both ARNs."""
        function = self.function(source)
        self.permit()
        return self.secret(), function

    def rotate(self, function: str | None = None, **settings: Any) -> str:
        """RotateSecret of the secret s, every 30 days unless the call says otherwise; returns the token."""
        params: dict[str, Any] = {"SecretId": "s", "ClientRequestToken": str(uuid.uuid4())}
        if function is not None:
            params |= {"RotationLambdaARN": function, "RotationRules": {"AutomaticallyAfterDays": 30}}
        answer = self.secrets.rotate_secret(**{**params, **settings})
        return str(answer["VersionId"])

    def idle(self) -> None:
        """Wait until nothing is under way."""
        self.world.clock.wait_idle(60)

    def labels(self) -> dict[str, str]:
        """Label to version id of the secret s."""
        found = self.secrets.describe_secret(SecretId="s").get("VersionIdsToStages", {})
        return {label: version for version, labels in found.items() for label in labels}

    def events(self) -> list[str]:
        """Names of the service events so far."""
        return [event["detail"]["eventName"] for event in self.world.events]


def until(condition: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Poll until condition gives something true.

    Raises:
        AssertionError: it did not in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("what was waited for did not happen")


def described(account: Account) -> dict[str, Any]:
    """DescribeSecret's answer about the secret that rotating() makes."""
    return dict(account.secrets.describe_secret(SecretId="s"))


def now(account: Account) -> datetime:
    """The virtual time."""
    return account.world.clock.utcnow()
