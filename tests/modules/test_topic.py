# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""rotation_topic: four ways, exactly what differs, and nobody else's subscription."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.sns.models import sns_backends

from ansible_collections.evergreen.key_rotation.plugins.modules import rotation_topic
from ansible_collections.evergreen.key_rotation.tests.modules.conftest import Lab
from demo.old_fleet import REGION
from sandbox.world import ACCOUNT

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:key-rotation-alarms"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555"
OPTIONS: dict[str, Any] = {
    "arn": TOPIC,
    "kms_key_arn": KEY,
    "email": "oncall@acmecorp.com",
    "policy": {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Rules",
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": TOPIC,
            }
        ],
    },
}
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:mine"


def subscriptions(lab: Lab) -> set[str]:
    found = lab.aws.client("sns").list_subscriptions_by_topic(TopicArn=TOPIC)["Subscriptions"]
    return {item["Endpoint"] for item in found}


def test_a_topic_is_made_four_ways(lab: Lab) -> None:
    result = lab.four_ways(rotation_topic, **OPTIONS)
    assert (result["diff"]["before"], result["diff"]["after"]["kms_key_arn"]) == ({}, KEY)
    attributes = lab.aws.client("sns").get_topic_attributes(TopicArn=TOPIC)["Attributes"]
    assert attributes["KmsMasterKeyId"] == KEY
    assert "AWS:SourceOwner" not in attributes["Policy"]
    assert subscriptions(lab) == {"oncall@acmecorp.com"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("KmsMasterKeyId", "alias/aws/sns"), ("Policy", '{"Version": "2012-10-17", "Statement": []}')],
)
def test_what_drifted_comes_back_and_other_subscriptions_stay(lab: Lab, name: str, value: str) -> None:
    lab.changed(rotation_topic, expected=True, **OPTIONS)
    sns = lab.aws.client("sns")
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE)
    sns.set_topic_attributes(TopicArn=TOPIC, AttributeName=name, AttributeValue=value)
    began = len(lab.aws.remote.journal())
    lab.four_ways(rotation_topic, **OPTIONS)
    writes = [call["action"] for call in lab.aws.remote.journal()[began:] if call["action"][:3] not in ("Get", "Lis")]
    assert writes == ["SetTopicAttributes"]
    assert subscriptions(lab) == {"oncall@acmecorp.com", QUEUE}


def test_a_policy_that_is_written_with_lists_is_the_same(lab: Lab) -> None:
    lab.changed(rotation_topic, expected=True, **OPTIONS)
    statement = {**OPTIONS["policy"]["Statement"][0], "Action": ["sns:Publish"], "Resource": [TOPIC]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    lab.aws.client("sns").set_topic_attributes(TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)
    lab.changed(rotation_topic, expected=False, **OPTIONS)


def test_another_address_is_subscribed_beside_the_former(lab: Lab) -> None:
    lab.changed(rotation_topic, expected=True, **OPTIONS)
    lab.four_ways(rotation_topic, **{**OPTIONS, "email": "night@acmecorp.com"})
    assert subscriptions(lab) == {"oncall@acmecorp.com", "night@acmecorp.com"}


def test_an_address_that_unsubscribed_is_asked_again(lab: Lab) -> None:
    lab.changed(rotation_topic, expected=True, **OPTIONS)
    for subscription in sns_backends[ACCOUNT][REGION].subscriptions.values():
        subscription.arn = "Deleted"  # as AWS shows it for a while
    lab.changed(rotation_topic, check=True, expected=True, **OPTIONS)


def test_an_address_on_a_later_page_is_found(lab: Lab) -> None:
    lab.changed(rotation_topic, expected=True, **OPTIONS)
    sns = lab.aws.client("sns")
    for number in range(120):
        sns.subscribe(TopicArn=TOPIC, Protocol="email", Endpoint=f"person-{number}@acmecorp.com")
    lab.changed(rotation_topic, expected=False, **{**OPTIONS, "email": "person-119@acmecorp.com"})


def test_a_refusal_names_the_topic(lab: Lab) -> None:
    result = lab.run(rotation_topic, **{**OPTIONS, "arn": f"arn:aws:sns:{REGION}:{ACCOUNT}:not a name"})
    assert result["msg"].startswith(f"topic arn:aws:sns:{REGION}:{ACCOUNT}:not a name: sns:")
