# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The roles' policies do not grow with the fleet, and stay under IAM's limit whatever the inventory's addresses are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from chaos.rendered import Rendered
from sandbox.policy import Request, evaluate

ROLE = "key-rotation-iam-access-key-us-east-1"
SENDER = "alerts@acmecorp.com"
LIMIT = 10_240
"""Characters of all inline policies of a role, white space not counted. Source: IAM User Guide, quotas."""


def rendered(recipients: list[str]) -> str:
    """The execution role's policy for an inventory with these addresses."""
    return Rendered(
        rotation_aws_region="us-east-1",
        rotation_notify_from=SENDER,
        rotation_notify_recipients=recipients,
        rotation_kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    ).policies()[ROLE]


def size(policy: str) -> int:
    """As IAM counts it."""
    return len("".join(policy.split()))


def addresses(count: int, domains: int = 1) -> list[str]:
    """So many different ones, sorted as the inventory sorts them."""
    return sorted(f"service-account-{number:04}@team-{number % domains}.acmecorp.com" for number in range(count))


def decide(policy: str, *to: str, sender: str = SENDER) -> str:
    """Whether a mail may be sent."""
    resource = "arn:aws:ses:us-east-1:123456789012:identity/acmecorp.com"
    context = {"ses:FromAddress": sender, "ses:Recipients": to}
    return evaluate([json.loads(policy)], Request("ses:SendEmail", resource, context))


def test_nothing_but_addresses_comes_from_the_inventory():
    """5 service accounts and 1,000 give one policy when one team is told of all."""
    five, thousand = ([f"team@{name}.com" for name in ["acmecorp"] * count] for count in (5, 1000))
    assert rendered(sorted(set(five))) == rendered(sorted(set(thousand)))
    assert size(rendered([])) < LIMIT - 3000


@pytest.mark.parametrize(("count", "domains"), [(5, 1), (30, 3), (1000, 1), (1000, 40), (1000, 250)])
def test_a_policy_fits_whatever_the_addresses_are(count, domains):
    recipients = addresses(count, domains)
    policy = rendered(recipients)
    assert size(policy) < LIMIT
    assert {decide(policy, address) for address in recipients} == {"allow"}
    assert decide(policy, "stranger@example.com") == "none"
    assert decide(policy, recipients[0], "stranger@example.com") == "none"
    assert decide(policy, recipients[0], sender="ceo@acmecorp.com") == "none"


def test_few_addresses_are_named_and_many_give_way_to_their_domains():
    few, many = rendered(addresses(30, 3)), rendered(addresses(1000, 3))
    assert decide(few, "somebody@team-0.acmecorp.com") == "none"
    assert decide(many, "somebody@team-0.acmecorp.com") == "allow"
    assert decide(many, "somebody@evil-team-0.acmecorp.com.example.com") == "none"
    assert decide(many, "somebody@x.team-0.acmecorp.com") == "none"
    assert size(many) < size(few)


QUEUE = "arn:aws:sqs:us-east-1:123456789012:key-rotation-dead-letters"


@pytest.mark.parametrize(
    ("target", "taken"),
    [
        ("", QUEUE),
        ("arn:aws:sqs:us-east-1:999999999999:ours", "arn:aws:sqs:us-east-1:999999999999:ours"),
        ("arn:aws-us-gov:sqs:us-gov-west-1:999999999999:ours", "arn:aws-us-gov:sqs:us-gov-west-1:999999999999:ours"),
        ("arn:aws:sqs:eu-west-1:123456789012:ours", ""),
        ("arn:aws:sns:us-east-1:123456789012:topic", ""),
        ("arn:aws:sqs:us-east-1:123456789012:ours.fifo", ""),
    ],
)
def test_the_scheduler_sends_dead_letters_to_standard_queues_of_its_region_alone(target, taken):
    """With any other kind AWS would refuse the schedule, and with it every rotation."""
    region = "us-gov-west-1" if "gov" in target else "us-east-1"
    role = Rendered(rotation_aws_region=region, rotation_dead_letter_target_arn=target)
    function = next(one for one in role.value("rotation_functions") if one["environment"])
    assert function["environment"]["RETIREMENT_DEAD_LETTER_ARN"] == taken
    statements = json.loads(role.policies()[f"key-rotation-retirement-{region}"])["Statement"]
    assert [one["Resource"] for one in statements if one["Action"] == "sqs:SendMessage"] == [taken] * bool(taken)


@pytest.mark.parametrize("action", ["iam:CreateUser", "iam:TagUser", "iam:UntagUser"])
def test_the_documented_service_control_policy_keeps_our_tags_to_the_deployers(action):
    text = (Path(__file__).resolve().parents[2] / "docs" / "permissions.md").read_text()
    found = re.search(r"```json\n(.*?)```", text, re.DOTALL)
    assert found is not None
    policy = json.loads(found[1])

    def decide_tag(role: str, *keys: str) -> str:
        context = {"aws:PrincipalArn": f"arn:aws:iam::123456789012:role/{role}", "aws:TagKeys": keys}
        return evaluate([policy], Request(action, "arn:aws:iam::123456789012:user/services/x", context))

    assert decide_tag("somebody", "key-rotation:secret") == "deny"
    assert decide_tag("somebody", "team", "key-rotation:function") == "deny"
    assert decide_tag("somebody", "team") == "none"
    assert decide_tag("somebody") == "none"
    assert decide_tag("key-rotation-deployer", "key-rotation:secret") == "none"
