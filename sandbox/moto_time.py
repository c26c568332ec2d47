# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""moto on the virtual clock: every creation date, age and expiry follows World.clock."""

from __future__ import annotations

import sys
from datetime import datetime

import moto.core.utils
import moto.iam.models
import moto.sts.models

from .patching import original, replace
from .world import World


def install(world: World) -> None:
    """Let every moto module that is loaded, or will be, read the time from this world's clock.

    Modules import utcnow by name, so each holds its own reference; those loaded later take the replaced one.
    """
    own = original(moto.core.utils, "utcnow")

    def utcnow() -> datetime:
        return world.clock.utcnow().replace(tzinfo=None)

    replace(moto.core.utils, "utcnow", utcnow)
    for name, module in list(sys.modules.items()):
        if name.startswith("moto.") and "utcnow" in vars(module) and original(module, "utcnow") is own:
            replace(module, "utcnow", utcnow)
