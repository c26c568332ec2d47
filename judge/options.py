# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a team has that wants no FAIL at all: a customer key, a VPC, closed secrets, a trail, alarms."""

from __future__ import annotations

import json
import re
from typing import Any

from demo.old_fleet import Aws
from demo.playbook import CHECKOUT
from sandbox.world import ACCOUNT

CONSUMER = f"arn:aws:iam::{ACCOUNT}:role/consumers"
SCANNER = f"arn:aws:iam::{ACCOUNT}:role/prowler"
ON_CALL = "oncall@acmecorp.com"


def variables(aws: Aws) -> dict[str, Any]:
    """Make a key and a deployer, find two subnets; gives the account variables that name them."""
    ec2 = aws.client("ec2")
    subnets = ec2.describe_subnets()["Subnets"]
    zones = {subnet["AvailabilityZone"]: subnet for subnet in subnets}
    chosen = sorted(subnet["SubnetId"] for subnet in list(zones.values())[:2])
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnets[0]["VpcId"]]}])
    deployer = _deployer(aws)
    return {
        "aws_role_arn": deployer,
        "restrict_secret_access": True,
        "secret_readers": [CONSUMER],
        "secret_administrators": [deployer, SCANNER],
        "kms_key_arn": _key(aws),
        "alarm_email": ON_CALL,
        "vpc_subnet_ids": chosen,
        "vpc_security_group_ids": [groups["SecurityGroups"][0]["GroupId"]],
    }


def _deployer(aws: Aws) -> str:
    """A role that may do everything, as far as its own policy goes; its path stands in no session's ARN."""
    iam = aws.client("iam")
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    made = iam.create_role(RoleName="deployer", Path="/teams/platform/", AssumeRolePolicyDocument=_policy(trust))
    iam.put_role_policy(RoleName="deployer", PolicyName="deploy", PolicyDocument=_policy(everything))
    return str(made["Role"]["Arn"])


def statements_for_alarms() -> list[dict[str, Any]]:
    """What docs/alarms.md wants in the policy of the key that encrypts the alarms' topic."""
    block = re.search(r"```json\n(.*?)```", (CHECKOUT / "docs" / "alarms.md").read_text(), re.DOTALL)
    assert block is not None
    found: list[dict[str, Any]] = json.loads(block[1])
    return found


def _key(aws: Aws) -> str:
    account = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
    policy = _policy({**account, "Resource": "*"}, *statements_for_alarms())
    return str(aws.client("kms").create_key(Policy=policy)["KeyMetadata"]["Arn"])


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


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
