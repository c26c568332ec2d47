# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What moto works out anew for each call, remembered: two fifths of a call's time went there."""

from __future__ import annotations

import functools
from typing import Any

import moto.backends
import moto.core.responses

from .patching import original, replace
from .world import World


def install(_world: World) -> None:
    """Remember moto's own folders, and the method names of its response classes as they are in this world."""
    modules: tuple[str, ...] = tuple(original(moto.backends, "list_of_moto_modules")())
    names: Any = functools.cache(original(moto.core.responses, "method_names_from_class"))
    replace(moto.backends, "list_of_moto_modules", lambda: modules)
    replace(moto.core.responses, "method_names_from_class", names)
