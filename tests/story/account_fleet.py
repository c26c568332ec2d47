# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Accounts and Regions that are worked on in one run.

The embedded AWS is one account. A role stands for each account here, and only the roles may do anything: the person who
runs the playbooks may assume them and nothing else.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from demo.old_fleet import Aws, seed_user
from demo.playbook import CHECKOUT, Run, run
from sandbox.world import ACCOUNT

# Group of an account and Region: role, Region, its service accounts. The account job is deployed by a job of its own.
PLACES = {
    "prod_us": ("deploy-prod", "us-east-1", ("prod-us-api", "prod-us-mail")),
    "prod_eu": ("deploy-prod", "eu-west-1", ("prod-eu-api", "prod-eu-mail")),
    "dev": ("deploy-dev", "us-west-2", ("dev-api", "dev-mail")),
    "job_us": ("deploy-job", "us-east-2", ("job-us-api",)),
    "job_eu": ("deploy-job", "eu-central-1", ("job-eu-api",)),
    "lost": ("nosuch", "ap-southeast-2", ("lost-api", "lost-mail")),
    "strange": ("deploy-dev", "eu-north-1", ("strange-api",)),
}
HEALTHY = ("prod_us", "prod_eu", "dev")
LATE = "prod_eu"  # enrolled, and not rotated by that
# A profile that people may well have; boto3 takes a profile's keys from this file before it asks a credential_process.
OWN_PROFILE = "[key-rotation]\naws_access_key_id = AKIANOBODYSKEY000000\naws_secret_access_key = nobodys\n"


class AccountFleet:
    """The places above in an AWS of their own, and somebody who may only assume their roles."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.aws = Aws(endpoint)
        self.folder = folder
        for _, region, hosts in PLACES.values():
            aws = Aws(endpoint, region)
            for host in hosts:
                seed_user(aws, f"/{host}", host)
        iam = self.aws.client("iam")
        trust = _policy("sts:AssumeRole", Principal={"AWS": ACCOUNT})
        for role in ("deploy-prod", "deploy-dev", "deploy-job"):
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
            iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=_policy("*", Resource="*"))
        iam.create_user(UserName="controller")
        document = _policy("sts:AssumeRole", Resource=f"arn:aws:iam::{ACCOUNT}:role/deploy-*")
        iam.put_user_policy(UserName="controller", PolicyName="assume", PolicyDocument=document)
        key = iam.create_access_key(UserName="controller")["AccessKey"]
        self.credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
        self.shared_credentials = folder / "credentials"
        self.shared_credentials.write_text(OWN_PROFILE)

    @property
    def inventory(self) -> dict[str, Any]:
        """A group for each account; prod has two Regions."""
        groups: dict[str, Any] = {}
        for place, (role, region, hosts) in PLACES.items():
            groups[place] = {
                "vars": {
                    "aws_account": place.partition("_")[0],
                    "aws_account_id": "210987654321" if place == "strange" else ACCOUNT,
                    "aws_region": region,
                    "aws_role_arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
                    "rotation_strategy": "iam_access_key",
                    "rotate_on_enrol": "none" if place == LATE else "due",
                    "notify_from": "alerts@acmecorp.com",
                    "notify_email": f"{place.partition('_')[0]}@acmecorp.com",
                },
                "hosts": {host: {"secret_name": f"/{host}", "iam_user": host} for host in hosts},
            }
        for account in ("prod", "job"):
            children = {f"{account}_{place}": groups.pop(f"{account}_{place}") for place in ("us", "eu")}
            groups[account] = {"children": children}
        return {"all": {"children": groups}}

    def play(self, name: str, *arguments: str, code: int = 0, inventory: Path | None = None, **environment: str) -> Run:
        """Run a playbook as the one who may only assume the roles."""
        path = inventory or self.folder / "inventory.yml"
        if inventory is None:
            path.write_text(yaml.safe_dump(self.inventory, sort_keys=False))
        own = {**self.credentials, "AWS_SHARED_CREDENTIALS_FILE": str(self.shared_credentials)}
        done = run(name, self.aws.endpoint, *arguments, inventory=path, environment=own | environment)
        assert done.code == code, done.output
        assert "Traceback" not in done.output, done.output
        return done

    def journal(self, since: int = 0) -> list[dict[str, Any]]:
        """The calls after that many."""
        return self.aws.remote.journal()[since:]

    def versions(self) -> dict[str, str]:
        """The access key that each secret names now."""
        keys = {}
        for place, (_, region, hosts) in PLACES.items():
            aws = Aws(self.aws.endpoint, region)
            keys |= {f"{place}/{host}": aws.current_key(f"/{host}") for host in hosts}
        return keys


def _policy(action: str, **more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """The places in which every secret has another key; half a place is an error."""
    moved = {place for place in before if before[place] != after[place]}
    places = {name.partition("/")[0] for name in moved}
    assert moved == {name for name in before if name.partition("/")[0] in places}
    return places


def by_role(journal: list[dict[str, Any]], place: str) -> list[dict[str, Any]]:
    """What was called in a place's Region with the session of its role."""
    role, region, _ = PLACES[place]
    session = f":assumed-role/{role}/key-rotation"
    return [call for call in journal if (call["principal"] or "").endswith(session) and call["region"] == region]


@contextmanager
def serving(folder: Path) -> Iterator[AccountFleet]:
    """The fleet in an embedded AWS of its own process, where no other test moves the clock: a session's end must mean
    the same to boto3 as to AWS."""
    command = [sys.executable, "-m", "sandbox", "--port", "0"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield AccountFleet(server.stdout.readline().split()[5], folder)
        finally:
            server.terminate()
