# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The variables of one host that say who may reach its secret, with all their mistakes. Pure."""

from __future__ import annotations

from .hostvars import HostReader
from .secret_access import PRINCIPAL, PRINCIPAL_MEND

VARIABLES = ("restrict_secret_access", "secret_readers", "secret_administrators")


def read_access(reader: HostReader, warnings: list[str]) -> tuple[bool | None, tuple[str, ...], tuple[str, ...]]:
    """restrict_secret_access (None: not said), secret_readers and secret_administrators of one host."""
    restrict = reader.flag("restrict_secret_access")
    readers = reader.texts("secret_readers", PRINCIPAL, PRINCIPAL_MEND)
    administrators = reader.texts("secret_administrators", PRINCIPAL, PRINCIPAL_MEND)
    if (
        restrict
        and administrators is None
        and not any(mistake.variable == "secret_administrators" for mistake in reader.mistakes)
    ):
        reader.mistake(
            "secret_administrators",
            "missing beside restrict_secret_access",
            f"name who deploys, audits and scans, or they are locked out; {PRINCIPAL_MEND}",
        )
    if restrict and readers is None and not any(mistake.variable == "secret_readers" for mistake in reader.mistakes):
        warnings.append(
            f"{reader.host}: secret_readers: missing beside restrict_secret_access; consumers are locked out "
            "unless they are administrators: list them (if there are none, list an administrator)"
        )
    return restrict, readers or (), administrators or ()
