# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""From hosts to accounts, with the mistakes that only several hosts together can hold. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields

from .model import Account, AccountSettings, Mistake, ServiceAccount

ACCOUNT_VARIABLES = tuple(item.name for item in fields(AccountSettings))
DEFAULT_ACCOUNT = "default"
_LEADING = ("aws_account_id", "aws_profile", "aws_role_arn")
"""What says which AWS account a label leads to."""


@dataclass(frozen=True)
class Host:
    """A service account as read, with the account that it says it is in. item is None when it holds a mistake."""

    name: str
    secret_name: str | None
    iam_user: str | None
    item: ServiceAccount | None
    label: str | None
    region: str | None
    settings: AccountSettings


def group(found: Sequence[Host], known: Iterable[Mistake]) -> tuple[tuple[Account, ...], list[Mistake]]:
    """The accounts, in the inventory's order, and the mistakes.

    Args:
        known: the mistakes of single hosts.
    """
    accounts, mistakes = _accounts(found)
    if not any(mistake.variable in _LEADING for mistake in (*known, *mistakes)):
        mistakes += _second_labels(found)
    mistakes += _missing_labels(found)
    mistakes += _duplicates(found, "secret_name", lambda read: read.secret_name and f"{read.region}/{read.secret_name}")
    mistakes += _duplicates(found, "iam_user", lambda read: read.iam_user and read.iam_user.lower())
    return accounts, mistakes


def _missing_labels(found: Iterable[Host]) -> list[Mistake]:
    """aws_account may be left out everywhere, but not here and there."""
    hosts = list(found)
    labels = sorted({read.label for read in hosts if read.label is not None})
    if not labels:
        return []
    return [
        Mistake(read.name, "aws_account", f"missing, while others are in {', '.join(labels)}", "write its account")
        for read in hosts
        if read.label is None
    ]


def _duplicates(found: Iterable[Host], variable: str, key: Callable[[Host], str | None]) -> list[Mistake]:
    """Two hosts of one account with the same thing."""
    seen: dict[tuple[str, str], str] = {}
    mistakes = []
    for read in found:
        value = key(read)
        if not value:
            continue
        first = seen.setdefault((read.label or DEFAULT_ACCOUNT, value), read.name)
        if first != read.name:
            shown = read.secret_name if variable == "secret_name" else read.iam_user
            mistakes.append(
                Mistake(
                    read.name,
                    variable,
                    f"{shown} is {first}'s already",
                    f"one of {first} and {read.name} must name another one or go",
                )
            )
    return mistakes


def _accounts(found: Iterable[Host]) -> tuple[tuple[Account, ...], list[Mistake]]:
    """Accounts in the inventory's order, and the variables on which an account's hosts disagree."""
    groups: dict[tuple[str, str], list[Host]] = {}
    for read in found:
        groups.setdefault((read.label or DEFAULT_ACCOUNT, read.region or ""), []).append(read)
    accounts, mistakes = [], []
    for (label, region), hosts in groups.items():
        first = hosts[0]
        for read in hosts[1:]:
            for variable in ACCOUNT_VARIABLES:
                here, there = getattr(read.settings, variable), getattr(first.settings, variable)
                if here != there:
                    differs = f"{_said(here)} here but {_said(there)} at {first.name}, in account {label}, {region}"
                    mistakes.append(Mistake(read.name, variable, differs, "write it once, in the group of the account"))
        users = {read.iam_user for (name, _region), there in groups.items() if name == label for read in there}
        items = tuple(read.item for read in hosts if read.item)
        accounts.append(Account(label, region, first.settings, items, tuple(sorted(filter(None, users)))))
    return tuple(accounts), mistakes


def _second_labels(found: Iterable[Host]) -> list[Mistake]:
    """Labels that lead to one account. Each has a runner: two would write the same functions and roles side by side.

    Two that have different numbers are two accounts, whatever their credentials: the wrong ones are stopped. Of two
    with the same credentials and one number, the one without would be written into the other's account.
    """
    labels: dict[tuple[str, str], str] = {}
    sources: dict[tuple[str, str], tuple[str, bool]] = {}
    mistakes = []
    firsts: dict[tuple[str | None, str | None], Host] = {}
    for read in found:
        firsts.setdefault((read.label, read.region), read)
    for (label, region), read in firsts.items():
        if label is None or region is None:
            continue
        settings = read.settings
        shared, numbered = settings.reaches, settings.number is not None
        other = labels.setdefault((shared, region), label)
        before, was_numbered = sources.setdefault((settings.source, region), (label, numbered))
        if other == label and was_numbered != numbered:
            other, shared = before, settings.source
        if other != label:
            mistakes.append(
                Mistake(
                    read.name,
                    "aws_account",
                    f"{label} and {other} are both {shared} in {region}",
                    "give both one label, or if they are two accounts, each its own aws_account_id, aws_profile or"
                    " aws_role_arn",
                )
            )
    return mistakes


def _said(value: object) -> str:
    return "missing" if value is None else repr(value)
