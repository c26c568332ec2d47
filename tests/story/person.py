# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Somebody with the rights of one of the documented policy files and no others."""

from __future__ import annotations

import json
from typing import Any

import boto3

from demo.old_fleet import REGION, Aws
from demo.playbook import CHECKOUT

SIDE_CHECKS = frozenset({"iam:PassRole", "lambda:InvokeFunction"})
"""Checked beside another action, and so not in the journal under their own names."""


class Person:
    """An IAM user with one policy, or several.

    Args:
        aws: where the user is made.
        name: of the user and of the file: docs/<name>-policy.json.
        more: further files.
    """

    def __init__(self, aws: Aws, name: str, *more: str) -> None:
        self._aws = aws
        self._name = name
        self.actions: set[str] = set()
        iam = aws.client("iam")
        iam.create_user(UserName=name)
        for file in (name, *more):
            self.actions |= actions_of(file)
            iam.put_user_policy(UserName=name, PolicyName=file, PolicyDocument=json.dumps(_policy(file)))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    def client(self, service: str) -> Any:
        """A client with this person's rights."""
        return boto3.client(
            service,
            endpoint_url=self._aws.endpoint,
            region_name=REGION,
            aws_access_key_id=self.credentials["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.credentials["AWS_SECRET_ACCESS_KEY"],
        )

    @property
    def refused(self) -> set[str]:
        """The actions that this person wanted and may not: what is missing in the file."""
        return {name(call) for call in self._calls() if not call["allowed"]}

    @property
    def idle(self) -> set[str]:
        """The actions that this person may and did not want."""
        return self.actions - {name(call) for call in self._calls()} - SIDE_CHECKS

    def _calls(self) -> list[dict[str, Any]]:
        own = f":user/{self._name}"
        return [call for call in self._aws.remote.journal() if (call["principal"] or "").endswith(own)]


def actions_of(file: str) -> set[str]:
    """What docs/<file>-policy.json allows."""
    return {action for statement in _policy(file)["Statement"] for action in _as_list(statement["Action"])}


def _policy(file: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CHECKOUT / "docs" / f"{file}-policy.json").read_text())
    return found


def name(call: dict[str, Any]) -> str:
    """The action of a call in the journal."""
    return f"{call['service']}:{call['action']}"


def _as_list(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions
