# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What each Deny and each Condition keeps from happening: calls that are refused, and go through without it.

They are made with a session of the role itself. Where another lock is in front (a Deny has no effect as long as nothing
allows), the probe adds a policy that opens it, as a careless administrator might.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.sts.models import sts_backends

from sandbox.roles import trusts
from sandbox.world import ACCOUNT

from .embedded_lab import REGION, SENDER, Lab

STRANGER = "somebody-else"
FUNCTION, NOOP = "key-rotation-iam-access-key", "key-rotation-noop"
RETIREMENT = "key-rotation-retirement"
_FOREIGN = "999999999999"
Clients = Callable[[str], Any]


@dataclass(frozen=True)
class Probe:
    """One call that must be refused.

    Attributes:
        role: without its Region.
        sid: of the statement.
        part: what is taken away: Deny (the statement), Resource (it becomes *), or a Condition's key.
        possible: what is possible without it.
        act: the call, with clients of the role's session.
        opened: an action that a second policy allows on everything.
    """

    role: str
    sid: str
    part: str
    possible: str
    act: Callable[[Clients], Any]
    opened: str = ""


def _mail(sender: str, to: str) -> Callable[[Clients], Any]:
    content = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "b"}}}}
    return lambda clients: clients("sesv2").send_email(
        FromEmailAddress=sender, Destination={"ToAddresses": [to]}, Content=content
    )


def _schedule(clients: Clients) -> Any:
    return clients("scheduler").create_schedule(
        GroupName="key-rotation",
        Name="probe",
        ScheduleExpression="rate(6 hours)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": _function(NOOP), "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/administration"},
    )


def _function(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def _read(secret: str) -> Callable[[Clients], Any]:
    return lambda clients: clients("secretsmanager").get_secret_value(SecretId=secret)


def _write_log(function: str) -> Callable[[Clients], Any]:
    return lambda clients: clients("logs").create_log_stream(
        logGroupName=f"/aws/lambda/{function}", logStreamName="probe"
    )


def _take_over(clients: Clients) -> Any:
    role = f"arn:aws:iam::{ACCOUNT}:role/{RETIREMENT}-{REGION}"
    return clients("lambda").update_function_configuration(FunctionName=NOOP, Role=role)


def _switch_off(lab: Lab, key_id: str) -> Callable[[Clients], Any]:
    return lambda clients: clients("iam").update_access_key(UserName=STRANGER, AccessKeyId=key_id, Status="Inactive")


def probes(lab: Lab) -> list[Probe]:
    """Make the strangers that the probes are about, and list the probes."""
    lab.iam.create_user(UserName=STRANGER)
    key_id = lab.iam.create_access_key(UserName=STRANGER)["AccessKey"]["AccessKeyId"]
    lab.secrets.create_secret(Name="unattached", SecretString="x")
    trust = {"Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    lab.iam.create_role(RoleName="administration", AssumeRolePolicyDocument=document)
    another = lab.client("sqs").create_queue(QueueName="another-queue")["QueueUrl"]
    found = [
        Probe(
            FUNCTION,
            "UsersThatThisFunctionRotates",
            "aws:ResourceTag/key-rotation:function",
            "another user's key is switched off",
            _switch_off(lab, key_id),
        ),
        Probe(
            FUNCTION,
            "NoKeysForAnyOtherUser",
            "Deny",
            "a key for a user without the function's tag, once another policy allows CreateAccessKey",
            lambda clients: clients("iam").create_access_key(UserName=STRANGER),
            "iam:CreateAccessKey",
        ),
        Probe(
            FUNCTION,
            "RetirementSchedules",
            "Resource",
            "a schedule of another group is deleted",
            lambda clients: clients("scheduler").delete_schedule(GroupName="default", Name="x"),
        ),
        Probe(
            FUNCTION,
            "RetirementRole",
            "iam:PassedToService",
            "the retirement role is given to a function, once another policy allows to change functions",
            _take_over,
            "lambda:UpdateFunctionConfiguration",
        ),
        Probe(
            FUNCTION,
            "NoOtherRole",
            "Deny",
            "a schedule runs under any role that trusts the scheduler, once another policy allows PassRole",
            _schedule,
            "iam:PassRole",
        ),
        Probe(
            FUNCTION,
            "Mails",
            "ses:FromAddress",
            "a mail in another sender's name",
            _mail("ceo@acmecorp.com", "slot0@acmecorp.com"),
        ),
        Probe(
            FUNCTION,
            "Mails",
            "ses:Recipients",
            "a mail to a stranger",
            _mail(SENDER, "stranger@example.com"),
        ),
        Probe(
            RETIREMENT,
            "TheFunctionThatRetires",
            "Resource",
            "another function is invoked",
            lambda clients: clients("lambda").invoke(FunctionName=NOOP, Payload="{}"),
        ),
        Probe(
            RETIREMENT,
            "DeadLetters",
            "Resource",
            "a message in another queue",
            lambda clients: clients("sqs").send_message(QueueUrl=another, MessageBody="probe"),
        ),
    ]
    for own, other in ((FUNCTION, NOOP), (NOOP, FUNCTION)):
        found += [
            Probe(
                own,
                "SecretsThatThisFunctionRotates",
                "secretsmanager:resource/AllowRotationLambdaArn",
                "a secret is read that this function does not rotate",
                _read("unattached"),
            ),
            Probe(
                own,
                "KeyOfTheSecrets",
                "kms:EncryptionContext:SecretARN",
                "the key encrypts something else than a secret",
                lambda clients: clients("kms").generate_data_key(KeyId=lab.key_arn, KeySpec="AES_256"),
            ),
            Probe(own, "ItsOwnLog", "Resource", "lines in another function's log", _write_log(other)),
        ]
    return found


class Session:
    """A session of a role, made without asking its trust policy: a function's process has one alike."""

    def __init__(self, lab: Lab, role: str) -> None:
        self._lab = lab
        with lab.world.lock:
            self._keys = sts_backends[ACCOUNT]["aws"].assume_role(
                region_name=REGION,
                role_session_name="probe",
                role_arn=f"arn:aws:iam::{ACCOUNT}:role/{role}",
                policy="",
                duration=3600,
                external_id="",
            )

    def client(self, service: str) -> Any:
        """A client with the role's rights."""
        return boto3.client(
            service,
            endpoint_url=self._lab.world.endpoint,
            region_name=REGION,
            aws_access_key_id=self._keys.access_key_id,
            aws_secret_access_key=self._keys.secret_access_key,
            aws_session_token=self._keys.session_token,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def may(self, act: Callable[[Clients], Any]) -> bool:
        """Whether IAM lets a call through; what the service then says to it does not count."""
        try:
            act(self.client)
        except ClientError as refused:
            return not refused.response["Error"]["Code"].startswith("AccessDenied")
        return True


def trust_without(lab: Lab, role: str, key: str, context: dict[str, str]) -> tuple[bool, bool]:
    """Whether the role's service may assume it for a foreign source: as it is, and without one condition."""
    arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
    document = lab.iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]
    service = document["Statement"][0]["Principal"]["Service"]
    before = trusts(arn, service, context)
    thinner = json.loads(json.dumps(document))
    conditions = thinner["Statement"][0]["Condition"]["StringEquals"]
    del conditions[key]
    lab.iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(thinner))
    after = trusts(arn, service, context)
    lab.iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(document))
    return before, after


TRUSTS = [
    *(
        (role, "aws:SourceAccount", {"aws:SourceAccount": _FOREIGN}, "the service acts as it for another account")
        for role in (FUNCTION, NOOP)
    ),
    (
        RETIREMENT,
        "aws:SourceAccount",
        {
            "aws:SourceAccount": _FOREIGN,
            "aws:SourceArn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/key-rotation",
        },
        "the service acts as it for another account",
    ),
    (
        RETIREMENT,
        "aws:SourceArn",
        {
            "aws:SourceAccount": ACCOUNT,
            "aws:SourceArn": f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule-group/default",
        },
        "a schedule of another group acts as it",
    ),
]
"""Role, condition key, a source that must not be served, and what it could do."""
