# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The action plugin of a long module: runs it, and shows meanwhile how far it is."""

from __future__ import annotations

import tempfile
import threading
import time
from typing import IO, Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.progress import Milestones

_EVERY_SECONDS = 1.0
_PLACE = ("rotation_aws_account", "rotation_aws_region")
"""The variables of the roles that say which account they work on."""


class Watched(ActionBase):
    """Runs the module of its own name, which writes a progress file, and shows how far it is.

    Only where the module runs on the controller, and is waited for, can its file be read; elsewhere it runs without.

    Attributes:
        PATIENCE_SECONDS: nothing is shown of what takes no longer.
    """

    TRANSFERS_FILES = False
    PATIENCE_SECONDS = 0.0
    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the module, and show lines meanwhile."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        in_background = bool(self._task.async_val)
        if in_background or self._connection.transport != "local" or arguments.get("progress_path"):
            return result | self._execute_module(module_args=arguments, task_vars=task_vars, wrap_async=in_background)
        ended = threading.Event()
        with tempfile.NamedTemporaryFile(prefix="rotation-progress-", mode="r") as file:
            arguments["progress_path"] = file.name
            milestones = Milestones(self._doing(task_vars or {}), time.monotonic(), self.PATIENCE_SECONDS)
            watcher = threading.Thread(target=_watch, args=(file, milestones, ended), daemon=True)
            watcher.start()
            try:
                return result | self._execute_module(module_args=arguments, task_vars=task_vars)
            finally:
                ended.set()
                watcher.join()

    def _doing(self, task_vars: dict[str, Any]) -> str:
        """What is done, and where: Ansible gives all hosts the task's name as it reads for the first of them."""
        try:
            place = [str(self._templar.template(task_vars.get(name, ""))) for name in _PLACE]
        except AnsibleError:  # what is shown never decides about the work
            place = [""]
        where = f" in {', '.join(place)}" if all(place) else ""
        name = self._templar.template(self._task.name) or self._task.action.rpartition(".")[2]
        return f"{name}{where}"


def _watch(file: IO[str], milestones: Milestones, ended: threading.Event) -> None:
    """Show what the module adds to its file, until it has ended and all is read."""
    display = Display()
    rest = ""
    over = False
    while not over:
        over = ended.wait(_EVERY_SECONDS)
        *lines, rest = (rest + file.read()).split("\n")
        line = milestones.read(lines, time.monotonic())
        if line is not None:
            # Not among the results: a callback that writes JSON is read by machines.
            display.display(line, stderr=True)
