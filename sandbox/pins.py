# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What moto must look like for our replacements to fit: another version fails at the start, not in a test's result."""

from __future__ import annotations

import importlib.metadata
import inspect
from typing import Any

import moto.core.utils
import moto.iam.models
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse
from moto.ses.models import SESBackend
from moto.sts.responses import TokenResponse

from .patching import original

MOTO_VERSION = "5.2.5"

PINS: tuple[tuple[Any, str, str], ...] = (
    (moto.core.utils, "utcnow", "() -> 'datetime.datetime'"),
    (
        moto.iam.models,
        "mark_account_as_visited",
        "(account_id: 'str', access_key: 'str', service: 'str', region: 'str') -> 'None'",
    ),
    (IAMBackend, "_init_aws_policies", "(self) -> 'list[ManagedPolicy]'"),
    (IamResponse, "list_access_keys", "(self) -> 'ActionResult'"),
    (IamResponse, "get_access_key_last_used", "(self) -> 'ActionResult'"),
    (IamResponse, "generate_credential_report", "(self) -> 'ActionResult'"),
    (IamResponse, "get_credential_report", "(self) -> 'ActionResult'"),
    (TokenResponse, "get_caller_identity", "(self) -> moto.core.responses.ActionResult"),
    (SESBackend, "_is_verified_address", "(self, source: str) -> bool"),
    (
        SESBackend,
        "get_identity_verification_attributes",
        "(self, identities: list[str] | None = None) -> dict[str, dict[str, str]]",
    ),
)
"""Owner, name and signature of every function of moto that we replace."""


class PinError(Exception):
    """moto is not the one that this code was written for."""


def check(pins: tuple[tuple[Any, str, str], ...] = PINS) -> None:
    """Compare the installed moto with what we rely on.

    Raises:
        PinError: another version, or a function that is gone or takes something else; the text lists all of them.
    """
    found = importlib.metadata.version("moto")
    problems = [] if found == MOTO_VERSION else [f"it is version {found}"]
    for owner, name, expected in pins:
        try:
            actual = str(inspect.signature(original(owner, name)))
        except KeyError:
            problems.append(f"{owner.__name__}.{name} is gone")
            continue
        if actual != expected:
            problems.append(f"{owner.__name__}.{name} is now {actual}, not {expected}")
    if problems:
        raise PinError(
            f"the embedded AWS is made for moto {MOTO_VERSION}, and this one differs: {'; '.join(problems)}. "
            "Install the versions of requirements/tools.txt, or adapt sandbox/ and its pins."
        )
