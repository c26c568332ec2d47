# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Every error that leaves this package; the texts are made of names, ids and AWS error codes, never of a value."""

from __future__ import annotations


class RotationError(Exception):
    """The step or the retirement cannot go on; the text says what was found and the way out."""


class EventError(RotationError):
    """The event is not one that this function serves, or not for this secret's present state. Nothing was touched."""


class ConfigurationError(RotationError):
    """An environment variable of the function has a value that it cannot work with. Nothing was touched."""


class DocumentError(RotationError):
    """The secret's value is not the document that the strategy needs."""


class BindingError(RotationError):
    """The IAM user is not bound to this very secret and function."""


class SlotError(RotationError):
    """The user has two access keys and none of them may safely make room."""


class ProofError(RotationError):
    """The pending key did not prove that it works and belongs to the user."""


class SupersededError(RotationError):
    """AWSCURRENT changed while the rotation ran; what it had prepared no longer fits."""


class AwsError(RotationError):
    """An AWS call failed.

    Args:
        action: as in a policy, e.g. iam:CreateAccessKey.
        code: AWS error code, or the name of the client's exception (ReadTimeoutError, ...).
        refused: True when AWS answered with a 4xx status or the request was never sent, so that
            this very request surely had no effect.
    """

    def __init__(self, action: str, code: str, refused: bool) -> None:
        super().__init__(f"{action} failed: {code}")
        self.action = action
        self.code = code
        self.refused = refused
