# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)

from __future__ import annotations


class ModuleDocFragment:
    """How a batch module goes about a long list: READ for those that read, WRITES for those that write as well.

    PROGRESS is for those that take long.
    """

    READ = r"""
options:
  read:
    description:
      - V(describe) asks for each secret, some side by side. The answer is exact, and a policy can restrict it to named
        secrets.
      - V(list) lists the secrets of the Region, a hundred a call, and then asks only for those of which it cannot say
        that nothing is to be done. It needs C(secretsmanager:ListSecrets), and a list of AWS may be five minutes old.
    type: str
    choices: [describe, list]
    default: describe
"""

    WRITES = r"""
options:
  writes_per_second:
    description:
      - Writing calls that are sent in a second at most. AWS takes 50 RotateSecret a second in an account and Region.
        Lower it where others write as well.
    type: float
    default: 45
"""

    PROGRESS = r"""
options:
  progress_path:
    description:
      - File to which a line is added as the work for each service account ends. The action plugin gives one, and shows
        meanwhile how many are done and how many failed; there is no need to set it.
    type: path
"""
