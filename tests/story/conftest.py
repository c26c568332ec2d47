# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One embedded AWS for all story tests; each begins with the old fleet, or with that fleet deployed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.old_fleet import Aws, seed
from demo.playbook import INVENTORY, Run, run


class Story:
    """The fleet, the inventory that describes it, and the playbooks."""

    def __init__(self, endpoint: str, folder: Path) -> None:
        self.aws = Aws(endpoint)
        self.endpoint = endpoint
        self._folder = folder
        self.inventory: dict[str, Any] = yaml.safe_load(INVENTORY.read_text())

    @property
    def account(self) -> dict[str, Any]:
        """The group of the example account."""
        return self.inventory["all"]["children"]["acmecorp_prod"]

    @property
    def service_accounts(self) -> dict[str, Any]:
        """The group of the IAM service accounts."""
        return self.account["children"]["service_accounts"]

    def play(self, name: str, *arguments: str, code: int = 0, **environment: str) -> Run:
        """Run a playbook on the inventory as it is now, and expect an exit code."""
        path = self._folder / "inventory.yml"
        path.write_text(yaml.safe_dump(self.inventory, sort_keys=False))
        done = run(name, self.endpoint, *arguments, inventory=path, environment=environment)
        assert done.code == code, done.output
        assert "Traceback" not in done.output, done.output
        return done


@pytest.fixture
def old_fleet(endpoint: str, tmp_path: Path) -> Story:
    """The fleet as most teams have it."""
    story = Story(endpoint, tmp_path)
    story.aws.remote.reset()
    seed(story.aws)
    return story


@pytest.fixture
def deployed(old_fleet: Story) -> Story:
    """The fleet after its first deploy."""
    old_fleet.play("deploy")
    return old_fleet
