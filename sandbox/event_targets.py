# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""EventBridge rules that publish to SNS topics, which moto's cannot.

A topic takes an event if its own policy and, where it is encrypted with a customer key, the key's policy let
events.amazonaws.com. EventBridge sends no condition keys with either, so a statement with a Condition never applies.
What is refused is lost, as in AWS, where only the rule's metric FailedInvocations counts it.

Sources: EventBridge User Guide, "Using resource-based policies" (Amazon SNS permissions); SNS Developer Guide,
"Key management" (compatibility between event sources from AWS services and encrypted topics).
"""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.events.models import Rule
from moto.kms.models import kms_backends
from moto.sns.models import sns_backends

from .authorize import document
from .patching import original, replace
from .policy import Principal, Request, evaluate_resource_policy
from .world import ACCOUNT, World

_EVENT_BRIDGE = Principal(service="events.amazonaws.com")
_AWS_MANAGED = "alias/aws/sns"


def install(_: World) -> None:
    """Let rules deliver to topics."""
    deliver = original(Rule, "send_to_targets")

    def send_to_targets(self: Rule, original_event: dict[str, Any], transform_input: bool = True) -> None:
        others = copy.copy(self)
        others.targets = [target for target in self.targets if not _is_topic(target["Arn"])]
        deliver(others, original_event, transform_input)
        if self.event_pattern.matches_event(original_event):
            for target in self.targets:
                if _is_topic(target["Arn"]):
                    publish(target["Arn"], original_event)

    replace(Rule, "send_to_targets", send_to_targets)


def publish(topic_arn: str, event: dict[str, Any]) -> None:
    """Hand one event to a topic's subscribers; nothing happens when the topic is not there or may not be used."""
    topic = sns_backends[ACCOUNT][topic_arn.split(":")[3]].topics.get(topic_arn)
    if topic is None or not _allowed(topic.policy, "sns:Publish", topic_arn):
        return
    if topic.kms_master_key_id and not _usable(topic.kms_master_key_id, topic_arn.split(":")[3]):
        return
    topic.publish(json.dumps({name: value for name, value in event.items() if name != "ingestion-time"}))


def _usable(key_id: str, region: str) -> bool:
    """Whether EventBridge may encrypt with a key. Nobody can change the policy of the one that AWS manages."""
    if key_id.endswith(_AWS_MANAGED):
        return False
    backend = kms_backends[ACCOUNT][region]
    key = backend.keys.get(backend.get_key_id(key_id))
    if key is None or not key.enabled:
        return False
    return all(_allowed(key.policy, action, key.arn) for action in ("kms:Decrypt", "kms:GenerateDataKey"))


def _allowed(policy: str, action: str, resource: str) -> bool:
    return evaluate_resource_policy(document(policy), Request(action, resource), _EVENT_BRIDGE) == "allow"


def _is_topic(arn: str) -> bool:
    return arn.split(":")[2] == "sns"
