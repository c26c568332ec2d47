# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The documented rights of the operator are enough to deploy and rotate, and none of them is idle."""

from __future__ import annotations

import json

from demo.old_fleet import SECRETS
from demo.playbook import CHECKOUT
from demo.story import Fleet

POLICY = json.loads((CHECKOUT / "docs" / "operator-policy.json").read_text())
UNUSED_IN_THIS_STORY = {
    # repairs of what drifted
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRoleDescription",
    "lambda:RemovePermission",
    "lambda:UpdateFunctionCode",
    # after a failed rotation
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:UpdateSecretVersionStage",
    # checked beside another action, and so not in the journal under its own name
    "iam:PassRole",
    "lambda:InvokeFunction",
}


def test_the_documented_policy_is_enough_and_nothing_in_it_is_idle(old_fleet):
    iam = old_fleet.aws.client("iam")
    iam.create_user(UserName="operator")
    iam.put_user_policy(UserName="operator", PolicyName="operator", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName="operator")["AccessKey"]
    credentials = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}

    old_fleet.play("deploy", **credentials)
    assert old_fleet.play("deploy", **credentials).changed == 0
    old_fleet.aws.remote.advance(25 * 3600)
    old_fleet.service_accounts["vars"] |= {"grace_period_hours": 48, "notify_email": None}
    old_fleet.account["vars"]["notify_from"] = None
    old_fleet.play("deploy", **credentials)
    before = Fleet.read(old_fleet.aws)
    old_fleet.play("rotate", **credentials)
    after = Fleet.read(old_fleet.aws)
    assert all(before.accounts[host].version != after.accounts[host].version for host in SECRETS)

    calls = [call for call in old_fleet.aws.remote.journal() if (call["principal"] or "").endswith("user/operator")]
    assert [call for call in calls if not call["allowed"]] == []
    used = {f"{call['service']}:{call['action']}" for call in calls}
    allowed = {action for statement in POLICY["Statement"] for action in as_list(statement["Action"])}
    assert allowed - used == UNUSED_IN_THIS_STORY


def as_list(actions: str | list[str]) -> list[str]:
    return [actions] if isinstance(actions, str) else actions
