# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The service events of Secrets Manager, as CloudTrail and EventBridge carry them."""

from __future__ import annotations

import contextlib
import json
import uuid
from datetime import UTC, datetime
from typing import Any

from moto.cloudtrail.models import cloudtrail_backends
from moto.events.models import events_backends

from .secret_versions import Secret
from .world import ACCOUNT, World

DETAIL_TYPE = "AWS Service Event via CloudTrail"


def publish(world: World, secret: Secret, name: str, token: str, reason: str = "") -> None:
    """Record one event in world.events, and put it on the default event bus of the Region; world.lock is held.

    On the bus only what a trail records arrives. Source: EventBridge User Guide, "AWS service events delivered via
    AWS CloudTrail": "you must enable a CloudTrail trail with logging".

    Args:
        world: whose event it is.
        secret: which secret it is about.
        name: RotationStarted, RotationSucceeded, RotationFailed, RotationAbandoned, TestRotationStarted, ...
        token: the version id of the rotation.
        reason: why it failed; holds no value.
    """
    now = datetime.fromtimestamp(world.clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    more = {"SecretId": secret.arn, "ClientRequestToken": token, **({"Reason": reason} if reason else {})}
    detail: dict[str, Any] = {
        "eventVersion": "1.08",
        "eventTime": now,
        "eventSource": "secretsmanager.amazonaws.com",
        "eventName": name,
        "eventType": "AwsServiceEvent",
        "awsRegion": secret.region,
        "recipientAccountId": ACCOUNT,
        "additionalEventData": more,
    }
    world.events.append(
        {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": DETAIL_TYPE,
            "source": "aws.secretsmanager",
            "account": ACCOUNT,
            "time": now,
            "region": secret.region,
            "resources": [],
            "detail": detail,
        }
    )
    if not _recorded(secret.region):
        return
    entry = {"Source": "aws.secretsmanager", "DetailType": DETAIL_TYPE, "Detail": json.dumps(detail), "Time": now}
    with contextlib.suppress(NotImplementedError):  # a rule whose kind of target moto does not know
        events_backends[ACCOUNT][secret.region].put_events([entry])


def _recorded(region: str) -> bool:
    trails = cloudtrail_backends[ACCOUNT][region].describe_trails(include_shadow_trails=True)
    return any(trail.status.is_logging for trail in trails)
