# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Writes the rotation package on the controller, where the collection is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.package import (
    Package,
    build,
    holds,
    write_if_different,
)


class ActionModule(ActionBase):
    """See plugins/modules/rotation_package.py for the documentation."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Build, compare, write."""
        super().run(tmp, task_vars)
        _validated, options = self.validate_argument_spec({"path": {"type": "path", "required": True}})
        path = Path(options["path"])
        try:
            package = Package(build())
            differs = not holds(path, package.content)
            if differs and not self._task.check_mode:
                write_if_different(package.content, path)
        except OSError as error:
            raise AnsibleActionFail(f"the rotation package could not be written to {path}: {error}") from None
        return {
            "changed": differs,
            "path": str(path),
            "sha256": package.sha256,
            "code_sha256": package.code_sha256,
            "size": len(package.content),
        }
