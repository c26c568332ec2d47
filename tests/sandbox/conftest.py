# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One embedded AWS for all tests of this folder, empty at the start of each."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.loaders import Loader, create_loader

from sandbox.world import ADMINISTRATOR, World

from .account import Account

REGION = "us-east-1"


@dataclass(frozen=True)
class Keys:
    """Credentials of one caller."""

    access_key_id: str
    secret: str
    token: str | None = None


class Aws:
    """What a test does with an embedded AWS: clients for any caller, control requests, callers with a policy."""

    def __init__(self, world: World, models: Loader) -> None:
        self.world = world
        self._models = models  # read once: parsing a service's description costs more than most tests

    def client(self, service: str, keys: Keys | None = None, region: str = REGION, **config: Any) -> Any:
        """A boto3 client that never retries, so that every refusal is seen."""
        keys = keys or Keys(*ADMINISTRATOR)
        base = botocore.session.Session()
        base.register_component("data_loader", self._models)
        session = boto3.Session(keys.access_key_id, keys.secret, keys.token, region, base)
        return session.client(
            service,
            endpoint_url=self.world.endpoint,
            config=Config(retries={"total_max_attempts": 1}, **config),
        )

    def control(self, method: str, name: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of one control request; body may be bytes to send as they are."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.world.endpoint}/_sandbox/{name}", data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())

    def user(self, name: str, *statements: dict[str, Any], path: str = "/") -> Keys:
        """A new IAM user that may do what the statements say, and its access key."""
        iam = self.client("iam")
        iam.create_user(UserName=name, Path=path)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Keys(key["AccessKeyId"], key["SecretAccessKey"])

    def role(self, name: str, *statements: dict[str, Any], trust: dict[str, Any] | None = None) -> str:
        """A new role that anyone of the account may assume, and its ARN."""
        statement = trust or {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": "sts:AssumeRole"}
        iam = self.client("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(statement))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        return str(arn)

    def session(self, role_arn: str, name: str = "work", keys: Keys | None = None, **more: Any) -> Keys:
        """Credentials of a session of a role."""
        sts = self.client("sts", keys)
        given = sts.assume_role(RoleArn=role_arn, RoleSessionName=name, **more)["Credentials"]
        return Keys(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


def policy(*statements: dict[str, Any]) -> str:
    """A policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def refused(call: Any, **parameters: Any) -> ClientError:
    """The error of a call that must be refused."""
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value


@pytest.fixture(scope="session")
def models() -> Loader:
    """botocore's descriptions of the services."""
    return create_loader(None)


@pytest.fixture
def aws(embedded_aws: World, models: Loader) -> Aws:
    """The embedded AWS, empty."""
    embedded = Aws(embedded_aws, models)
    assert embedded.control("POST", "reset")[0] == 200
    return embedded


@pytest.fixture(name="refused")
def refused_fixture() -> Any:
    """refused() for test files, which cannot import from here."""
    return refused


@pytest.fixture
def account(embedded_aws: World) -> Account:
    """The embedded AWS with what most tests of functions and rotations need."""
    account = Account(embedded_aws)
    account.control("reset", {})
    return account
