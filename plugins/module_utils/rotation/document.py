# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The secret document of a service account: a JSON object whose unknown fields survive every rotation."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from .errors import DocumentError
from .names import ACCESS_KEY_ID, NOTIFY_EMAIL, SECRET_ACCESS_KEY, USER_NAME

OWN_FIELDS = frozenset({ACCESS_KEY_ID, SECRET_ACCESS_KEY})
"""What a rotation replaces; everything else of the document is the users'."""


@dataclass(frozen=True)
class Document:
    """A parsed secret document. Its fields never show in a representation.

    Attributes:
        user_name: the IAM user it claims to belong to: a claim, never an authority.
        access_key_id: its key, or None (a placeholder before the first rotation).
        notify_email: the address it names, or None.
    """

    user_name: str
    access_key_id: str | None
    notify_email: str | None
    fields: dict[str, Any] = field(repr=False)

    @property
    def secret_access_key(self) -> str:
        """The key's secret; empty when there is none."""
        value = self.fields.get(SECRET_ACCESS_KEY)
        return value if isinstance(value, str) else ""

    def with_key(self, access_key_id: str, secret_access_key: str) -> str:
        """The same document with another key, as JSON text."""
        text = json.dumps({**self.fields, ACCESS_KEY_ID: access_key_id, SECRET_ACCESS_KEY: secret_access_key})
        return _WRITTEN_NUMBER.sub(r"\1", text)

    def fits(self, other: Document) -> bool:
        """Say whether the other document differs from this one in the rotation's own fields alone."""
        return _foreign(self.fields) == _foreign(other.fields)


def parse(text: str | None) -> Document:
    """Read a SecretString.

    Args:
        text: the SecretString, or None for a binary secret.

    Raises:
        DocumentError: no text, no JSON object, or no USER_NAME. No part of the value is in its text.
    """
    if text is None:
        raise DocumentError(
            "the secret is binary; strategy iam_access_key needs a JSON object as SecretString with USER_NAME"
        )
    fields = _object(text)
    if fields is None:
        raise DocumentError("the secret's value is no JSON object; store one that has USER_NAME")
    user_name = _text(fields, USER_NAME)
    if user_name is None:
        raise DocumentError("the secret's document has no USER_NAME; add the IAM user's name")
    return Document(user_name, _text(fields, ACCESS_KEY_ID), _text(fields, NOTIFY_EMAIL), fields)


def names_access_key(value: str | bytes | None) -> bool:
    """Say whether a value, text or binary, is a document with an AWS access key in it, whatever else it lacks."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    fields = _object(text) if text is not None else None
    return fields is not None and ACCESS_KEY_ID in fields


def access_key_of(text: str | None) -> str | None:
    """The access key id that a version's SecretString names, or None; never an error, for old or foreign versions."""
    fields = _object(text) if text is not None else None
    return _text(fields, ACCESS_KEY_ID) if fields is not None else None


def is_roll_back(current: str | None, previous: str | None) -> bool:
    """Say whether AWSPENDING on AWSPREVIOUS' version is a roll-back's lock.

    A roll-back holds a version with another key than AWSCURRENT's. With the same key, or none, somebody has edited the
    value right after a rotation, before Secrets Manager took AWSPENDING off: nobody holds anything.

    Args:
        current, previous: the SecretStrings of AWSCURRENT's and AWSPREVIOUS' versions.
    """
    return access_key_of(current) != access_key_of(previous)


_NUMBER = "\x00number:"
_WRITTEN_NUMBER = re.compile(r'"\\u0000number:([-+.0-9eE]+)"')


def _object(text: str) -> dict[str, Any] | None:
    try:
        # A number with a fraction is kept as it was written: 1.10 stays 1.10, and 1e400 does not become infinity.
        value = json.loads(text, parse_float=lambda number: _NUMBER + number)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _text(fields: dict[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value and not value.startswith(_NUMBER) else None


def _foreign(fields: dict[str, Any]) -> str:
    """All that is the users', as text: Python's == would take 1 for true."""
    return json.dumps({name: value for name, value in fields.items() if name not in OWN_FIELDS}, sort_keys=True)
