#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_info
short_description: Say what AWS holds for a list of service accounts
version_added: 0.1.0
description:
  - Reads a list of service accounts and returns their state with findings, each with its mend.
  - Reads each secret's current value in memory to learn which access key it names. No value is returned, logged, or
    part of an error.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  last_used:
    description: Whether to ask when each access key was last used.
    type: bool
    default: true
  whole_account:
    description:
      - Whether to look deeper, as an audit does. Then the keys of the versions under AWSPENDING and AWSPREVIOUS and the
        retirement of a previous key are read as well, and RV(account_findings) tells of what is in the account and in
        no inventory, from the credential report and the list of secrets.
    type: bool
    default: false
  functions:
    description: With O(whole_account=true), ARN of the function of each strategy.
    type: dict
    default: {}
  execution_roles:
    description:
      - With O(whole_account=true), ARN of the role of each strategy's function.
      - Where a service account has O(service_accounts[].restrict_secret_access=true), the resource policy of its secret
        is compared with it.
    type: dict
    default: {}
  retirement_group:
    description: With O(whole_account=true), schedule group that holds the retirements.
    type: str
    default: key-rotation
  quiet_hours:
    description:
      - With O(whole_account=true), how many hours a previous key must be unused before its retirement switches it off,
        as the functions were deployed. It tells a retirement that waits for a consumer from one that fails.
    type: int
    default: 12
  known_users:
    description: With O(whole_account=true), every IAM user of the account that the inventory names.
    type: list
    elements: str
    default: []
  known_secrets:
    description: With O(whole_account=true), every secret of the account and Region that the inventory names.
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - evergreen.key_rotation.service_accounts
  - evergreen.key_rotation.batch.read
  - evergreen.key_rotation.batch.progress
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - evergreen.key_rotation.requirements
attributes:
  check_mode:
    description: Can run in check mode; it never changes anything.
    support: full
  diff_mode:
    description: It never changes anything.
    support: none
"""

EXAMPLES = r"""
- name: Look at a service account
  evergreen.key_rotation.rotation_info:
    region: us-east-1
    service_accounts:
      - name: bedrock-api
        secret_name: /acmecorp/bedrock/model/acmecorp-ai/credentials
        iam_user: acmecorp-ai
        rotation_strategy: iam_access_key
        rotation_days: 85
  register: fleet

- name: Look at whatever the account holds
  evergreen.key_rotation.rotation_info:
    region: us-east-1
    service_accounts: []
    whole_account: true
  register: account
"""

RETURN = r"""
now:
  description: AWS's own time at the reading, ISO 8601, UTC.
  returned: always
  type: str
  sample: "2026-01-31T09:00:00+00:00"
ready:
  description: Names of the service accounts without a finding of severity error.
  returned: always
  type: list
  elements: str
secrets:
  description:
    - One entry for each service account, in the order of the option.
    - One that could not be read has what was asked for, RV(secrets[].failed), RV(secrets[].msg) and its findings only.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The service account.
      type: str
    secret_name:
      description: The secret, as it was asked for.
      type: str
    iam_user:
      description: The IAM user, as it was asked for.
      type: str
    rotation_strategy:
      description: The strategy, as it was asked for.
      type: str
    max_key_age_days:
      description: The age in days that no key is to pass.
      type: int
    failed:
      description: Whether it could not be read.
      type: bool
    msg:
      description: Why it could not be read.
      type: str
    exists:
      description: Whether the secret exists.
      type: bool
    arn:
      description: ARN of the secret.
      type: str
    deleted_date:
      description: DeletedDate of a secret that awaits deletion, ISO 8601, UTC.
      type: str
    rotation_enabled:
      description: Whether rotation is on.
      type: bool
    rotation_lambda_arn:
      description: The function that rotates it.
      type: str
    rotation_rules:
      description: RotationRules as stored.
      type: dict
    last_rotated_date:
      description: When it last rotated, ISO 8601, UTC.
      type: str
    next_rotation_date:
      description: When it rotates next at the latest, ISO 8601, UTC.
      type: str
    last_accessed_date:
      description: The day on which its value was last read, by whomever, ISO 8601, UTC.
      type: str
    retirement_date:
      description: When the previous key's retirement begins, where one is planned. With O(whole_account=true).
      type: str
    exempt_until:
      description: Last day of its exemption, while it holds.
      type: str
    labels:
      description: Staging label to version id.
      type: dict
    tags:
      description: Tags of the secret.
      type: dict
    user_arn:
      description: ARN of the IAM user.
      type: str
    user_tags:
      description: Tags of the IAM user whose names begin with V(key-rotation:); they bind it to its secret.
      type: dict
    current_key:
      description: The access key that AWSCURRENT names, or none.
      type: dict
      contains:
        access_key_id:
          description: Its id.
          type: str
        status:
          description: V(Active) or V(Inactive).
          type: str
        created:
          description: When it was made, ISO 8601, UTC.
          type: str
        age_days:
          description: Its age in whole days.
          type: int
        last_used:
          description: When it was last used, ISO 8601, UTC; none if never, or with O(last_used=false).
          type: str
    other_keys:
      description: The user's other access keys.
      type: list
      elements: dict
      contains:
        access_key_id:
          description: Its id.
          type: str
        status:
          description: V(Active) or V(Inactive).
          type: str
        created:
          description: When it was made, ISO 8601, UTC.
          type: str
        age_days:
          description: Its age in whole days.
          type: int
        last_used:
          description: When it was last used, ISO 8601, UTC; none if never, or with O(last_used=false).
          type: str
    due:
      description: Why it should rotate now, or none.
      type: str
    findings:
      description: What is worth saying, worst first.
      type: list
      elements: dict
      contains:
        id:
          description: Its name; the guide to the audit lists them all.
          type: str
        severity:
          description: V(error), V(warning) or V(info). An error keeps the service account out of a run.
          type: str
        text:
          description: What was found.
          type: str
        mend:
          description: The way out.
          type: str
        check:
          description: The Prowler check that fails now for the same reason, or none.
          type: str
heaviest_day:
  description:
    - The day on which most of the service accounts rotate next, or none.
    - A fleet that is enrolled on one day drifts apart, by up to three days in each interval.
  returned: always
  type: dict
  contains:
    date:
      description: The day, ISO 8601.
      type: str
    rotations:
      description: How many rotate on it.
      type: int
  sample: {"date": "2026-05-11", "rotations": 260}
account_findings:
  description: What is worth saying of what no service account covers.
  returned: with O(whole_account=true)
  type: list
  elements: dict
  contains:
    id:
      description: Its name; the guide to the audit lists them all.
      type: str
    severity:
      description: V(warning) or V(info).
      type: str
    text:
      description: What was found.
      type: str
    mend:
      description: The way out.
      type: str
    check:
      description: The Prowler check that fails now for the same reason, or none.
      type: str
"""

import time

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils.fleet.account_reader import AccountReader
from ..module_utils.fleet.batch_module import PROGRESS_OPTION, READ_OPTION, client, reader
from ..module_utils.fleet.batch_result import SERVICE_ACCOUNTS, targets
from ..module_utils.fleet.findings.reading import read_account, read_all
from ..module_utils.fleet.progress import Progress
from ..module_utils.fleet.reader import Depth
from ..module_utils.rotation.names import QUIET_HOURS, STRATEGIES


def main() -> None:
    """Run the module."""
    options = {
        "service_accounts": SERVICE_ACCOUNTS,
        **PROGRESS_OPTION,
        **READ_OPTION,
        "last_used": {"type": "bool", "default": True},
        "whole_account": {"type": "bool", "default": False},
        "functions": {"type": "dict", "default": {}},
        "execution_roles": {"type": "dict", "default": {}},
        "retirement_group": {"type": "str", "default": "key-rotation"},
        "quiet_hours": {"type": "int", "default": QUIET_HOURS},
        "known_users": {"type": "list", "elements": "str", "default": []},
        "known_secrets": {"type": "list", "elements": "str", "default": [], "no_log": False},
    }
    module = AnsibleAWSModule(argument_spec=options, supports_check_mode=True)
    params = module.params
    secretsmanager, iam = client(module, "secretsmanager"), client(module, "iam")
    depth = None
    if params["whole_account"]:
        scheduler = client(module, "scheduler")
        depth = Depth(
            scheduler,
            params["retirement_group"],
            params["functions"],
            params["quiet_hours"],
            params["execution_roles"],
        )
    states = reader(module, secretsmanager, iam, values_of=STRATEGIES, with_last_used=params["last_used"], depth=depth)
    result = read_all(states, targets(params["service_accounts"]), Progress(params["progress_path"]))
    if depth is not None:
        known = {
            "iam_users": params["known_users"],
            "secrets": params["known_secrets"],
            "functions": list(params["functions"].values()),
        }
        result["account_findings"] = read_account(AccountReader(secretsmanager, iam, time.sleep), known)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
