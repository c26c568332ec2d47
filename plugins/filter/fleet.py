# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Filters of the playbooks: the Select play's reading of an inventory, and the outcome of an account."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from ansible.errors import AnsibleFilterError
from jinja2 import Undefined

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.hostvars import Unreadable
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.inventory import read_fleet
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.summary import outcome as outcome_of


class _Variables(Mapping[str, object]):
    """One host's variables: names without evaluating anything, values one at a time."""

    def __init__(self, variables: Mapping[str, object]) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> object:
        if name not in self._variables:
            raise KeyError(name)
        try:
            value = self._variables[name]
            if isinstance(value, Undefined):
                str(value)  # what a template lacks comes as a value that raises, with the reason, once it is used
            return value
        except Exception as error:  # whatever a template can raise is a mistake of the inventory
            said = str(error).splitlines() or [type(error).__name__]
            raise Unreadable(said[0]) from None

    def __contains__(self, name: object) -> bool:
        return name in self._variables

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def select(
    hostvars: Mapping[str, Mapping[str, object]],
    hosts: Sequence[str],
    selected: Sequence[str],
    limit: str | None = None,
    today: date | None = None,
) -> dict[str, Any]:
    """See select.yml."""
    if not isinstance(hostvars, Mapping):
        raise AnsibleFilterError("evergreen.key_rotation.select needs hostvars as its input")
    day = today or datetime.now(UTC).date()
    fleet = read_fleet({str(host): _Variables(hostvars[host]) for host in hosts}, [str(host) for host in selected], day)
    mistakes = [str(mistake) for mistake in fleet.mistakes]
    if not mistakes and not fleet.accounts:
        found, mend = (
            (
                f"none of the hosts that --limit {limit} leaves",
                "mend --limit: it takes service accounts and their groups",
            )
            if limit
            else (
                f"none of the {len(hosts)} hosts of the inventory",
                "name an inventory with -i, or add service accounts",
            )
        )
        mistakes.append(f"no service account is selected: {found} has rotation_strategy; {mend}")
    return {
        "accounts": [account.to_ansible(day) for account in fleet.accounts] if not mistakes else [],
        "mistakes": mistakes,
        "report": "\n".join(["The inventory needs mending, nothing was written:", *(f"- {text}" for text in mistakes)]),
        "warnings": list(fleet.warnings),
    }


def outcome(account: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
    """See outcome.yml."""
    return outcome_of(account, facts)


def audited(host: Mapping[str, Any]) -> dict[str, Any]:
    """See audited.yml."""
    account = host["rotation_account"]
    state = host.get("audit_state", {})
    return {
        "account": account["aws_account"],
        "region": account["aws_region"],
        "reason": host.get("rotation_reason", ""),
        "now": state.get("now"),
        "secrets": state.get("secrets") or [],
        "account_findings": state.get("account_findings") or [],
    }


class FilterModule:
    """The collection's filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"audited": audited, "outcome": outcome, "select": select}
