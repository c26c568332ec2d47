# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a rule sends to a topic arrives only where AWS would let it through."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.world import World
from tests.sandbox.account import Account

TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
OPEN: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "events.amazonaws.com"},
    "Action": "sns:Publish",
    "Resource": TOPIC,
}
HERE = {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}
FOR_KEY: dict[str, Any] = {**OPEN, "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*"}
EVENT = {"Source": "a.test", "DetailType": "t", "Detail": '{"n": 1}'}


class Wire:
    """A rule, a topic, and a queue that shows what arrives."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.sns = account.client("sns")
        self.events = account.client("events")
        self.sqs = account.client("sqs")
        self.sns.create_topic(Name="alarms")
        self.url = self.sqs.create_queue(QueueName="seen")["QueueUrl"]
        self.sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:seen")
        self.events.put_rule(Name="r", EventPattern='{"source": ["a.test"]}')
        self.events.put_targets(Rule="r", Targets=[{"Id": "1", "Arn": TOPIC}])

    def policy(self, *statements: dict[str, Any]) -> str:
        return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})

    def allow(self, *statements: dict[str, Any]) -> None:
        self.set("Policy", self.policy(*statements))

    def encrypt(self, *statements: dict[str, Any]) -> None:
        key = self.account.client("kms").create_key(Policy=self.policy(*statements))
        self.set("KmsMasterKeyId", key["KeyMetadata"]["Arn"])

    def set(self, name: str, value: str) -> None:
        self.sns.set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=value)

    def arrived(self, **other: str) -> list[Any]:
        """Send one event, and give the details that arrived."""
        self.events.put_events(Entries=[{**EVENT, **other}])
        found = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(item["Body"])["Message"])["detail"] for item in found]


@pytest.fixture
def wire(embedded_aws: World) -> Wire:
    account = Account(embedded_aws)
    account.control("reset", {})
    return Wire(account)


def test_a_topic_that_lets_the_service_publish_gets_what_matches(wire: Wire) -> None:
    wire.allow(OPEN)
    assert wire.arrived() == [{"n": 1}]
    assert wire.arrived(Source="another") == []


def test_nothing_arrives_under_the_default_policy_or_under_a_condition(wire: Wire) -> None:
    assert wire.arrived() == []
    wire.allow({**OPEN, **HERE})
    assert wire.arrived() == []


def test_an_encrypted_topic_needs_a_key_that_lets_the_service_too(wire: Wire) -> None:
    wire.allow(OPEN)
    wire.encrypt({**FOR_KEY, **HERE})
    assert wire.arrived() == []
    wire.set("KmsMasterKeyId", "alias/aws/sns")
    assert wire.arrived() == []
    wire.encrypt(FOR_KEY)
    assert wire.arrived() == [{"n": 1}]


def test_a_rule_with_several_targets_reaches_them_all(wire: Wire) -> None:
    wire.allow(OPEN)
    other = "arn:aws:sqs:us-east-1:123456789012:other"
    url = wire.sqs.create_queue(QueueName="other")["QueueUrl"]
    wire.events.put_targets(Rule="r", Targets=[{"Id": "2", "Arn": other}])
    assert wire.arrived() == [{"n": 1}]
    assert len(wire.sqs.receive_message(QueueUrl=url)["Messages"]) == 1


def test_a_topic_that_is_gone_breaks_nothing(wire: Wire) -> None:
    wire.sns.delete_topic(TopicArn=TOPIC)
    assert wire.arrived() == []


def test_events_of_secrets_manager_reach_a_rule_only_while_a_trail_logs(wire: Wire) -> None:
    wire.allow(OPEN)
    wire.events.put_rule(Name="r", EventPattern='{"source": ["aws.secretsmanager"]}')
    _, function = wire.account.rotating()
    seen: list[list[str]] = []
    cloudtrail = wire.account.client("cloudtrail")
    wire.account.client("s3").create_bucket(Bucket="trail")
    cloudtrail.create_trail(Name="account", S3BucketName="trail", IsMultiRegionTrail=True)
    for begin in (False, True):
        if begin:
            cloudtrail.start_logging(Name="account")
        wire.account.rotate(function)
        wire.account.idle()
        seen.append([detail["eventName"] for detail in wire.arrived(Source="nobody's")])
    assert seen == [[], ["RotationStarted", "RotationSucceeded"]]
