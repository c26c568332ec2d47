#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_schedule_group
short_description: Manage a schedule group of EventBridge Scheduler
version_added: 0.1.0
description:
  - Makes or deletes the schedule group that holds the retirements of previous access keys.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  name:
    description: Name of the schedule group.
    type: str
    default: key-rotation
  state:
    description: Whether the group is to be there. V(absent) deletes the schedules in it too.
    type: str
    choices: [present, absent]
    default: present
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
- name: Make the schedule group
  evergreen.key_rotation.rotation_schedule_group:
    region: us-east-1
    name: key-rotation

- name: Take the schedule group away, and every retirement in it
  evergreen.key_rotation.rotation_schedule_group:
    region: us-east-1
    name: key-rotation
    state: absent
"""

RETURN = r"""
diff:
  description: The group as it was found and as it is now, or would be in check mode.
  returned: always
  type: dict
  contains:
    before:
      description: The name as C(schedule_group) if it was there, else empty.
      type: dict
    after:
      description: The same of now.
      type: dict
"""

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils.fleet.errors import FleetError
from ..module_utils.fleet.schedule_group import bring_about
from ..module_utils.rotation.names import RETIREMENT_GROUP


def main() -> None:
    """Run the module."""
    options = {
        "name": {"default": RETIREMENT_GROUP},
        "state": {"choices": ["present", "absent"], "default": "present"},
    }
    module = AnsibleAWSModule(argument_spec=options, supports_check_mode=True)
    present = module.params["state"] == "present"
    try:
        result = bring_about(module.client("scheduler"), module.params["name"], present, module.check_mode)
    except FleetError as error:
        module.fail_json(msg=f"schedule group {module.params['name']}: {error}")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
