# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The fleet that is judged: what its users may do, who uses its keys, what the collection made for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from demo.old_fleet import KEY_AGE_DAYS, REGION, SECRETS, USERS, Aws, seed
from demo.playbook import INVENTORY, run
from sandbox.world import ACCOUNT

from .checks import ALARM, FUNCTION, LOG_GROUP, QUEUE, ROLE, SECRET, SUBSCRIPTION, TOPIC, USER
from .scanner import JudgeError

HOUR = 3600
DAY = 24 * HOUR
GRACE_OVER = DAY + HOUR
LESS_WAITING = ("-e", "rotation_proof_spacing_seconds=0.05")
"""A new key is proven three times as ever; at the end of many rotations the pauses would only cost time."""


class KeptAws(Aws):
    """The embedded AWS, each client made once: over a year of days their making costs more than their calls."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint)
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """A boto3 client."""
        if service not in self._clients:
            self._clients[service] = super().client(service)
        return self._clients[service]

    def key_client(self, access_key_id: str, secret_access_key: str) -> Any:
        """STS with a user's own key."""
        if access_key_id not in self._clients:
            self._clients[access_key_id] = super().key_client(access_key_id, secret_access_key)
        return self._clients[access_key_id]


def seed_working(aws: Aws, key_age_days: float = KEY_AGE_DAYS) -> None:
    """The old fleet of the demo, whose users are permitted what such users are permitted."""
    seed(aws)
    for _, user in USERS.values():
        for key in aws.keys(user):
            aws.remote.age_key(key.key_id, key_age_days)
    iam = aws.client("iam")
    allow = {
        "Effect": "Allow",
        "Action": ["bedrock:InvokeModel", "ecr:BatchGetImage"],
        "Resource": "arn:aws:bedrock:*:*:*",
    }
    iam.create_group(GroupName="services")
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.put_group_policy(GroupName="services", PolicyName="work", PolicyDocument=document)
    for _, user in USERS.values():
        iam.add_user_to_group(GroupName="services", UserName=user)


def deploy(
    aws: Aws, folder: Path, service_accounts: dict[str, Any], account: dict[str, Any], twice: bool = True
) -> None:
    """Deploy with real ansible-playbook, twice: the second time changes nothing.

    Args:
        folder: for the inventory.
        service_accounts: variables over those of the example's service accounts.
        account: variables over those of the example's account.

    Raises:
        JudgeError: it failed, or the second changed something.
    """
    inventory = yaml.safe_load(INVENTORY.read_text())
    group = inventory["all"]["children"]["acmecorp_prod"]
    group["vars"] |= {**account, **service_accounts}
    path = folder / "inventory.yml"
    path.write_text(yaml.safe_dump(inventory, sort_keys=False))
    package = ("-e", f"rotation_package_path={folder / 'rotation.zip'}")
    for again in (False, True) if twice else (False,):
        done = run("deploy", aws.endpoint, *LESS_WAITING, *package, inventory=path)
        if done.code != 0:
            raise JudgeError(f"deploy ended with {done.code}:\n{done.output}")
        if again and done.changed:
            raise JudgeError(f"the second deploy changed {done.changed} things:\n{done.output}")


def resources(aws: Aws, alarms: bool = False) -> dict[str, dict[str, str]]:
    """What the collection rotates and made: kind -> ARN -> name.

    Args:
        alarms: whether alarm_email was set.
    """
    here = f"{REGION}:{ACCOUNT}"
    names = ("key-rotation-iam-access-key", "key-rotation-noop")
    roles = [*(f"{name}-{REGION}" for name in names), f"key-rotation-retirement-{REGION}"]
    secrets = aws.client("secretsmanager")
    return {
        USER: {f"arn:aws:iam::{ACCOUNT}:user/{user}": user for _, user in USERS.values()},
        SECRET: {secrets.describe_secret(SecretId=name)["ARN"]: name for name in SECRETS.values()},
        FUNCTION: {f"arn:aws:lambda:{here}:function:{name}": name for name in names},
        ROLE: {f"arn:aws:iam::{ACCOUNT}:role/{name}": name for name in roles},
        LOG_GROUP: {f"arn:aws:logs:{here}:log-group:/aws/lambda/{name}:*": name for name in names},
        QUEUE: {f"arn:aws:sqs:{here}:key-rotation-dead-letters": "key-rotation-dead-letters"},
        **(_alarms(aws, names) if alarms else {kind: {} for kind in (TOPIC, SUBSCRIPTION, ALARM)}),
    }


def _alarms(aws: Aws, functions: tuple[str, ...]) -> dict[str, dict[str, str]]:
    here = f"{REGION}:{ACCOUNT}"
    topic = f"arn:aws:sns:{here}:key-rotation-alarms"
    (subscription,) = aws.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    alarms = [*(f"{name}-errors" for name in functions), "key-rotation-dead-letters"]
    return {
        TOPIC: {topic: "key-rotation-alarms"},
        SUBSCRIPTION: {subscription["SubscriptionArn"]: subscription["Endpoint"]},
        ALARM: {f"arn:aws:cloudwatch:{here}:alarm:{name}": name for name in alarms},
    }


class Consumers:
    """Those who use the keys: two read the secret each time; the third holds a copy until two days after a rotation.

    Nobody reads the database secrets: their rotations alone must keep them from being called unused.

    Args:
        slow: whether the third holds a copy; without a grace period it could not work.
    """

    COPY_DAYS = 2.0

    def __init__(self, aws: Aws, slow: bool = True) -> None:
        self._aws = aws
        self._slow = "bitbucket" if slow else ""
        self._copy: dict[str, str] = {}
        self._stale_since = 0.0

    def work(self) -> None:
        """Each uses its key once.

        Raises:
            botocore ClientError: a key that a consumer holds does not work.
        """
        for host, (secret, _) in USERS.items():
            document = json.loads(self._aws.value(secret))
            if host == self._slow:
                document = self._held(document)
            client = self._aws.key_client(document["AWS_ACCESS_KEY_ID"], document["AWS_SECRET_ACCESS_KEY"])
            client.get_caller_identity()

    def _held(self, current: dict[str, str]) -> dict[str, str]:
        """What the slow one uses, while the secret holds current."""
        now = self._aws.remote.now()
        if not self._copy or self._copy == current:
            self._copy, self._stale_since = current, 0.0
        elif not self._stale_since:
            self._stale_since = now
        elif now - self._stale_since >= self.COPY_DAYS * DAY:
            self._copy, self._stale_since = current, 0.0
        return self._copy


def active_keys(aws: Aws) -> dict[str, int]:
    """User ARN -> how many Active keys."""
    return {
        f"arn:aws:iam::{ACCOUNT}:user/{user}": sum(key.active for key in aws.keys(user)) for _, user in USERS.values()
    }
