# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Bad input to the deployed functions: an error without any part of a value, and everything as it was."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from demo.old_fleet import DATABASES, SECRETS, USERS, Aws, seed
from demo.playbook import run

IAM, NOOP = "key-rotation-iam-access-key", "key-rotation-noop"
MARK = "a-marked-value-that-no-error-may-hold"
ROTATION_TOKEN = "a-marked-rotation-token-of-36-characters"
OTHERS = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/somebody/else-AbCdEf"
STEPS = ("createSecret", "testSecret", "finishSecret")


class Deployed:
    """The fleet after its first deploy, and its functions invoked by hand."""

    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.secrets, self.iam, self.functions = (aws.client(name) for name in ("secretsmanager", "iam", "lambda"))
        self.arns = {host: self.secrets.describe_secret(SecretId=secret)["ARN"] for host, secret in SECRETS.items()}

    def state(self) -> dict[str, Any]:
        """Everything that a function could change; values as digests."""
        found: dict[str, Any] = {"users": {}, "mails": len(self.aws.remote.mail())}
        for host, secret in SECRETS.items():
            answer = self.secrets.describe_secret(SecretId=secret)
            values = {version: self._digest(secret, version) for version in answer["VersionIdsToStages"]}
            found[host] = (answer["VersionIdsToStages"], answer.get("Tags"), answer.get("RotationEnabled"), values)
        for _, user in USERS.values():
            keys = self.iam.list_access_keys(UserName=user)["AccessKeyMetadata"]
            tags = self.iam.get_user(UserName=user)["User"].get("Tags")
            found["users"][user] = ([(key["AccessKeyId"], key["Status"]) for key in keys], tags)
        schedules = self.aws.client("scheduler").list_schedules()["Schedules"]
        found["schedules"] = sorted(schedule["Name"] for schedule in schedules)
        return found

    def _digest(self, secret: str, version: str) -> str:
        try:
            answer = self.secrets.get_secret_value(SecretId=secret, VersionId=version)
        except self.secrets.exceptions.ResourceNotFoundException:
            return "no value"
        value = answer.get("SecretBinary") or answer["SecretString"].encode()
        return hashlib.sha256(value).hexdigest()

    def values(self) -> set[str]:
        """What no error may hold: every string that is only in a value, and the marks."""
        found = {MARK, ROTATION_TOKEN}
        for secret in SECRETS.values():
            try:
                document = json.loads(self.aws.value(secret))
            except (KeyError, ValueError):
                continue
            found |= {str(document[name]) for name in ("AWS_SECRET_ACCESS_KEY", "password") if name in document}
        return found

    def refused(self, function: str, event: Any) -> str:
        """Invoke a function that must refuse, and give its error message."""
        before, values, logged = self.state(), self.values(), len(self._log(function))
        answer = self.functions.invoke(FunctionName=function, Payload=json.dumps(event), LogType="Tail")
        payload = answer["Payload"].read().decode()
        assert self.state() == before
        assert answer.get("FunctionError"), payload
        lines = self._log(function)[logged:]
        assert lines, "nothing was logged"
        for text in (payload, *lines):
            assert not [value for value in values if value in text], "a value is shown"
        error = json.loads(payload)
        assert error["errorType"] != "Runtime.Unknown"
        assert "unexpected" not in error["errorMessage"], error["errorMessage"]
        return str(error["errorMessage"])

    def _log(self, function: str) -> list[str]:
        pages = (
            self.aws.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
        )
        return [event["message"] for page in pages for event in page["events"]]

    def step(self, host: str, step: str, token: str) -> dict[str, str]:
        """The event of a step."""
        return {
            "Step": step,
            "SecretId": self.arns[host],
            "ClientRequestToken": token,
            "RotationToken": ROTATION_TOKEN,
        }

    def pending(self, host: str, **value: Any) -> str:
        """Put a pending version by hand, as if a rotation ran; gives its token."""
        token = str(uuid.uuid4())
        value = value or {"SecretString": self.aws.value(SECRETS[host])}
        self.secrets.put_secret_value(
            SecretId=SECRETS[host], ClientRequestToken=token, VersionStages=["AWSPENDING"], **value
        )
        return token


@pytest.fixture(scope="module")
def fleet(endpoint: str) -> Deployed:
    aws = Aws(endpoint)
    aws.remote.reset()
    seed(aws)
    done = run("deploy", endpoint)
    assert done.code == 0, done.output
    return Deployed(aws)


@pytest.mark.parametrize("function", [IAM, NOOP])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Step": f"destroySecret {MARK}"}, "unknown Step; there are createSecret"),
        ({"Step": None}, "no Step"),
        ({"Action": f"rotate {MARK}"}, "unknown Action; the only one is retire"),
        ({"Action": "retire"}, "no AccessKeyId"),
        ({"Action": "retire", "AccessKeyId": MARK}, "does not look like an access key id"),
        ({"ClientRequestToken": ""}, "no ClientRequestToken"),
        ({"SecretId": None}, "no SecretId"),
        ({"SecretId": MARK}, "is not the ARN of a secret"),
        ({"SecretId": OTHERS.replace("us-east-1", "eu-west-1")}, "another account or Region"),
        ({"SecretId": OTHERS.replace("123456789012", "210987654321")}, "another account or Region"),
        ({"SecretId": OTHERS}, "secretsmanager:DescribeSecret failed"),
    ],
)
def test_events_that_nobody_sends(fleet: Deployed, function: str, changes: dict[str, Any], said: str) -> None:
    host = "bedrock-api" if function == IAM else "database-prod"
    event = {**fleet.step(host, "createSecret", str(uuid.uuid4())), **changes}
    assert said in fleet.refused(function, event)


@pytest.mark.parametrize("event", [[], MARK, 1, None], ids=["list", "text", "number", "null"])
def test_events_that_are_no_objects(fleet: Deployed, event: Any) -> None:
    assert "no JSON object" in fleet.refused(IAM, event)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("function", "host"), [(IAM, "bedrock-api"), (NOOP, "database-prod")])
def test_an_unknown_token(fleet: Deployed, function: str, host: str, step: str) -> None:
    token = str(uuid.uuid4())
    said = fleet.refused(function, fleet.step(host, step, token))
    assert f"{token} is not the pending version of {SECRETS[host]}" in said


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("function", "host"), [(IAM, "ecr-deployments"), (NOOP, "database-dev")])
def test_rotation_that_is_off(fleet: Deployed, function: str, host: str, step: str) -> None:
    fleet.secrets.cancel_rotate_secret(SecretId=SECRETS[host])
    said = fleet.refused(function, fleet.step(host, step, str(uuid.uuid4())))
    assert f"rotation of {SECRETS[host]} is off" in said


def test_a_secret_of_another_function(fleet: Deployed) -> None:
    event = fleet.step("database-prod", "createSecret", str(uuid.uuid4()))
    assert "secretsmanager:DescribeSecret failed: AccessDenied" in fleet.refused(IAM, event)


def test_a_key_that_is_nobodys_is_not_retired(fleet: Deployed) -> None:
    event = {"Action": "retire", "SecretId": fleet.arns["bedrock-api"], "AccessKeyId": "AKIA" + "Q" * 16}
    assert "no version of" in fleet.refused(IAM, event)
    event["SecretId"] = fleet.arns["database-prod"]
    assert "no access keys to retire" in fleet.refused(NOOP, event)


def tags(**wanted: str) -> Callable[[Deployed, str, str], None]:
    """Give the user these binding tags and no others."""

    def prepare(fleet: Deployed, user: str, _: str) -> None:
        fleet.iam.untag_user(UserName=user, TagKeys=["key-rotation:secret", "key-rotation:function"])
        fleet.iam.tag_user(UserName=user, Tags=[{"Key": f"key-rotation:{key}", "Value": wanted[key]} for key in wanted])

    return prepare


def current(**value: Any) -> Callable[[Deployed, str, str], None]:
    """Make this the secret's current value; USER_NAME and a whole document where only fields are given."""

    def prepare(fleet: Deployed, _: str, secret: str) -> None:
        kept = value if value.keys() & {"SecretBinary", "SecretString"} else None
        document = {"AWS_ACCESS_KEY_ID": "AKIA" + "Q" * 16, "AWS_SECRET_ACCESS_KEY": MARK, **value}
        fleet.secrets.put_secret_value(SecretId=secret, **(kept or {"SecretString": json.dumps(document)}))

    return prepare


@pytest.mark.parametrize("step", ["createSecret", "finishSecret"])
@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (tags(function=IAM), "IAM user bitbucket is bound to no secret .*; deploy enrols it"),
        (tags(function=IAM, secret=OTHERS), "IAM user bitbucket is bound to another secret than .*bitbucket"),
        (tags(), "IAM user bitbucket does not exist, or is not bound to this function"),
        (current(SecretBinary=MARK.encode()), "the secret is binary; strategy iam_access_key needs a JSON object"),
        (current(SecretString=MARK), "no JSON object; store one that has USER_NAME"),
        (current(), "no USER_NAME; add the IAM user's name"),
        (
            current(USER_NAME="nobody-of-that-name"),
            "IAM user nobody-of-that-name does not exist, or is not bound .*; deploy binds it",
        ),
        (current(USER_NAME="acmecorp-ai"), "IAM user acmecorp-ai is bound to another secret than .*bitbucket"),
    ],
    ids=["unbound", "foreign", "no-function-tag", "binary", "text", "nameless", "nobody", "another"],
)
def test_a_secret_or_a_user_that_does_not_fit(fleet: Deployed, prepare: Any, said: str, step: str) -> None:
    secret, user = USERS["bitbucket"]
    original = fleet.aws.value(secret)
    bound = {"secret": fleet.arns["bitbucket"], "function": IAM}
    try:
        prepare(fleet, user, secret)
        token = fleet.pending("bitbucket", SecretString=original)
        assert re.search(said, fleet.refused(IAM, fleet.step("bitbucket", step, token)))
    finally:
        tags(**bound)(fleet, user, secret)
        fleet.secrets.put_secret_value(SecretId=secret, SecretString=original)


def test_noop_refuses_access_keys(fleet: Deployed) -> None:
    secret = DATABASES["database-prod"]
    original = fleet.aws.value(secret)
    try:
        current()(fleet, "", secret)
        token = fleet.pending("database-prod", SecretString=original)
        for step in ("createSecret", "finishSecret"):
            said = fleet.refused(NOOP, fleet.step("database-prod", step, token))
            assert f"{secret} holds AWS_ACCESS_KEY_ID" in said
            assert "use rotation_strategy iam_access_key" in said
    finally:
        fleet.secrets.put_secret_value(SecretId=secret, SecretString=original)
