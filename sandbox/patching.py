# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Replace functions inside moto so that a second world in the same process starts from moto's own again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_ORIGINAL = "sandbox_original"
_ADDED = "sandbox_added"


def original(owner: Any, name: str) -> Any:
    """What moto itself defines as owner.name, whether or not it is replaced at the moment."""
    found = vars(owner)[name]
    return getattr(found, _ORIGINAL, found)


def add(owner: Any, name: str, new: Callable[..., Any]) -> None:
    """Give owner a function that moto's own lacks.

    Raises:
        AttributeError: moto has one; replace() it instead, or leave it alone.
    """
    if name in vars(owner) and not hasattr(vars(owner)[name], _ADDED):
        raise AttributeError(f"{owner.__name__} has {name} of its own")
    setattr(new, _ADDED, True)
    setattr(owner, name, new)


def replace(owner: Any, name: str, new: Callable[..., Any]) -> None:
    """Put new in the place of owner.name and remember moto's own, which original() keeps giving.

    Args:
        owner: a module or class of moto.
        name: the function in it.
        new: what takes its place, and its place alone; made for this world where it needs one.
    """
    before = original(owner, name)
    setattr(new, _ORIGINAL, before)
    setattr(owner, name, new)
