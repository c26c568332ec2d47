# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The world that most teams have today: keys of 100 days in secrets that nobody rotates."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import Any

import boto3

from sandbox.remote import Remote
from sandbox.world import ADMINISTRATOR

KEY_AGE_DAYS = 100
REGION = "us-east-1"

USERS = {
    "bedrock-api": ("/acmecorp/bedrock/model/acmecorp-ai/credentials", "acmecorp-ai"),
    "ecr-deployments": ("/acmecorp/service/ecr-deployments/credentials", "ecr-deployments"),
    "bitbucket": ("/acmecorp/service/bitbucket/credentials", "bitbucket"),
}
DATABASES = {
    "database-dev": "/acmecorp/dev/database/credentials",
    "database-prod": "/acmecorp/prod/database/credentials",
}
SECRETS = {**{host: secret for host, (secret, _) in USERS.items()}, **DATABASES}


@dataclass(frozen=True)
class Key:
    """One access key as a table shows it."""

    key_id: str
    active: bool
    age_days: int


class Aws:
    """The embedded AWS as its administrator sees it: clients, and the control addresses."""

    def __init__(self, endpoint: str, region: str = REGION) -> None:
        self.endpoint = endpoint
        self.remote = Remote(endpoint)
        self._session = boto3.session.Session(*ADMINISTRATOR, region_name=region)

    def client(self, service: str) -> Any:
        """A boto3 client."""
        return self._session.client(service, endpoint_url=self.endpoint)

    def key_client(self, access_key_id: str, secret_access_key: str) -> Any:
        """STS with a user's own key."""
        session = boto3.session.Session(access_key_id, secret_access_key, region_name=REGION)
        return session.client("sts", endpoint_url=self.endpoint)

    def keys(self, user: str) -> list[Key]:
        """A user's keys, oldest first, with their ages on the virtual clock."""
        now = self.remote.now()
        listed = self.client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
        keys = [
            Key(key["AccessKeyId"], key["Status"] == "Active", int((now - key["CreateDate"].timestamp()) // 86400))
            for key in listed
        ]
        return sorted(keys, key=lambda key: -key.age_days)

    def value(self, secret: str) -> str:
        """A secret's current value: for comparing, never for printing."""
        return str(self.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"])

    def current_key(self, secret: str) -> str:
        """The access key id that a secret's current document names."""
        return str(json.loads(self.value(secret))["AWS_ACCESS_KEY_ID"])


def seed_user(aws: Aws, secret: str, user: str, age_days: float = KEY_AGE_DAYS) -> str:
    """One IAM user with an old key in a secret that nobody rotates; gives the key id."""
    iam = aws.client("iam")
    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    aws.remote.age_key(key["AccessKeyId"], age_days, last_used_days=1)
    document = {
        "USER_NAME": user,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "OWNER": "a field that rotation knows nothing of",
    }
    aws.client("secretsmanager").create_secret(Name=secret, SecretString=json.dumps(document))
    return str(key["AccessKeyId"])


def seed(aws: Aws) -> None:
    """The whole fleet of inventory/acmecorp.yml."""
    for secret, user in USERS.values():
        seed_user(aws, secret, user)
    for host, secret in DATABASES.items():
        document = {"username": "app", "password": f"a password of {host} that must stay as it is", "port": 5432}
        aws.client("secretsmanager").create_secret(Name=secret, SecretString=json.dumps(document))


if __name__ == "__main__":
    seed(Aws(sys.argv[1]))
