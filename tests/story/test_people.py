# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The documented rights of who may only rotate, and of who may only look, are enough, and none of them is idle."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from demo.old_fleet import REGION, SECRETS, USERS
from demo.playbook import CHECKOUT
from demo.story import Fleet
from sandbox.world import ACCOUNT
from tests.story.person import Person

HOUR = 3600
ONLY_AFTER_A_STORED_VALUE = {"secretsmanager:ListSecretVersionIds"}
"""Asked for when a failed rotation has stored its value: then a run first waits for a whole time-out."""
WHAT_AN_AUDIT_READS = ("reader.py", "account_reader.py")


def test_the_rotate_policy_is_enough_to_rotate_and_to_clear_up_a_failure_and_for_no_more(deployed):
    rotator = Person(deployed.aws, "rotate")
    deployed.aws.remote.advance(25 * HOUR)
    before = Fleet.read(deployed.aws)
    deployed.aws.remote.fault(service="iam", action="CreateAccessKey", kind="access_denied", when="before", times=1)
    done = deployed.play("rotate", "--limit", "bitbucket", code=2, **rotator.credentials)
    assert "iam:CreateAccessKey" in done.summary, "the reason is read from the function's log"
    deployed.play("rotate", **rotator.credentials)
    after = Fleet.read(deployed.aws)
    assert all(before.accounts[host].version != after.accounts[host].version for host in SECRETS)
    assert (rotator.refused, rotator.idle) == (set(), ONLY_AFTER_A_STORED_VALUE)
    for call in forbidden_calls(deployed, rotator):
        with pytest.raises(ClientError, match="AccessDenied"):
            call()


def forbidden_calls(deployed, rotator: Person) -> Iterator[Callable[[], object]]:
    """What somebody who may only rotate must not do: enrol, read or write other values, move AWSCURRENT, make keys."""
    deployed.aws.client("secretsmanager").create_secret(Name="unattached", SecretString="x")
    secrets, iam = rotator.client("secretsmanager"), rotator.client("iam")
    secret, user = USERS["bitbucket"]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:key-rotation-noop"
    stages = deployed.aws.client("secretsmanager").describe_secret(SecretId=secret)["VersionIdsToStages"]
    versions = {label: version for version, labels in stages.items() for label in labels}
    move = {"MoveToVersionId": versions["AWSPREVIOUS"], "RemoveFromVersionId": versions["AWSCURRENT"]}
    yield lambda: secrets.rotate_secret(SecretId="unattached", RotationLambdaARN=function)
    yield lambda: secrets.get_secret_value(SecretId="unattached")
    yield lambda: secrets.put_secret_value(SecretId=secret, SecretString="x")
    yield lambda: secrets.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", **move)
    yield lambda: iam.tag_user(UserName=user, Tags=[{"Key": "key-rotation:secret", "Value": "x"}])
    yield lambda: iam.create_access_key(UserName=user)


def test_the_audit_policy_is_enough_to_look_and_nothing_in_it_is_idle(deployed):
    auditor = Person(deployed.aws, "audit")
    found = look(deployed.endpoint, auditor)
    assert {secret["name"] for secret in found["secrets"]} == set(SECRETS)
    assert [secret["unread"] for secret in found["secrets"] if secret.get("unread")] == []
    assert (auditor.refused, auditor.idle) == (set(), set())
    assert [
        action for action in sorted(auditor.actions) if not re.search(":(Describe|Generate|Get|List)", action)
    ] == []


def test_the_audit_policy_has_every_action_that_an_audit_asks_for():
    """Names what is missing when the audit learns to read more."""
    folder = CHECKOUT / "plugins" / "module_utils" / "fleet"
    source = "".join((folder / name).read_text() for name in WHAT_AN_AUDIT_READS)
    wanted = set(re.findall(r'"((?:[a-z]+):(?:Describe|Generate|Get|List)[A-Za-z]+)"', source))
    policy = json.loads((CHECKOUT / "docs" / "audit-policy.json").read_text())
    allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
    allowed |= {statement["Action"] for statement in policy["Statement"] if isinstance(statement["Action"], str)}
    settling = {"secretsmanager:ListSecretVersionIds"}  # of a run that clears up, not of an audit
    assert wanted - settling - allowed == set()


def look(endpoint: str, person: Person) -> dict:
    """What rotation_info finds in the whole account, asked by a person."""
    accounts = [
        {
            "name": host,
            "secret_name": secret,
            "rotation_days": 85,
            "restrict_secret_access": True,
            **(
                {"iam_user": USERS[host][1], "rotation_strategy": "iam_access_key"}
                if host in USERS
                else {"rotation_strategy": "noop"}
            ),
        }
        for host, secret in SECRETS.items()
    ]
    prefix = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:key-rotation"
    options = {
        "region": REGION,
        "service_accounts": accounts,
        "whole_account": True,
        "functions": {"iam_access_key": f"{prefix}-iam-access-key", "noop": f"{prefix}-noop"},
        "retirement_group": "key-rotation",
    }
    tools = Path(sysconfig.get_path("scripts"))
    environment = {
        "PATH": f"{tools}:{os.defpath}",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "ANSIBLE_NOCOLOR": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        **person.credentials,
    }
    answers = []
    for module, arguments in (
        ("amazon.aws.aws_caller_info", {"region": REGION}),
        ("evergreen.key_rotation.rotation_info", options),
    ):
        command = [sys.executable, str(tools / "ansible"), "localhost", "-m", module, "-a", json.dumps(arguments)]
        command += ["-e", f"ansible_python_interpreter={sys.executable}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=CHECKOUT)
        assert done.returncode == 0, done.stdout + done.stderr
        answers.append(done.stdout)
    return json.loads(answers[-1].partition("=>")[2])
