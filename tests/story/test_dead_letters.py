# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A retirement that never reaches the function is no silent loss: it lies in the queue that the deploy made."""

from __future__ import annotations

import json

from demo.old_fleet import USERS
from tests.story.conftest import Story

HOUR = 3600
FUNCTION = "key-rotation-iam-access-key"


def test_a_retirement_that_cannot_be_delivered_lies_in_the_queue(deployed: Story) -> None:
    old = {secret: deployed.aws.keys(user)[0].key_id for secret, user in USERS.values()}
    deployed.aws.client("lambda").delete_function(FunctionName=FUNCTION)
    queues = deployed.aws.client("sqs")
    queue = queues.get_queue_url(QueueName="key-rotation-dead-letters")["QueueUrl"]
    deployed.aws.remote.advance(29 * HOUR)
    assert queues.receive_message(QueueUrl=queue).get("Messages") is None
    deployed.aws.remote.advance(2 * HOUR)
    found = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    assert {letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] for letter in found} == {
        "ResourceNotFoundException"
    }
    events = [json.loads(json.loads(letter["Body"])["Payload"]) for letter in found]
    assert {
        event["SecretId"].rpartition("-")[0].partition(":secret:")[2]: event["AccessKeyId"] for event in events
    } == old
