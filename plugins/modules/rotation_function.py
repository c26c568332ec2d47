#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_function
short_description: Manage a rotation function in AWS Lambda
version_added: 0.1.0
description:
  - Creates, updates and deletes a rotation function with its code, its whole configuration, and the statement of its
    resource policy that lets Secrets Manager of one account invoke it.
  - Waits until the function is ready.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  function_name:
    description: Name of the function.
    type: str
    required: true
  state:
    description: Whether the function is to be there.
    type: str
    choices: [present, absent]
    default: present
  role:
    description: ARN of the execution role. Needed with O(state=present).
    type: str
  handler:
    description: The handler, such as V(iam_access_key.handler). Needed with O(state=present).
    type: str
  zip_file:
    description: Path of the package. Needed with O(state=present); in check mode it need not exist yet.
    type: path
  code_sha256:
    description:
      - The package's SHA-256 in base64, as M(evergreen.key_rotation.rotation_package) returns it. Needed with
        O(state=present).
    type: str
  source_account:
    description: The account whose Secrets Manager may invoke the function. Needed with O(state=present).
    type: str
  runtime:
    description: The runtime.
    type: str
    default: python3.13
  architecture:
    description: The processor architecture.
    type: str
    choices: [arm64, x86_64]
    default: arm64
  memory_size:
    description: Memory in MB.
    type: int
    default: 256
  timeout:
    description: Time-out in seconds.
    type: int
    default: 60
  description:
    description: What the function is for.
    type: str
    default: ""
  environment:
    description: Environment variables. No secrets belong here.
    type: dict
    default: {}
  dead_letter_target_arn:
    description: ARN of the queue or topic for events that could not be handled.
    type: str
  log_format:
    description: How Lambda writes its own log lines.
    type: str
    choices: [JSON, Text]
    default: JSON
  log_group:
    description: The log group. Lambda's own choice when not given.
    type: str
  kms_key_arn:
    description: ARN of the KMS key that encrypts the environment variables.
    type: str
  reserved_concurrency:
    description: Reserved concurrent executions. Not given, there is no reservation.
    type: int
  vpc_subnet_ids:
    description: Subnets, when the function is to stand in a VPC.
    type: list
    elements: str
    default: []
  vpc_security_group_ids:
    description: Security groups, when the function is to stand in a VPC.
    type: list
    elements: str
    default: []
  wait_timeout:
    description: Seconds until the function must be ready.
    type: int
    default: 120
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
- name: Write the package
  evergreen.key_rotation.rotation_package:
    path: build/rotation.zip
  register: package

- name: Make the rotation function
  evergreen.key_rotation.rotation_function:
    region: us-east-1
    function_name: key-rotation-noop
    role: arn:aws:iam::123456789012:role/key-rotation-noop-us-east-1
    handler: noop.handler
    zip_file: "{{ package.path }}"
    code_sha256: "{{ package.code_sha256 }}"
    source_account: "123456789012"

- name: Take a function away
  evergreen.key_rotation.rotation_function:
    region: us-east-1
    function_name: key-rotation-noop
    state: absent
"""

RETURN = r"""
function_arn:
  description: ARN of the function, when it exists.
  returned: always
  type: str
changes:
  description: What was changed, or would be in check mode, by the API's names.
  returned: always
  type: list
  elements: str
  sample: ["CodeSha256", "Environment"]
"""

from pathlib import Path
from typing import Any

from ansible_collections.amazon.aws.plugins.module_utils.modules import AnsibleAWSModule

from ..module_utils.fleet.errors import FleetError
from ..module_utils.fleet.function import wanted_function
from ..module_utils.fleet.function_gateway import FunctionGateway, bring_about

OPTIONS: dict[str, Any] = {
    "function_name": {"required": True},
    "state": {"choices": ["present", "absent"], "default": "present"},
    "role": {},
    "handler": {},
    "zip_file": {"type": "path"},
    "code_sha256": {},
    "source_account": {},
    "runtime": {"default": "python3.13"},
    "architecture": {"choices": ["arm64", "x86_64"], "default": "arm64"},
    "memory_size": {"type": "int", "default": 256},
    "timeout": {"type": "int", "default": 60},
    "description": {"default": ""},
    "environment": {"type": "dict", "default": {}},
    "dead_letter_target_arn": {},
    "log_format": {"choices": ["JSON", "Text"], "default": "JSON"},
    "log_group": {},
    "kms_key_arn": {"no_log": False},
    "reserved_concurrency": {"type": "int"},
    "vpc_subnet_ids": {"type": "list", "elements": "str", "default": []},
    "vpc_security_group_ids": {"type": "list", "elements": "str", "default": []},
    "wait_timeout": {"type": "int", "default": 120},
}


def main() -> None:
    """Run the module."""
    needed = ["role", "handler", "zip_file", "code_sha256", "source_account"]
    module = AnsibleAWSModule(
        argument_spec=OPTIONS, required_if=[("state", "present", needed)], supports_check_mode=True
    )
    options = module.params
    gateway = FunctionGateway(module.client("lambda"), options["function_name"], options["wait_timeout"])
    try:
        result = bring_about(
            gateway, wanted_function(options), lambda: Path(options["zip_file"]).read_bytes(), module.check_mode
        )
    except FleetError as error:
        module.fail_json(msg=f"function {options['function_name']}: {error}")
    except OSError as error:
        module.fail_json(msg=f"zip_file {options['zip_file']} cannot be read: {error.strerror}; build it first")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
