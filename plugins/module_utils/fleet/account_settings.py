# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The account variables of one host, with all their mistakes. Pure."""

from __future__ import annotations

from ..rotation import names
from .hostvars import HostReader
from .model import AccountSettings

_VPC = {
    "vpc_subnet_ids": (r"subnet-[0-9a-f]{8,17}", "list ids such as subnet-0a1b2c3d4e5f60718"),
    "vpc_security_group_ids": (r"sg-[0-9a-f]{8,17}", "list ids such as sg-0a1b2c3d4e5f60718"),
}
_TOPIC = r"arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}"


def read_settings(reader: HostReader, label: str | None, region: str | None) -> AccountSettings:
    """Read one host's account variables.

    Args:
        label: its aws_account; twelve digits are the account's id too.
        region: its aws_region.
    """
    account_id = reader.text("aws_account_id", r"[0-9]{12}", "write the account's twelve digits, in quotes")
    if account_id is None and label is not None and len(label) == 12 and label.isdigit():
        account_id = label
    profile = reader.text("aws_profile")
    role = reader.text("aws_role_arn", r"arn:[a-z-]+:iam::[0-9]{12}:role/.+", "write the ARN of the role to assume")
    if profile is not None and role is not None:
        reader.mistake("aws_profile", "aws_role_arn is set too", "take one of the two away")
    vpc = {name: reader.texts(name, *shape) for name, shape in _VPC.items()}
    missing = [name for name, value in vpc.items() if value is None]
    if len(missing) == 1 and not any(mistake.variable in vpc for mistake in reader.mistakes):
        other = next(name for name in vpc if name not in missing)
        reader.mistake(missing[0], f"missing, but {other} is set", "write both, or take the other one away")
    key = reader.text("kms_key_arn", r"arn:[a-z-]+:kms:.+:key/.+", "write the ARN of a KMS key, no alias")
    topic, email = _alarms(reader, key, region)
    return AccountSettings(
        aws_account_id=account_id,
        aws_profile=profile,
        aws_role_arn=role,
        notify_from=reader.address("notify_from"),
        kms_key_arn=key,
        quiet_hours=reader.whole("quiet_hours", names.LEAST_QUIET_HOURS, 1000),
        alarm_topic_arn=topic,
        alarm_email=email,
        **vpc,
    )


def _alarms(reader: HostReader, key: str | None, region: str | None) -> tuple[str | None, str | None]:
    """Where alarms go: a topic of the user's, or a topic of ours with an address; neither: there are none."""
    topic = reader.text("alarm_topic_arn", _TOPIC, "write the ARN of a standard SNS topic (no .fifo)")
    email = reader.address("alarm_email")
    there = topic.split(":")[3] if topic is not None else None
    if region is not None and there not in (region, None):
        reader.mistake("alarm_topic_arn", f"found a topic of {there}", f"name one of {region}: rules reach no other")
    if topic is not None and email is not None:
        reader.mistake("alarm_email", "alarm_topic_arn is set too", "take one of the two away")
    elif email is not None and key is None and not any(item.variable == "kms_key_arn" for item in reader.mistakes):
        reader.mistake(
            "alarm_email",
            "kms_key_arn is missing",
            "write the ARN of a key of yours that encrypts the topic (docs/alarms.md has its policy): EventBridge and"
            " CloudWatch cannot publish under the key alias/aws/sns",
        )
    return topic, email
