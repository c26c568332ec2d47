# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Prints the summary table, as lines and not as JSON."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.summary import table


class ActionModule(ActionBase):
    """See plugins/modules/rotation_summary.py for the documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Print."""
        super().run(tmp, task_vars)
        spec = {"outcomes": {"type": "list", "elements": "dict", "required": True}}
        _validated, options = self.validate_argument_spec(spec)
        lines = table(options["outcomes"])
        display = Display()
        for line in lines:
            display.display(line)
        return {"changed": False, "lines": lines}
