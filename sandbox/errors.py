# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""AWS errors that our replacements of moto's operations raise, in the one form that moto turns into an answer."""

from __future__ import annotations

from moto.core.exceptions import JsonRESTError


def refusal(code: str, message: str, status: int = 400) -> JsonRESTError:
    """An error to raise inside an operation of a JSON service.

    Args:
        code: the AWS error code.
        message: what AWS says; never a secret value.
        status: HTTP status.
    """
    error = JsonRESTError(code, message)
    error.code = status
    return error
