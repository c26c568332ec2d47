# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One host's variables, read with care: every mistake is noted, none stops the reading. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime

from ..rotation.settings import is_plain_address
from .model import Mistake

_KEY_ID = re.compile(r"[A-Z0-9]{16,128}")


class Unreadable(Exception):
    """A variable of the inventory could not be evaluated; raised by the mapping that is read."""


class HostReader:
    """Reads named variables of one host, each once.

    Args:
        host: its name, for the mistakes.
        variables: name -> value; a look-up may raise Unreadable.
    """

    def __init__(self, host: str, variables: Mapping[str, object]) -> None:
        self.host = host
        self.mistakes: list[Mistake] = []
        self._variables = variables

    def mistake(self, variable: str, found: str, mend: str) -> None:
        """Note a mistake of this host."""
        self.mistakes.append(Mistake(self.host, variable, found, mend))

    def raw(self, name: str) -> object:
        """The value, or None when it is unset, empty or not evaluable (which is a mistake)."""
        if name not in self._variables:
            return None
        try:
            value = self._variables[name]
        except Unreadable as error:
            self.mistake(name, f"cannot be evaluated: {error}", "mend the expression or the variable that it names")
            return None
        return None if value in ("", [], {}) else value

    def text(self, name: str, pattern: str | None = None, mend: str = "") -> str | None:
        """A string, optionally of a certain shape."""
        value = self.raw(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            self.mistake(name, f"found {_shown(value)}", mend or "write a plain string")
            return None
        text = str(value)
        if pattern is not None and not re.fullmatch(pattern, text):
            self.mistake(name, f"found {text!r}", mend)
            return None
        return text

    def texts(self, name: str, pattern: str, mend: str) -> tuple[str, ...] | None:
        """A list of strings of a certain shape, in order and each once; None when unset or wrong."""
        value = self.raw(name)
        if value is None:
            return None
        items = value if isinstance(value, (list, tuple)) else [value]
        wrong = [item for item in items if not isinstance(item, str) or not re.fullmatch(pattern, item)]
        if wrong:
            self.mistake(name, f"found {', '.join(_shown(item) for item in wrong)}", mend)
            return None
        return tuple(sorted({str(item) for item in items}))

    def flag(self, name: str) -> bool | None:
        """True or false, as YAML has it or as a word (an inventory in INI, -e)."""
        value = self.raw(name)
        words = {"true": True, "yes": True, "false": False, "no": False}
        if value is None or isinstance(value, bool):
            return value
        found = words.get(value.lower()) if isinstance(value, str) else None
        if found is None:
            self.mistake(name, f"found {_shown(value)}", "write true or false")
        return found

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A whole number within bounds."""
        value = self.raw(name)
        if value is None:
            return None
        text = str(value)
        number = int(text) if not isinstance(value, bool) and re.fullmatch(r"-?[0-9]{1,9}", text) else None
        if number is None or not low <= number <= high:
            self.mistake(name, f"found {_shown(value)}", f"write a whole number from {low} to {high}")
            return None
        return number

    def choice(self, name: str, choices: tuple[str, ...]) -> str | None:
        """One of a few words."""
        value = self.raw(name)
        if value is None:
            return None
        if value not in choices:
            self.mistake(name, f"found {_shown(value)}", f"write one of {', '.join(choices)}")
            return None
        return str(value)

    def address(self, name: str) -> str | None:
        """One plain mail address."""
        text = self.text(name)
        if text is not None and not is_plain_address(text):
            self.mistake(name, f"found {text!r}", "write one plain address, e.g. platform@acmecorp.com")
            return None
        return text

    def day(self, name: str) -> date | None:
        """A calendar day."""
        value = self.raw(name)
        if isinstance(value, datetime):
            return value.date()
        if value is None or isinstance(value, date):
            return value
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            self.mistake(name, f"found {_shown(value)}", "write a day as YYYY-MM-DD")
            return None

    def key_ids(self, name: str) -> tuple[str, ...]:
        """A list of access key ids."""
        value = self.raw(name)
        items = [] if value is None else value if isinstance(value, (list, tuple)) else [value]
        for item in items:
            if not isinstance(item, str) or not _KEY_ID.fullmatch(item):
                # Not repeated: people paste the secret access key here by mistake.
                self.mistake(name, "an item is no access key id", "list ids such as AKIAIOSFODNN7EXAMPLE, no secrets")
                return ()
        return tuple(sorted({str(item) for item in items}))


def _shown(value: object) -> str:
    if isinstance(value, str):
        return repr(str(value))
    # Ansible's own kinds of number and list are what their base is to a person.
    kind = next((base for base in (bool, int, float, list, dict) if isinstance(value, base)), type(value))
    return f"{value} ({kind.__name__})"
