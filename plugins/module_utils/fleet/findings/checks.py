# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""All checks of one service account, in the order in which a person would ask. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..errors import StateError
from ..planning import existing_secret, existing_user
from ..state import State
from . import keys, secrets
from .finding import SEVERITIES, Finding

CHECKS: tuple[Callable[[State], list[Finding]], ...] = (
    secrets.document,
    secrets.binding,
    keys.current_key,
    keys.ages,
    keys.due,
    keys.two_active,
    keys.unused,
    keys.unknown,
    keys.inactive,
    keys.retirement,
    secrets.rotation,
    secrets.pending,
    secrets.access,
    secrets.settings,
    secrets.function,
    secrets.restriction,
    secrets.exemption,
    secrets.unread,
)


USER_CHECKS: tuple[Callable[[State], list[Finding]], ...] = (keys.ages, keys.two_active, keys.unused)
"""What is asked of the user although its secret is not there: its keys work all the same, and Prowler sees them."""


def findings(state: State) -> list[Finding]:
    """Everything worth saying about one service account, worst first; an exempt one only informs."""
    found = _all(state)
    if state.exempt:
        found = [replace(finding, severity="info") for finding in found]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding.severity))


def _all(state: State) -> list[Finding]:
    try:
        existing_secret(state)
    except StateError as error:
        missing = _from_error(_missing_id(state), error)
        return [missing, *(finding for check in USER_CHECKS for finding in check(state))]
    found: list[Finding] = []
    try:
        existing_user(state)
    except StateError as error:
        found.append(_from_error("user-missing", error))
    for check in CHECKS:
        found += check(state)
    return found


def _missing_id(state: State) -> str:
    secret = state.secret
    if secret is None:
        return "secret-missing"
    if secret.deleted is not None:
        return "secret-awaits-deletion"
    return "secret-is-replica" if secret.is_replica else "secret-managed-elsewhere"


def _from_error(identity: str, error: Exception) -> Finding:
    text, _separator, mend = str(error).partition("; ")
    return Finding(identity, "error", text, mend or "take the host out of the inventory")
