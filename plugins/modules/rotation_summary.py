#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_summary
short_description: Print what became of each service account
version_added: 0.1.0
description:
  - Prints one table of all accounts of a run.
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  outcomes:
    description: One outcome for each account, as the filter P(evergreen.key_rotation.outcome#filter) makes it.
    type: list
    elements: dict
    required: true
attributes:
  action:
    description: Runs on the controller, as an action plugin.
    support: full
  check_mode:
    description: Prints in check mode too; it never changes anything.
    support: full
  diff_mode:
    description: It never changes anything.
    support: none
"""

EXAMPLES = r"""
- name: Print the table
  evergreen.key_rotation.rotation_summary:
    outcomes: "{{ groups['rotation_runners'] | map('extract', hostvars, 'rotation_outcome') | list }}"
"""

RETURN = r"""
lines:
  description: What was printed.
  returned: always
  type: list
  elements: str
"""
