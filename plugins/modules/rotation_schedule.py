#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_schedule
short_description: Attach rotation schedules to a list of secrets
version_added: 0.1.0
description:
  - Brings every service account of a list to its schedule. It ties the IAM user to its one secret (the binding), writes
    the settings tags, the rotation rules and the function on the secret, and writes only what differs.
  - Nothing rotates by this. Schedules are attached with RotateImmediately=false.
  - Tags of others are never touched, and a secret's value is never read.
  - One service account that fails does not stop the others. The module then fails at the end, with all entries.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  functions:
    description: ARN of the rotation function of each strategy.
    type: dict
    required: true
    suboptions:
      iam_access_key:
        description: ARN of the function of strategy V(iam_access_key).
        type: str
      noop:
        description: ARN of the function of strategy V(noop).
        type: str
  state:
    description:
      - V(present) attaches what the service accounts ask for.
      - V(absent) turns rotation by these functions off and takes the module's tags away.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - evergreen.key_rotation.service_accounts
  - evergreen.key_rotation.batch.read
  - evergreen.key_rotation.batch.writes
  - evergreen.key_rotation.batch.progress
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - evergreen.key_rotation.requirements
attributes:
  check_mode:
    description: Can run in check mode and says what it would change.
    support: full
  diff_mode:
    description:
      - Shows before and after, keyed by service account, of what differs.
      - One that failed is not in it; RV(secrets[].changes) tells what was written for it before.
    support: full
"""

EXAMPLES = r"""
- name: Attach the schedules
  evergreen.key_rotation.rotation_schedule:
    region: us-east-1
    functions:
      iam_access_key: arn:aws:lambda:us-east-1:123456789012:function:key-rotation-iam-access-key
    service_accounts:
      - name: bedrock-api
        secret_name: /acmecorp/bedrock/model/acmecorp-ai/credentials
        iam_user: acmecorp-ai
        rotation_strategy: iam_access_key
        rotation_days: 85
        notify_email: platform@acmecorp.com

- name: Take a thousand secrets out of rotation, of which each page of a hundred is one call
  evergreen.key_rotation.rotation_schedule:
    region: us-east-1
    state: absent
    read: list
    functions: "{{ functions }}"
    service_accounts: "{{ leaving }}"
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
      description: Whether anything was changed for it, or would be in check mode.
      type: bool
    failed:
      description: Whether its part failed.
      type: bool
    msg:
      description: One sentence about it, empty when there is nothing to say.
      type: str
    changes:
      description: One line for each change; where RV(secrets[].failed), for each that was made before the failure.
      type: list
      elements: str
      sample: ["attach the schedule: every 85 days"]
    enrolled:
      description: Whether this function had not rotated the secret before.
      type: bool
    arn:
      description: ARN of the secret.
      type: str
"""

from datetime import UTC, datetime
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils.fleet.batch_module import (
    PROGRESS_OPTION,
    READ_OPTION,
    WRITES_OPTION,
    client,
    demand_positive,
    finish,
    reader,
)
from ..module_utils.fleet.batch_result import SERVICE_ACCOUNTS, targets
from ..module_utils.fleet.enrolment import Enrolment
from ..module_utils.fleet.progress import Progress
from ..module_utils.fleet.settle import make_settler

WAIT_SECONDS = 300.0


def main() -> None:
    """Run the module."""
    options: dict[str, Any] = {
        "service_accounts": SERVICE_ACCOUNTS,
        "functions": {
            "type": "dict",
            "required": True,
            "options": {"iam_access_key": {"type": "str", "no_log": False}, "noop": {"type": "str"}},
        },
        "state": {"choices": ["present", "absent"], "default": "present"},
        **PROGRESS_OPTION,
        **READ_OPTION,
        **WRITES_OPTION,
    }
    module = AnsibleAWSModule(argument_spec=options, supports_check_mode=True)
    params = module.params
    demand_positive(module, "writes_per_second")
    secretsmanager, iam, logs = (client(module, service) for service in ("secretsmanager", "iam", "logs"))
    states = reader(module, secretsmanager, iam, with_keys=False)
    enrolment = Enrolment(
        secretsmanager=secretsmanager,
        iam=iam,
        reader=states,
        settler=make_settler(
            secretsmanager, states, logs, datetime.now(UTC), WAIT_SECONDS, params["writes_per_second"]
        ),
        functions={strategy: arn for strategy, arn in params["functions"].items() if arn},
        wanted=params["state"],
        check_mode=module.check_mode,
        progress=Progress(params["progress_path"]),
    )
    finish(module, enrolment.run(targets(params["service_accounts"])))


if __name__ == "__main__":
    main()
