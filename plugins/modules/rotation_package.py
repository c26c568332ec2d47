#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_package
short_description: Write the zip that the rotation functions run
version_added: 0.1.0
description:
  - Writes the rotation package, out of the installed collection, to a file on the controller.
  - The same sources give the same bytes, on every machine.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  path:
    description: Where to write it. Missing folders are made.
    type: path
    required: true
attributes:
  action:
    description: Runs on the controller, as an action plugin.
    support: full
  check_mode:
    description: Can run in check mode; digests and size are right without a file.
    support: full
  diff_mode:
    description: A zip has no readable difference.
    support: none
"""

EXAMPLES = r"""
- name: Write the package
  evergreen.key_rotation.rotation_package:
    path: build/rotation.zip
  register: package
"""

RETURN = r"""
path:
  description: Where it is.
  returned: always
  type: str
sha256:
  description: SHA-256 in hex.
  returned: always
  type: str
code_sha256:
  description: SHA-256 in base64, as Lambda gives it.
  returned: always
  type: str
size:
  description: Size in bytes.
  returned: always
  type: int
"""
