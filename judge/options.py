# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a team has that wants no FAIL at all: a customer key, a VPC, resource policies on its secrets, a trail,
alarms."""

from __future__ import annotations

import json
import re
from typing import Any

from demo.old_fleet import REGION, SECRETS, Aws
from demo.playbook import CHECKOUT
from sandbox.world import ACCOUNT

CONSUMER = f"arn:aws:iam::{ACCOUNT}:role/consumers"
_ROLES = f"arn:aws:iam::{ACCOUNT}:role/key-rotation"
ON_CALL = "oncall@acmecorp.com"


def variables(aws: Aws) -> dict[str, Any]:
    """Make a key and find two subnets; gives the account variables that name them."""
    ec2 = aws.client("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    zones = {subnet["AvailabilityZone"]: subnet for subnet in subnets}
    chosen = sorted(subnet["SubnetId"] for subnet in list(zones.values())[:2])
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnets[0]["VpcId"]]}])
    return {
        "kms_key_arn": _key(aws),
        "alarm_email": ON_CALL,
        "vpc_subnet_ids": chosen,
        "vpc_security_group_ids": [groups["SecurityGroups"][0]["GroupId"]],
    }


def statements_for_alarms() -> list[dict[str, Any]]:
    """What docs/alarms.md wants in the policy of the key that encrypts the alarms' topic."""
    block = re.search(r"```json\n(.*?)```", (CHECKOUT / "docs" / "alarms.md").read_text(), re.DOTALL)
    assert block is not None
    found: list[dict[str, Any]] = json.loads(block[1])
    return found


def _key(aws: Aws) -> str:
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
    statements = [{**account, "Resource": "*"}, *statements_for_alarms()]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return str(aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def restrict(aws: Aws) -> None:
    """The resource policy of docs/prowler.md on each secret."""
    named = [f"{_ROLES}-iam-access-key-{REGION}", f"{_ROLES}-noop-{REGION}", CONSUMER]
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "secretsmanager:*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalArn": named}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    for secret in SECRETS.values():
        aws.client("secretsmanager").put_resource_policy(SecretId=secret, ResourcePolicy=policy)


def trail(aws: Aws) -> None:
    """A trail that records every invocation of every function."""
    aws.client("s3").create_bucket(Bucket="trail-of-the-account")
    cloudtrail = aws.client("cloudtrail")
    cloudtrail.create_trail(Name="account", S3BucketName="trail-of-the-account", IsMultiRegionTrail=True)
    cloudtrail.put_event_selectors(
        TrailName="account",
        EventSelectors=[
            {
                "ReadWriteType": "All",
                "IncludeManagementEvents": True,
                "DataResources": [{"Type": "AWS::Lambda::Function", "Values": ["arn:aws:lambda"]}],
            }
        ],
    )
    cloudtrail.start_logging(Name="account")
