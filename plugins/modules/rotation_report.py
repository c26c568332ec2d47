#!/usr/bin/python
# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_report
short_description: Write the report of an audit and say whether it passed
version_added: 0.1.0
description:
  - From what was found in all accounts, prints a table and writes C(report.html), C(report.json), C(report.csv) and
    C(report.junit.xml) on the controller. The HTML file is self-contained and holds no script.
  - Never fails because of findings; the caller decides by RV(verdicts).
author:
  - The evergreen.key_rotation maintainers (@evergreen)
options:
  audits:
    description: One entry for each account, as the filter P(evergreen.key_rotation.audited#filter) makes it.
    type: list
    elements: dict
    required: true
  dest:
    description: Folder for the files; it is made. Without it only the table is printed.
    type: path
  fail_on:
    description:
      - From which severity on an account fails, V(info), V(warning), V(error), or V(none) for never. Or a list of
        finding ids and Prowler checks. An account that could not be audited always fails.
    type: raw
    default: warning
attributes:
  action:
    description: Runs on the controller, as an action plugin.
    support: full
  check_mode:
    description: Writes the report in check mode too; it changes nothing else.
    support: full
  diff_mode:
    description: It changes nothing but the report.
    support: none
"""

EXAMPLES = r"""
- name: Write the report
  evergreen.key_rotation.rotation_report:
    audits: "{{ groups['rotation_runners'] | map('extract', hostvars) | map('evergreen.key_rotation.audited') | list }}"
    dest: build/audit
    fail_on: [key-too-old, iam_user_two_active_access_key]
"""

RETURN = r"""
passed:
  description: Whether no account reached the threshold.
  returned: always
  type: bool
verdicts:
  description: C(ACCOUNT (REGION\)) to why it fails, or an empty string.
  returned: always
  type: dict
files:
  description: The files that were written.
  returned: always
  type: list
  elements: str
"""
