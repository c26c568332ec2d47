#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_run
short_description: Rotate a list of secrets now and wait for each outcome
version_added: 0.1.0
description:
  - Rotates those secrets of a list that O(rotate_if) names, some at a time, and waits for each outcome.
  - A failure is reported with the rotation function's own words, read from its log.
  - AWSPENDING that an earlier, failed rotation left on another version is waited for, and taken off once that attempt
    is surely over.
  - What Secrets Manager or another run rotates after the module has looked at it is not rotated a second time.
  - A user whose previous key is still in its grace period is not rotated but reported as failed.
  - One service account that fails does not stop the others. The module then fails at the end, with all entries.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  rotate_if:
    description:
      - V(due) rotates what has never rotated, and what would break the promise before its next rotation.
      - V(always) rotates all.
      - V(last_rotated_before) rotates what has not rotated since O(last_rotated_before), so that a repeated run rotates
        nothing twice.
    type: str
    choices: [due, always, last_rotated_before]
    default: due
  last_rotated_before:
    description: ISO 8601 with offset, for O(rotate_if=last_rotated_before).
    type: str
  in_flight:
    description: How many rotations run at a time.
    type: int
    default: 8
  wait_timeout:
    description: Seconds to wait for each outcome.
    type: int
    default: 300
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
    description: Can run in check mode and says which secrets would rotate.
    support: full
  diff_mode:
    description: A rotation has no before and after to show; RV(secrets) names what rotated.
    support: none
"""

EXAMPLES = r"""
- name: Rotate now, and again nothing twice
  evergreen.key_rotation.rotation_run:
    region: us-east-1
    rotate_if: last_rotated_before
    last_rotated_before: "2026-01-31T09:00:00+00:00"
    service_accounts:
      - name: bedrock-api
        secret_name: /acmecorp/bedrock/model/acmecorp-ai/credentials
        iam_user: acmecorp-ai
        rotation_strategy: iam_access_key
        rotation_days: 85
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
      sample: ["rotated: it has never rotated"]
    due:
      description: Whether the secret was to rotate now.
      type: bool
    held_back:
      description: Whether it was due but not rotated; RV(secrets[].msg) says why.
      type: bool
"""

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
from ..module_utils.fleet.progress import Progress
from ..module_utils.fleet.run import LAST_ROTATED_BEFORE, Rule, Run
from ..module_utils.rotation.names import IAM_ACCESS_KEY
from ..module_utils.rotation.settings import parse_time


def main() -> None:
    """Run the module."""
    options = {
        "service_accounts": SERVICE_ACCOUNTS,
        "rotate_if": {"choices": ["due", "always", "last_rotated_before"], "default": "due"},
        "last_rotated_before": {"type": "str"},
        "in_flight": {"type": "int", "default": 8},
        "wait_timeout": {"type": "int", "default": 300},
        **PROGRESS_OPTION,
        **READ_OPTION,
        **WRITES_OPTION,
    }
    required = [("rotate_if", LAST_ROTATED_BEFORE, ["last_rotated_before"])]
    module = AnsibleAWSModule(argument_spec=options, required_if=required, supports_check_mode=True)
    params = module.params
    before = parse_time(params["last_rotated_before"])
    if before is None and params["rotate_if"] == LAST_ROTATED_BEFORE:
        module.fail_json(msg="last_rotated_before must be ISO 8601 with offset, such as 2026-01-31T09:00:00+00:00")
    demand_positive(module, "in_flight", "wait_timeout", "writes_per_second")
    secretsmanager, iam, logs = (client(module, service) for service in ("secretsmanager", "iam", "logs"))
    states = reader(module, secretsmanager, iam, values_of=[IAM_ACCESS_KEY])
    run = Run(
        secretsmanager,
        logs,
        states,
        params["wait_timeout"],
        params["writes_per_second"],
        Progress(params["progress_path"]),
    )
    found = run.rotate(
        targets(params["service_accounts"]), Rule(params["rotate_if"], before), params["in_flight"], module.check_mode
    )
    finish(module, found)


if __name__ == "__main__":
    main()
