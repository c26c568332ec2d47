#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_topic
short_description: Manage the encrypted SNS topic of the alarms
version_added: 0.1.0
description:
  - Makes an SNS topic that is encrypted with a customer key, with a policy and one address subscribed to it.
  - There is M(community.aws.sns_topic) for topics, but it has no option to encrypt one.
  - Other subscriptions, and all other attributes of the topic, are left as they are.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  arn:
    description: ARN of the topic, whether it exists or not.
    type: str
    required: true
  kms_key_arn:
    description: ARN of the customer key that encrypts the topic.
    type: str
    required: true
  policy:
    description: The policy of the topic.
    type: dict
    required: true
  email:
    description: Address that is subscribed. AWS sends it a mail with a link; without a click on it nothing arrives.
    type: str
    required: true
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - evergreen.key_rotation.requirements
attributes:
  check_mode:
    description: Can run in check mode and says what it would change.
    support: full
  diff_mode:
    description: Shows what differs.
    support: full
"""

EXAMPLES = r"""
- name: Make the topic of the alarms
  evergreen.key_rotation.rotation_topic:
    region: us-east-1
    arn: arn:aws:sns:us-east-1:123456789012:key-rotation-alarms
    kms_key_arn: arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555
    policy:
      Version: "2012-10-17"
      Statement:
        - Effect: Allow
          Principal: {Service: [cloudwatch.amazonaws.com, events.amazonaws.com]}
          Action: sns:Publish
          Resource: arn:aws:sns:us-east-1:123456789012:key-rotation-alarms
          Condition: {StringEquals: {"aws:SourceAccount": "123456789012"}}
    email: oncall@acmecorp.com
"""

RETURN = r"""
diff:
  description: The topic as it was found and as it is now, or would be in check mode.
  returned: always
  type: dict
  contains:
    before:
      description: C(topic), C(kms_key_arn), C(policy) and C(email) as they were found; empty without a topic.
      type: dict
    after:
      description: The same as they are now.
      type: dict
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule
from ansible_collections.amazon.aws.plugins.module_utils.policy import compare_policies

from ..module_utils.fleet.errors import FleetError
from ..module_utils.fleet.topic import Topic, bring_about


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "arn": {"required": True},
        "kms_key_arn": {"required": True, "no_log": False},
        "policy": {"type": "dict", "required": True},
        "email": {"required": True},
    }
    module = AnsibleAWSModule(argument_spec=options, supports_check_mode=True)
    topic = Topic(**{name: module.params[name] for name in options})
    try:
        result = bring_about(module.client("sns"), topic, lambda a, b: not compare_policies(a, b), module.check_mode)
    except FleetError as error:
        module.fail_json(msg=f"topic {topic.arn}: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
