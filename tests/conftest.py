# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The one embedded AWS of a test run: moto's state is one for a process, whichever folders of tests run in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from sandbox.world import World


@pytest.fixture(scope="session")
def embedded_aws() -> Iterator[World]:
    """The server of the whole run: starting one for every test would load IAM's managed policies each time."""
    from sandbox.server import running  # here, for the unit tests need no moto

    with running() as world:
        yield world


@pytest.fixture(scope="session")
def endpoint(embedded_aws: World) -> str:
    """Its address."""
    return embedded_aws.endpoint
