# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""From an inventory to a fleet: reads only the named variables, each once, and finds all mistakes at once. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from datetime import date

from ..rotation import names
from . import access_settings
from .access_settings import read_access
from .account_settings import read_settings
from .errors import ScheduleError
from .grouping import ACCOUNT_VARIABLES, Host, group
from .hostvars import HostReader
from .model import Fleet, Mistake, ServiceAccount
from .schedule import MOST_DAYS, check_promise, least_key_age_days, parse_rules, spread_days

SERVICE_ACCOUNT_VARIABLES = (
    "secret_name",
    "iam_user",
    "rotation_strategy",
    "max_key_age_days",
    "rotation_days",
    "schedule_expression",
    "rotation_window",
    "grace_period_hours",
    "notify_email",
    "disposable_keys",
    "exempt_until",
    "exempt_reason",
    "rotate_on_enrol",
    *access_settings.VARIABLES,
)
VARIABLES = (*SERVICE_ACCOUNT_VARIABLES, "aws_account", "aws_region", *ACCOUNT_VARIABLES)
ENROL_CHOICES = ("due", "all", "none")

# What the schedule follows from: a mistake in one of them would only lead to more that mean nothing.
_RULING = (
    "max_key_age_days",
    "grace_period_hours",
    "quiet_hours",
    "rotation_days",
    "schedule_expression",
    "rotation_window",
)
_EXAMPLES = {
    "max_key_age_days": "write 90, for example",
    "rotation_days": "write 85, for example",
    "schedule_expression": "write rate(85 days) or cron(0 8 1 * ? *), for example",
    "rotation_window": "write 3h, for example",
}
_SECRET_NAME = r"[A-Za-z0-9/_+=.@-]{1,512}"
_USER_NAME = r"[A-Za-z0-9_+=,.@-]{1,64}"
_REGION = r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}"
_MOST_GRACE_HOURS = MOST_DAYS * 24
# Near enough to be a slip of the pen, far enough to leave other people's variables alone.
_LIKENESS = 0.87


def read_fleet(hosts: Mapping[str, Mapping[str, object]], selected: Collection[str], today: date) -> Fleet:
    """Read every host of an inventory.

    Args:
        hosts: host -> its variables, in the inventory's order.
        selected: the hosts that --limit leaves.
        today: for exemptions, UTC.

    Returns:
        The accounts that hold a selected service account, and every mistake of the whole inventory:
        what belongs to an account must be right whatever --limit says.
    """
    mistakes: list[Mistake] = []
    warnings: list[str] = []
    found: list[Host] = []
    wanted = set(selected)
    for host, variables in hosts.items():
        reader = HostReader(host, variables)
        read = _read_host(reader, host in wanted, warnings)
        mistakes += reader.mistakes
        if read is not None:
            found.append(read)
            until = read.item.exempt_until if read.item else None
            if until is not None and until < today:
                warnings.append(f"{host}: exempt_until: it ended on {until}; the secret rotates again")
    warnings += _misspellings(hosts)
    accounts, of_several = group(found, mistakes)
    mistakes += of_several
    place = {host: number for number, host in enumerate(hosts)}
    mistakes.sort(key=lambda mistake: place[mistake.host])
    if not mistakes:
        accounts = tuple(account for account in accounts if account.selected)
    return Fleet(accounts, tuple(mistakes), tuple(warnings))


def _read_host(reader: HostReader, selected: bool, warnings: list[str]) -> Host | None:
    """One service account with all its mistakes; None when the host is no service account."""
    strategy = reader.choice("rotation_strategy", names.STRATEGIES)
    if strategy is None and not reader.mistakes:
        for variable in ("secret_name", "iam_user"):
            if reader.raw(variable) is not None:
                reader.mistake(
                    "rotation_strategy",
                    f"missing, but {variable} is set",
                    f"write one of {', '.join(names.STRATEGIES)}, or take {variable} away",
                )
                break
        return None
    secret = reader.text("secret_name", _SECRET_NAME, "write the secret's name (not its ARN), at most 512 characters")
    if secret is None and not _noted(reader, "secret_name"):
        reader.mistake("secret_name", "missing", "write the name of its secret in Secrets Manager")
    user = reader.text("iam_user", _USER_NAME, "write the IAM user's name, without path or ARN")
    if strategy == names.IAM_ACCESS_KEY and user is None and not _noted(reader, "iam_user"):
        reader.mistake("iam_user", "missing", "write the name of its IAM user, or use rotation_strategy: noop")
    if strategy == names.NOOP and user is not None:
        reader.mistake("iam_user", f"found {user!r} beside rotation_strategy noop", "take one of the two away")
    label = reader.text("aws_account")
    region = reader.text("aws_region", _REGION, "write a Region such as us-east-1")
    if region is None and not _noted(reader, "aws_region"):
        reader.mistake(
            "aws_region", "missing", "write the Region of the secret for the account's group, e.g. us-east-1"
        )
    settings = read_settings(reader, label, region)
    item = _read_item(reader, strategy or "", secret or "", user, settings.quiet_hours, selected, warnings)
    return Host(reader.host, secret, user, None if reader.mistakes else item, label, region, settings)


def _read_item(
    reader: HostReader,
    strategy: str,
    secret: str,
    user: str | None,
    quiet_hours: int | None,
    selected: bool,
    warnings: list[str],
) -> ServiceAccount | None:
    max_age = _or_default(reader.whole("max_key_age_days", 1, MOST_DAYS), names.MAX_KEY_AGE_DAYS)
    grace = _or_default(reader.whole("grace_period_hours", 0, _MOST_GRACE_HOURS), names.GRACE_PERIOD_HOURS)
    quiet = _or_default(quiet_hours, names.QUIET_HOURS)
    if 0 < grace < quiet:
        reader.mistake(
            "grace_period_hours", f"found {grace}", f"write 0 (no grace) or at least {quiet}, the quiet hours"
        )
    days = reader.whole("rotation_days", 1, MOST_DAYS)
    expression = reader.text("schedule_expression")
    window = reader.text("rotation_window")
    until = reader.day("exempt_until")
    reason = reader.text("exempt_reason")
    if until is not None and reason is None:
        reader.mistake("exempt_reason", "missing beside exempt_until", "write why it is exempt")
    if reason is not None and until is None and not _noted(reader, "exempt_until"):
        reader.mistake("exempt_until", "missing beside exempt_reason", "write the exemption's last day, YYYY-MM-DD")
    email = reader.address("notify_email")
    keys = reader.key_ids("disposable_keys")
    enrol = reader.choice("rotate_on_enrol", ENROL_CHOICES)
    access = read_access(reader, warnings)
    if any(_noted(reader, variable) for variable in _RULING):
        return None
    variable = "rotation_days" if days is not None else "schedule_expression"
    if days is not None and expression is not None:
        reader.mistake("rotation_days", "schedule_expression is set too", "take one of the two away")
        return None
    if days is None and expression is None:
        days, variable = spread_days(secret, max_age, grace), "max_key_age_days"
        least = least_key_age_days(grace)
        if max_age < least:
            reader.mistake(
                variable,
                f"{max_age} days leave no room for a schedule with {grace} h of grace",
                f"write at least {least}, or lower grace_period_hours",
            )
            return None
    try:
        rules = parse_rules(days, expression, window)
    except ScheduleError as error:
        blamed = "rotation_window" if "rotation window" in str(error) else variable
        reader.mistake(blamed, str(error), _EXAMPLES[blamed])
        return None
    try:
        warning = check_promise(rules, max_age, grace)
    except ScheduleError as error:
        found, _separator, mend = str(error).rpartition("; ")
        reader.mistake(variable, found, mend)
        return None
    if warning:
        warnings.append(f"{reader.host}: {variable}: {warning}")
    return ServiceAccount(
        reader.host, secret, user, strategy, rules, max_age, grace, email, keys, until, reason, enrol, selected, *access
    )


def _misspellings(hosts: Mapping[str, Mapping[str, object]]) -> list[str]:
    """Variables whose names are nearly ours; one warning for each name."""
    first_host: dict[str, str] = {}
    for host, variables in hosts.items():
        for name in variables:
            if name not in VARIABLES and not name.startswith("ansible_"):
                first_host.setdefault(name, host)
    warnings = []
    for name, host in first_host.items():
        near = difflib.get_close_matches(name, VARIABLES, n=1, cutoff=_LIKENESS)
        if near:
            warnings.append(f"{host}: {name}: is not read; is it meant to be {near[0]}?")
    return warnings


def _noted(reader: HostReader, variable: str) -> bool:
    return any(mistake.variable == variable for mistake in reader.mistakes)


def _or_default(value: int | None, default: int) -> int:
    return default if value is None else value
