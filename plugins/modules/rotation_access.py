#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_access
short_description: Close a list of secrets to everybody but those who are named
version_added: 0.1.0
description:
  - Writes one statement into the resource policy of each secret that asks for it. It denies every action of Secrets
    Manager to everybody but the role of the secret's rotation function, its readers and its administrators.
  - Statements of others in the policy stay as they are. The own one is known by its Sid,
    C(KeyRotationOnlyNamedPrincipals).
  - Refuses a list without the calling role or user, which would lock itself out, and does not write anything then.
  - A service account without O(service_accounts[].restrict_secret_access) is not touched.
  - One service account that fails does not stop the others. The module then fails at the end, with all entries.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  execution_roles:
    description: ARN of the role of the rotation function of each strategy.
    type: dict
    required: true
    suboptions:
      iam_access_key:
        description: ARN of the role of the function of strategy V(iam_access_key).
        type: str
      noop:
        description: ARN of the role of the function of strategy V(noop).
        type: str
extends_documentation_fragment:
  - evergreen.key_rotation.service_accounts
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - evergreen.key_rotation.requirements
attributes:
  check_mode:
    description: Can run in check mode and says what it would change. It refuses there what it would refuse otherwise.
    support: full
  diff_mode:
    description: Shows the resource policy before and after, keyed by service account, where it differs.
    support: full
"""

EXAMPLES = r"""
- name: Close a secret to everybody but its function, its reader and its administrators
  evergreen.key_rotation.rotation_access:
    region: us-east-1
    execution_roles:
      iam_access_key: arn:aws:iam::123456789012:role/key-rotation-iam-access-key-us-east-1
    service_accounts:
      - name: bedrock-api
        secret_name: /acmecorp/bedrock/model/acmecorp-ai/credentials
        iam_user: acmecorp-ai
        rotation_strategy: iam_access_key
        rotation_days: 85
        restrict_secret_access: true
        secret_readers: [arn:aws:iam::123456789012:role/bedrock-api]
        secret_administrators: [arn:aws:iam::123456789012:role/deployer, arn:aws:iam::123456789012:role/prowler]
"""

RETURN = r"""
secrets:
  description: One entry for each service account, in the order of the option.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The service account.
      type: str
      sample: bedrock-api
    changed:
      description: Whether the resource policy was changed, or would be in check mode.
      type: bool
    failed:
      description: Whether its part failed.
      type: bool
    msg:
      description: One sentence about it, empty when there is nothing to say.
      type: str
    changes:
      description: One line for each change.
      type: list
      elements: str
      sample: ["close the secret to everybody: 4 named principals"]
"""

from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils.fleet.batch import Pace
from ..module_utils.fleet.batch_module import client, finish
from ..module_utils.fleet.batch_result import SERVICE_ACCOUNTS, targets
from ..module_utils.fleet.restriction import Restriction


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "service_accounts": SERVICE_ACCOUNTS,
        "execution_roles": {
            "type": "dict",
            "required": True,
            "options": {"iam_access_key": {"type": "str", "no_log": False}, "noop": {"type": "str"}},
        },
    }
    module = AnsibleAWSModule(argument_spec=options, supports_check_mode=True)
    restriction = Restriction(
        secretsmanager=client(module, "secretsmanager"),
        sts=client(module, "sts"),
        iam=client(module, "iam"),
        pace=Pace(),
        execution_roles={strategy: arn for strategy, arn in module.params["execution_roles"].items() if arn},
        check_mode=module.check_mode,
    )
    finish(module, restriction.run(targets(module.params["service_accounts"])))


if __name__ == "__main__":
    main()
