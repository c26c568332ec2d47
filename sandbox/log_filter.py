# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""CloudWatch Logs filter patterns: terms, phrases and simple JSON selectors, as AWS documents them.

Source: CloudWatch Logs User Guide, "Filter pattern syntax".
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable
from typing import Any

import moto.logs.models
from moto.core.exceptions import JsonRESTError

from .errors import refusal
from .patching import replace
from .world import World

Match = Callable[[str], bool]
_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"{}\[\]]+))')
_SELECTOR = re.compile(
    r'\s*\$\.([\w.-]+)\s*(?:(=|!=|<=|>=|<|>)\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d+(?:\.\d+)?)|(\w+))|IS\s+(TRUE|FALSE|NULL))\s*'
)
_NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


class PatternFilter:
    """In the place of moto's EventMessageFilter, which takes what it cannot read for a match of everything."""

    def __init__(self, pattern: str) -> None:
        text = (pattern or "").strip()
        self._match = _json_match(text) if text.startswith("{") else _text_match(text)

    def matches(self, message: str) -> bool:
        """Whether one log event is found."""
        return self._match(message)


def install(world: World) -> None:
    """Let moto's logs search with these patterns."""
    replace(moto.logs.models, "EventMessageFilter", type("EventMessageFilter", (PatternFilter,), {}))


def _text_match(pattern: str) -> Match:
    """All plain terms, at least one ?term if there are any and no plain one, no -term; case counts."""
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    position = 0
    while position < len(pattern):
        found = _TERM.match(pattern, position)
        if found is None:
            raise _unreadable(pattern)
        terms[found[1]].append(found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2]))
        position = found.end()

    def match(message: str) -> bool:
        if any(term in message for term in terms["-"]) or not all(term in message for term in terms[""]):
            return False
        return not terms["?"] or bool(terms[""]) or any(term in message for term in terms["?"])

    return match


def _json_match(pattern: str) -> Match:
    """{ $.a = "x" && $.b > 3 }, with && or || between selectors, not both."""
    inner = pattern[1:-1].strip() if pattern.endswith("}") else ""
    junction = all if "&&" in inner or "||" not in inner else any
    parts = re.split(r"&&|\|\|", inner)
    if "&&" in inner and "||" in inner:
        raise _unreadable(pattern)
    tests = []
    for part in parts:
        found = _SELECTOR.fullmatch(part)
        if found is None:
            raise _unreadable(pattern)
        tests.append(found)

    def match(message: str) -> bool:
        try:
            document = json.loads(message)
        except ValueError:
            return False
        return isinstance(document, dict) and junction(_selected(document, test) for test in tests)

    return match


def _selected(document: dict[str, Any], test: re.Match[str]) -> bool:
    value: Any = document
    for name in test[1].split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    if test[6] is not None:
        return value is {"TRUE": True, "FALSE": False, "NULL": None}[test[6]]
    if test[4] is not None:
        return isinstance(value, int | float) and _NUMBERS[test[2]](value, float(test[4]))
    wanted = test[5] if test[3] is None else test[3]
    return fnmatch.fnmatchcase(str(value), wanted) is (test[2] == "=")


def _unreadable(pattern: str) -> JsonRESTError:
    return refusal(
        "InvalidParameterException", f"Invalid filter pattern {pattern!r} (or one that the embedded AWS cannot read)."
    )
