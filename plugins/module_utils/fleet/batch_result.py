# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The option service_accounts that the batch modules share, and the result that they share. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..rotation import names
from .batch import READERS, run_all
from .batch_diff import diff
from .state import Target

_NAMED_FAILURES = 3

SERVICE_ACCOUNTS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": {
        "name": {"type": "str", "required": True},
        "secret_name": {"type": "str", "required": True, "no_log": False},
        "iam_user": {"type": "str"},
        "rotation_strategy": {"type": "str", "required": True, "choices": list(names.STRATEGIES)},
        "rotation_days": {"type": "int"},
        "schedule_expression": {"type": "str"},
        "rotation_window": {"type": "str"},
        "max_key_age_days": {"type": "int", "default": names.MAX_KEY_AGE_DAYS, "no_log": False},
        "grace_period_hours": {"type": "int", "default": names.GRACE_PERIOD_HOURS},
        "notify_email": {"type": "str"},
        "disposable_keys": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "rotate_on_enrol": {"type": "str", "choices": ["due", "all", "none"], "default": "due"},
        "hold_back": {"type": "str"},
        "exempt_until": {"type": "str"},
        "exempt_reason": {"type": "str"},
        "restrict_secret_access": {"type": "bool", "no_log": False},
        "secret_readers": {"type": "list", "elements": "str", "default": [], "no_log": False},
        "secret_administrators": {"type": "list", "elements": "str", "default": [], "no_log": False},
    },
    "mutually_exclusive": [["rotation_days", "schedule_expression"]],
    "required_one_of": [["rotation_days", "schedule_expression"]],
    "required_if": [["rotation_strategy", names.IAM_ACCESS_KEY, ["iam_user"]]],
}
"""Argument spec of the option; doc_fragments/service_accounts.py documents it."""


def targets(items: Iterable[Mapping[str, Any]]) -> list[Target]:
    """The option's value as types."""
    known = {item.name for item in fields(Target)}
    found = []
    for item in items:
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in item.items() if key in known
        }
        found.append(Target(**values))
    return found


@dataclass(frozen=True)
class Entry:
    """What a batch module says of one service account.

    Attributes:
        msg: one sentence; empty when there is nothing to say.
        changes: one line for each thing done (or, in check mode, that would be done).
        before, after: only what differs.
        extra: further fields of the entry.
    """

    name: str
    changed: bool = False
    failed: bool = False
    msg: str = ""
    changes: tuple[str, ...] = ()
    before: Mapping[str, object] = field(default_factory=dict)
    after: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)


def work_all(
    work: Callable[[Any, list[str]], Entry],
    items: Sequence[Any],
    workers: int = READERS,
    ended: Callable[[bool], None] = lambda failed: None,
) -> list[Entry]:
    """Do the work of each item, side by side; none stops another.

    Args:
        work: adds to its list a line for each thing done, when it is done.
        items: with a name each.
        workers: threads at most.
        ended: hears of each one whether it failed.

    Returns:
        One entry for each item, in order. Whatever ended the work of one is told together with what it had done.
    """
    outcomes = run_all(lambda job: work(*job), [(item, list[str]()) for item in items], workers, ended)
    return [outcome.result or failure(*outcome.item, outcome.error) for outcome in outcomes]


def failure(item: Any, done: Sequence[str], error: Exception | None) -> Entry:
    """The entry of a named item that an error ended, after the lines of done."""
    return Entry(item.name, changed=bool(done), failed=True, msg=said(error), changes=tuple(done))


def said(error: Exception | None) -> str:
    """An error in one line; a surprising kind is named, without its text, which could show anything."""
    if error is None:
        return "no result"
    if type(error).__module__.startswith(__name__.partition(".module_utils.")[0]):
        return str(error)
    return f"unexpected {type(error).__name__}; please report it"


def batch_result(found: Sequence[Entry]) -> dict[str, Any]:
    """The module's result: never `results`, which Ansible would take for a loop."""
    failed = [entry for entry in found if entry.failed]
    result: dict[str, Any] = {
        "changed": any(entry.changed for entry in found),
        "failed": bool(failed),
        "secrets": [
            {
                "name": entry.name,
                "changed": entry.changed,
                "failed": entry.failed,
                "msg": entry.msg,
                "changes": list(entry.changes),
                **entry.extra,
            }
            for entry in found
        ],
        "diff": diff({entry.name: (entry.before, entry.after) for entry in found if entry.before or entry.after}),
    }
    if failed:
        named = "; ".join(f"{entry.name}: {entry.msg}" for entry in failed[:_NAMED_FAILURES])
        more = f"; and {len(failed) - _NAMED_FAILURES} more" if len(failed) > _NAMED_FAILURES else ""
        result["msg"] = f"{len(failed)} of {len(found)} service accounts failed: {named}{more}"
    return result
