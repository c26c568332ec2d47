# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)

from __future__ import annotations


class ModuleDocFragment:
    """What a module needs where it runs; amazon.aws' own fragment names a Python that this code is too new for."""

    DOCUMENTATION = r"""
options: {}
requirements:
  - python >= 3.11
  - boto3 >= 1.34.0
  - botocore >= 1.34.0
"""
