# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)

from __future__ import annotations

import tempfile
import threading
import time
from typing import IO, Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.progress import Milestones

_EVERY_SECONDS = 1.0


class ActionModule(ActionBase):
    """See plugins/modules/rotation_run.py for the documentation. This runs that module, and shows how far it is.

    Only where the module runs on the controller, and is waited for, can its file be read; elsewhere it runs without.
    """

    TRANSFERS_FILES = False
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, and show lines meanwhile."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        in_background = bool(self._task.async_val)
        if in_background or self._connection.transport != "local" or arguments.get("progress_path"):
            return result | self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=in_background)
        ended = threading.Event()
        with tempfile.NamedTemporaryFile(prefix="rotation-run-", mode="r") as file:
            arguments["progress_path"] = file.name
            doing = self._templar.template(self._task.name) or "rotation_run"
            watcher = threading.Thread(target=_watch, args=(file, doing, ended), daemon=True)
            watcher.start()
            try:
                return result | self._execute_module(module_args=arguments, task_vars=task_vars)
            finally:
                ended.set()
                watcher.join()


def _watch(file: IO[str], doing: str, ended: threading.Event) -> None:
    """Show what the module adds to its file, until it has ended and all is read."""
    milestones, display = Milestones(doing, time.monotonic()), Display()
    rest = ""
    over = False
    while not over:
        over = ended.wait(_EVERY_SECONDS)
        *lines, rest = (rest + file.read()).split("\n")
        line = milestones.read(lines, time.monotonic())
        if line is not None:
            # Not among the results: a callback that writes JSON is read by machines.
            display.display(line, stderr=True)
