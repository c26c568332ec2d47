# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Alarms: made by one variable, with the documented rights and key policy; a failed rotation really arrives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demo.old_fleet import REGION, USERS
from demo.story import writes
from judge.options import statements_for_alarms as documented
from judge.options import trail
from sandbox.world import ACCOUNT
from tests.story.conftest import Story
from tests.story.person import Person, actions_of

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:key-rotation-alarms"
RULE = "key-rotation-failed"
ERRORS = {f"key-rotation-{name}-errors": f"key-rotation-{name}" for name in ("iam-access-key", "noop")}
QUEUE = "key-rotation-dead-letters"


def key(story: Story, *statements: dict[str, Any]) -> str:
    """A key whose policy has these statements."""
    policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    arn: str = story.aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"]
    return arn


def listen(story: Story, topic: str = TOPIC) -> None:
    """A queue that shows what the topic sends."""
    story.aws.client("sqs").create_queue(QueueName="seen")
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:seen"
    story.aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)


def heard(story: Story) -> list[dict[str, Any]]:
    """What the topic has sent since."""
    sqs = story.aws.client("sqs")
    url = sqs.get_queue_url(QueueName="seen")["QueueUrl"]
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(json.loads(item["Body"])["Message"]) for item in found]


def fail_a_rotation(story: Story, host: str = "bitbucket") -> str:
    """Take the binding away, rotate, and give the secret's ARN. Once for each host: a failed one stays under way."""
    secret, user = USERS[host]
    story.aws.client("iam").untag_user(UserName=user, TagKeys=["key-rotation:secret"])
    story.aws.remote.knobs(rotation_retry_seconds=[])
    arn: str = story.aws.client("secretsmanager").rotate_secret(SecretId=secret)["ARN"]
    story.aws.remote.advance(60)
    return arn


def alarms(story: Story) -> dict[str, dict[str, Any]]:
    found = story.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {alarm["AlarmName"]: alarm for alarm in found}


@pytest.fixture
def watched(old_fleet: Story) -> Story:
    """The inventory asks for alarms by mail; the account has a trail."""
    trail(old_fleet.aws)
    old_fleet.account["vars"] |= {
        "alarm_email": "oncall@acmecorp.com",
        "kms_key_arn": key(old_fleet, *documented()),
    }
    return old_fleet


def test_an_address_is_told_of_a_failed_rotation(watched: Story) -> None:
    operator = Person(watched.aws, "operator", "alarms")
    began = len(watched.aws.remote.journal())
    said = watched.play("deploy", "--check", **operator.credentials).output
    assert writes(watched.aws.remote.journal()[began:]) == []
    assert f"check mode does not look at the rule {RULE}" in said

    watched.play("deploy", **operator.credentials)
    topic = watched.aws.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]
    assert topic["KmsMasterKeyId"] == watched.account["vars"]["kms_key_arn"]
    listen(watched)
    for arguments in ((), ("--check",)):
        assert watched.play("deploy", *arguments, **operator.credentials).changed == 0
    assert heard(watched) == []

    secret = fail_a_rotation(watched)
    event = heard(watched)[-1]
    assert event["account"] == ACCOUNT
    assert event["detail"]["eventName"] == "RotationFailed"
    assert event["detail"]["additionalEventData"]["SecretId"] == secret

    # What somebody changed comes back, and that needs the rest of the rights.
    watched.aws.client("sns").set_topic_attributes(
        TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue="alias/aws/sns"
    )
    events = watched.aws.client("events")
    events.disable_rule(Name=RULE)
    events.put_targets(Rule=RULE, Targets=[{"Id": "other", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:seen"}])
    limited = ("--limit", "database-dev")
    watched.play("deploy", *limited, **operator.credentials)
    assert events.describe_rule(Name=RULE)["State"] == "ENABLED"
    assert [target["Arn"] for target in events.list_targets_by_rule(Rule=RULE)["Targets"]] == [TOPIC]
    assert watched.play("deploy", *limited, **operator.credentials).changed == 0
    assert (operator.refused, operator.idle & actions_of("alarms")) == (set(), set())


def test_the_alarms_ring_for_any_error_and_for_any_dead_letter(watched: Story) -> None:
    watched.play("deploy")
    found = alarms(watched)
    assert set(found) == {*ERRORS, QUEUE}
    for name, alarm in found.items():
        assert (alarm["ActionsEnabled"], alarm["AlarmActions"]) == (True, [TOPIC])
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", 0)
        assert (alarm["Period"], alarm["EvaluationPeriods"]) == (300, 1)
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["OKActions"] == ([TOPIC] if name == QUEUE else [])
    for name, function in ERRORS.items():
        alarm = found[name]
        assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Lambda", "Errors", "Sum")
        assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": function}]
    alarm = found[QUEUE]
    assert (alarm["Namespace"], alarm["MetricName"]) == ("AWS/SQS", "ApproximateNumberOfMessagesVisible")
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": QUEUE}]


def test_without_a_trail_or_without_the_keys_consent_nothing_arrives(watched: Story) -> None:
    watched.account["vars"]["kms_key_arn"] = key(watched, documented()[1])
    watched.play("deploy")
    listen(watched)
    fail_a_rotation(watched)
    assert heard(watched) == []
    watched.aws.client("sns").set_topic_attributes(
        TopicArn=TOPIC, AttributeName="KmsMasterKeyId", AttributeValue=key(watched, *documented())
    )
    watched.aws.client("cloudtrail").stop_logging(Name="account")
    fail_a_rotation(watched, "bedrock-api")
    assert heard(watched) == []
    watched.aws.client("cloudtrail").start_logging(Name="account")
    fail_a_rotation(watched, "ecr-deployments")
    assert heard(watched)


def test_a_topic_and_a_queue_of_the_users_are_left_alone(old_fleet: Story) -> None:
    topic = old_fleet.aws.client("sns").create_topic(Name="oncall")["TopicArn"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:mine"
    old_fleet.aws.client("sqs").create_queue(QueueName="mine")
    old_fleet.account["vars"]["alarm_topic_arn"] = topic
    began = len(old_fleet.aws.remote.journal())
    own_queue = ("-e", f"rotation_dead_letter_target_arn={queue}")
    old_fleet.play("deploy", *own_queue)
    written = writes(old_fleet.aws.remote.journal()[began:])
    assert [call for call in written if call.startswith("sns:")] == []
    found = {name: alarm["AlarmActions"] for name, alarm in alarms(old_fleet).items()}
    assert found == {name: [topic] for name in ERRORS}
    targets = old_fleet.aws.client("events").list_targets_by_rule(Rule=RULE)["Targets"]
    assert [target["Arn"] for target in targets] == [topic]
    pattern = json.loads(old_fleet.aws.client("events").describe_rule(Name=RULE)["EventPattern"])
    assert pattern["account"] == [ACCOUNT]
    assert old_fleet.play("deploy", *own_queue).changed == 0


def test_a_topic_that_could_not_be_encrypted_is_not_made(old_fleet: Story) -> None:
    """The inventory is checked before; the role's own variables, from -e or another playbook, come past that."""
    began = len(old_fleet.aws.remote.journal())
    done = old_fleet.play("deploy", "-e", "rotation_alarm_email=oncall@acmecorp.com", code=2)
    assert writes(old_fleet.aws.remote.journal()[began:]) == []
    said = " ".join(done.summary.split())
    assert "account acmecorp-prod (123456789012): rotation_alarm_email is set without rotation_kms_key_arn" in said
    assert "nothing was written. Name a key of yours (docs/alarms.md has its policy)" in said


def test_nobody_who_did_not_ask_gets_any(deployed: Story) -> None:
    assert alarms(deployed) == {}
    assert deployed.aws.client("events").list_rules()["Rules"] == []
    assert deployed.aws.client("sns").list_topics()["Topics"] == []
