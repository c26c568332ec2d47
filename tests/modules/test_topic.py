# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""rotation_topic: what its integration target cannot stage."""

from __future__ import annotations

from typing import Any

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
    "policy": {"Version": "2012-10-17", "Statement": []},
}


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
