# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a finding is, and the Prowler checks that findings foresee. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Worst first."""

ROTATE_90_DAYS = "iam_rotate_access_key_90_days"
TWO_ACTIVE_KEYS = "iam_user_two_active_access_key"
KEY_UNUSED = "iam_user_accesskey_unused"
ROOT_KEY = "iam_no_root_access_key"
ROTATION_ENABLED = "secretsmanager_automatic_rotation_enabled"
ROTATED_PERIODICALLY = "secretsmanager_secret_rotated_periodically"
SECRET_UNUSED = "secretsmanager_secret_unused"
RESTRICTIVE_POLICY = "secretsmanager_has_restrictive_resource_policy"

# Prowler's bounds, in full days (the last one exactly); a thing fails when it is more than that.
KEY_AGE_DAYS = 90
KEY_UNUSED_DAYS = 45
SECRET_UNROTATED_DAYS = 90
SECRET_UNUSED_DAYS = 90


@dataclass(frozen=True)
class Finding:
    """One thing worth saying. An error keeps the service account out of a run.

    Attributes:
        id: our own name of it; docs/audit.md lists them all.
        text: what was found.
        mend: the way out.
        check: the Prowler check that fails now for the same reason; None: Prowler does not see it (yet).
    """

    id: str
    severity: Severity
    text: str
    mend: str
    check: str | None = None
