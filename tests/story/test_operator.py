# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The documented rights of the operator are enough to deploy and rotate, and none of them is idle."""

from __future__ import annotations

from demo.old_fleet import SECRETS
from demo.story import Fleet
from tests.story.person import Person

UNUSED_IN_THIS_STORY = {
    # repairs of what drifted
    "iam:UpdateAssumeRolePolicy",
    "iam:UpdateRoleDescription",
    "lambda:RemovePermission",
    "lambda:UpdateFunctionCode",
    # after a failed rotation
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:UpdateSecretVersionStage",
}


def test_the_documented_policy_is_enough_and_nothing_in_it_is_idle(old_fleet):
    operator = Person(old_fleet.aws, "operator")
    credentials = operator.credentials

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

    assert (operator.refused, operator.idle) == (set(), UNUSED_IN_THIS_STORY)
