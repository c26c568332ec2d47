# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The diff of a batch module: keyed by service account, and by groups of them where many change alike. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..rotation import names

MOST = 30
"""Up to so many service accounts each have their own part of the diff."""
_NAMED = 3
_OWN = {names.TAG_SECRET: "its own secret", names.TAG_SINCE: "now"}


Change = tuple[Mapping[str, object], Mapping[str, object]]
"""Before and after of one service account: only what differs."""


def diff(changes: Mapping[str, Change]) -> dict[str, dict[str, object]]:
    """Ansible's before and after.

    Above MOST service accounts, those that change alike share one part, whose key names the first few and says how
    many more; a binding, which is another one for each, is then told in words.

    Args:
        changes: name of a service account -> what differs there; nothing for those where nothing does.
    """
    groups = changes if len(changes) <= MOST else _alike(changes)
    return {
        "before": {name: dict(before) for name, (before, _after) in groups.items()},
        "after": {name: dict(after) for name, (_before, after) in groups.items()},
    }


def _alike(changes: Mapping[str, Change]) -> dict[str, Change]:
    members: dict[str, list[str]] = {}
    parts: dict[str, Change] = {}
    for name, (before, after) in changes.items():
        general = _general(before), _general(after)
        key = json.dumps(general, sort_keys=True)
        members.setdefault(key, []).append(name)
        parts[key] = general
    return {_named(members[key]): part for key, part in parts.items()}


def _general(part: Mapping[str, object]) -> dict[str, Any]:
    """What is each one's own, in words."""
    general: dict[str, Any] = dict(part)
    tags = part.get("user_tags")
    if isinstance(tags, Mapping):
        general["user_tags"] = {tag: _OWN.get(tag, value) for tag, value in tags.items()}
    return general


def _named(group: Sequence[str]) -> str:
    first = ", ".join(group[:_NAMED])
    return f"{first} and {len(group) - _NAMED} more" if len(group) > _NAMED else first
