# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Writes the report on the controller and says which accounts fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.files import files, write
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.tables import to_lines
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.report.verdict import (
    ThresholdError,
    label,
    make_report,
)


class ActionModule(ActionBase):
    """See plugins/modules/rotation_report.py for the documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Decide, write, print."""
        super().run(tmp, task_vars)
        spec = {
            "audits": {"type": "list", "elements": "dict", "required": True},
            "dest": {"type": "path"},
            "fail_on": {"type": "raw", "default": "warning"},
        }
        _validated, options = self.validate_argument_spec(spec)
        try:
            report = make_report(options["audits"], options["fail_on"])
        except ThresholdError as error:
            raise AnsibleActionFail(str(error)) from None
        written: list[str] = []
        if options["dest"]:
            try:
                written = write(files(report), Path(options["dest"]))
            except OSError as error:
                raise AnsibleActionFail(f"the report could not be written to {options['dest']}: {error}") from None
        lines = to_lines(report)
        display = Display()
        for line in [*lines, *(f"Report: {path}" for path in written)]:
            display.display(line)
        return {
            "changed": False,
            "passed": report["verdict"]["passed"],
            "verdicts": {label(account): account["verdict"] for account in report["accounts"]},
            "files": written,
        }
