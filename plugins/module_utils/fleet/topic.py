# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""An encrypted SNS topic with one address: community.aws.sns_topic cannot encrypt one."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .aws import Client, call, call_or_none

_MISSING = ("NotFound", "NotFoundException")
_GONE = "Deleted"
"""What stands in the place of the ARN of a subscription that has ended; one that waits for its yes is there."""


@dataclass(frozen=True)
class Topic:
    """What is wanted.

    Attributes:
        arn: of the topic; it need not exist.
        kms_key_arn: what encrypts it.
        policy: who may publish to it.
        email: an address that must be subscribed.
    """

    arn: str
    kms_key_arn: str
    policy: Mapping[str, Any]
    email: str


def bring_about(client: Client, topic: Topic, same: Callable[[Any, Any], bool], check_mode: bool) -> dict[str, Any]:
    """Make the topic, or bring it back to what it should be. Other subscriptions are never touched.

    Args:
        same: says whether two policies mean the same.

    Returns:
        The module's result.

    Raises:
        CallError: refused.
    """
    found = call_or_none("sns:GetTopicAttributes", client.get_topic_attributes, _MISSING, TopicArn=topic.arn)
    before = {} if found is None else _state(client, topic, found["Attributes"])
    after = {
        "topic": topic.arn,
        "kms_key_arn": topic.kms_key_arn,
        "policy": before["policy"] if before and same(before["policy"], topic.policy) else topic.policy,
        "email": topic.email,
    }
    if before != after and not check_mode:
        _write(client, topic, {name for name, value in after.items() if before.get(name) != value})
    return {"changed": before != after, "diff": {"before": before, "after": after}}


def _state(client: Client, topic: Topic, attributes: Mapping[str, str]) -> dict[str, Any]:
    return {
        "topic": topic.arn,
        "kms_key_arn": attributes.get("KmsMasterKeyId", ""),
        "policy": json.loads(attributes.get("Policy") or "{}"),
        "email": topic.email if _subscribed(client, topic) else "",
    }


def _subscribed(client: Client, topic: Topic) -> bool:
    more: dict[str, str] = {}
    while True:
        page = call("sns:ListSubscriptionsByTopic", client.list_subscriptions_by_topic, TopicArn=topic.arn, **more)
        for item in page["Subscriptions"]:
            if (item["Protocol"], item["Endpoint"]) == ("email", topic.email) and item["SubscriptionArn"] != _GONE:
                return True
        if not page.get("NextToken"):
            return False
        more = {"NextToken": page["NextToken"]}


def _write(client: Client, topic: Topic, differing: set[str]) -> None:
    attributes = {
        "kms_key_arn": ("KmsMasterKeyId", topic.kms_key_arn),
        "policy": ("Policy", json.dumps(topic.policy)),
    }
    if "topic" in differing:
        name = topic.arn.rpartition(":")[2]
        call("sns:CreateTopic", client.create_topic, Name=name, Attributes=dict(attributes.values()))
    else:
        for attribute, value in (attributes[name] for name in attributes if name in differing):
            call(
                "sns:SetTopicAttributes",
                client.set_topic_attributes,
                TopicArn=topic.arn,
                AttributeName=attribute,
                AttributeValue=value,
            )
    if "email" in differing:
        call("sns:Subscribe", client.subscribe, TopicArn=topic.arn, Protocol="email", Endpoint=topic.email)
