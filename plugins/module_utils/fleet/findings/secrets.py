# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a service account's secret, its document and its binding say. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...rotation import names
from ...rotation.binding import tag_value
from ...rotation.settings import is_plain_address, parse_time
from ..errors import StateError
from ..planning import SETTINGS_TAGS, rules_of, settings_tags, timestamp
from ..schedule import DAY, MOST_DAYS
from ..secret_access import difference
from ..state import State
from .finding import (
    RESTRICTIVE_POLICY,
    ROTATED_PERIODICALLY,
    ROTATION_ENABLED,
    SECRET_UNROTATED_DAYS,
    SECRET_UNUSED,
    SECRET_UNUSED_DAYS,
    Finding,
)

_DEPLOY = "deploy mends it"
_RUNNING_MINUTES = 10
"""A rotation that runs, with the service's first retries, is over by then."""


def document(state: State) -> list[Finding]:
    """The document fits the strategy and the inventory."""
    target, facts = state.target, state.document
    if facts is None:
        return []
    if target.rotation_strategy == names.NOOP:
        if not facts.names_access_key:
            return []
        return [
            Finding(
                "noop-with-access-key",
                "error",
                f"secret {target.secret_name} holds {names.ACCESS_KEY_ID}, but its strategy noop would only move a "
                "label over an old key",
                "use rotation_strategy: iam_access_key with iam_user, or take the key out of the document",
            )
        ]
    if facts.problem is not None:
        text, _separator, mend = f"secret {target.secret_name}: {facts.problem}".partition("; ")
        return [Finding("document", "error", text, mend)]
    if facts.user_name != target.iam_user:
        return [
            Finding(
                "user-differs",
                "error",
                f"the document in {target.secret_name} names user {facts.user_name}, the inventory {target.iam_user}",
                "mend iam_user or secret_name in the inventory, or USER_NAME in the document (spelt as in IAM)",
            )
        ]
    return []


def binding(state: State) -> list[Finding]:
    """The user is bound to this very secret; before enrolment it is bound to none."""
    secret, user = state.secret, state.user
    if secret is None or user is None:
        return []
    bound = user.tags.get(names.TAG_SECRET)
    if bound is None and secret.rotation_enabled:
        text = f"IAM user {user.name} is bound to no secret (tag {names.TAG_SECRET}): its next rotation fails"
        return [Finding("binding-missing", "warning", text, "deploy binds it again")]
    if bound is None or bound == tag_value(secret.arn):
        return []
    return [
        Finding(
            "foreign-binding",
            "error",
            f"IAM user {state.target.iam_user} is bound to another secret, {bound} (tag {names.TAG_SECRET})",
            "mend iam_user, or, if that secret is not in use any more, take the tag off the user",
        )
    ]


def rotation(state: State) -> list[Finding]:
    """Rotation is on, and happens."""
    secret = state.secret
    if secret is None:
        return []
    found = []
    if not secret.rotation_enabled:
        text = f"rotation of {secret.name} is off"
        found.append(Finding("rotation-off", "warning", text, "deploy attaches the schedule", ROTATION_ENABLED))
    if secret.last_rotated is None:
        text = f"{secret.name} has never rotated"
        mend = "deploy rotates it, unless rotate_on_enrol holds it back; then run the rotate playbook"
        found.append(Finding("never-rotated", "warning", text, mend, ROTATED_PERIODICALLY))
    elif (days := (state.now - secret.last_rotated) // DAY) > SECRET_UNROTATED_DAYS:
        text = f"{secret.name} last rotated {days} days ago; Prowler fails it beyond {SECRET_UNROTATED_DAYS}"
        mend = "run the rotate playbook; the function's log says why the schedule did not do it"
        found.append(Finding("rotated-long-ago", "warning", text, mend, ROTATED_PERIODICALLY))
    upcoming = secret.next_rotation
    if secret.rotation_enabled and upcoming is not None and state.now > upcoming:
        text = f"{secret.name} should have rotated by {timestamp(upcoming)} (NextRotationDate)"
        mend = "rotate again once its cause is mended; the function's log has it"
        found.append(Finding("rotation-overdue", "warning", text, mend))
    return found


def pending(state: State) -> list[Finding]:
    """AWSPENDING on a version of its own: a rotation that runs, or one that failed."""
    secret = state.secret
    version = secret.labels.get(names.AWSPENDING) if secret else None
    if secret is None or version is None or version == secret.labels.get(names.AWSCURRENT):
        return []
    text = f"AWSPENDING of {secret.name} is on {version}: a rotation is running, or one failed"
    mend = "rotate again once its cause is mended; the function's log has it"
    made = state.pending_created
    young = made is not None and (state.now - made).total_seconds() < _RUNNING_MINUTES * 60
    return [Finding("pending", "info" if young else "warning", text, mend)]


def access(state: State) -> list[Finding]:
    """Somebody reads the secret. AWS truncates LastAccessedDate to the day, and every rotation reads it as well."""
    secret = state.secret
    if secret is None:
        return []
    mend = "if nothing reads it, its consumers hold copies: let them read the secret, or remove the service account"
    if secret.last_accessed is None:
        return [Finding("secret-unused", "warning", f"{secret.name} has never been read", mend, SECRET_UNUSED)]
    if state.now - secret.last_accessed > SECRET_UNUSED_DAYS * DAY:
        days = (state.now - secret.last_accessed) // DAY
        text = f"{secret.name} was last read {days} days ago; Prowler fails it beyond {SECRET_UNUSED_DAYS}"
        return [Finding("secret-unused", "warning", text, mend, SECRET_UNUSED)]
    return []


def settings(state: State) -> list[Finding]:
    """Tags and schedule as the inventory says; only where rotation is on: before, deploy writes them anyway."""
    secret, target = state.secret, state.target
    if secret is None or not secret.rotation_enabled:
        return []
    found = []
    wanted = settings_tags(target)
    differing = [tag for tag in SETTINGS_TAGS if secret.tags.get(tag) != wanted.get(tag)]
    if differing:
        shown = ", ".join(f"{tag} is {_said(secret.tags.get(tag))}, not {_said(wanted.get(tag))}" for tag in differing)
        found.append(Finding("tags-differ", "warning", f"tags of {secret.name}: {shown}", _DEPLOY))
    found += [
        Finding("tag-ignored", "warning", f"tag {tag} of {secret.name} makes no sense, the function ignores it", mend)
        for tag, mend in _nonsense(secret.tags)
    ]
    rules = rules_of(target).to_api()
    stored = {name: secret.rules.get(name) for name in rules}
    if stored != rules:
        shown = ", ".join(f"{name} is {_said(stored[name])}, not {_said(rules[name])}" for name in rules)
        found.append(Finding("schedule-differs", "warning", f"schedule of {secret.name}: {shown}", _DEPLOY))
    return found


def function(state: State) -> list[Finding]:
    """The strategy's own function rotates it, where that is known."""
    secret, wanted = state.secret, state.function_arn
    if secret is None or wanted is None or not secret.rotation_enabled or secret.function_arn == wanted:
        return []
    text = f"{secret.name} is rotated by {secret.function_arn}, not by {wanted}"
    return [Finding("foreign-function", "warning", text, "deploy takes it over; if that is not meant, leave it out")]


def restriction(state: State) -> list[Finding]:
    """Whoever may reach the secret is named in its resource policy, where the inventory asks for that."""
    if not state.resource_policy_read or state.execution_role is None:
        return []
    try:
        text = difference(state.target, state.resource_policy, state.execution_role)
    except StateError as error:
        text, _separator, mend = str(error).partition("; ")
        return [Finding("access-differs", "warning", text, mend)]
    if text is None:
        return []
    # With a policy of others Prowler's verdict depends on what they wrote.
    return [Finding("access-differs", "warning", text, _DEPLOY, None if state.resource_policy else RESTRICTIVE_POLICY)]


def exemption(state: State) -> list[Finding]:
    """An exemption and its end; Prowler knows nothing of it."""
    until = state.target.exempt_until
    if until is None:
        return []
    reason = state.target.exempt_reason or "no reason given"
    if state.exempt:
        text = f"exempt until {until}: {reason}"
        return [Finding("exempt", "info", text, "nothing rotates it until then; Prowler fails it all the same")]
    return [
        Finding(
            "exemption-over",
            "info",
            f"its exemption ended on {until}: {reason}",
            "take exempt_until out of the inventory",
        )
    ]


def unread(state: State) -> list[Finding]:
    """What the caller may not read."""
    return [
        Finding("unread", "warning", f"could not be read: {what}", "allow the caller this call")
        for what in state.unread
    ]


def _nonsense(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Tags whose values the function counts as absent, each with what it may be (rotation/settings.py decides)."""
    age = tags.get(names.TAG_MAX_KEY_AGE_DAYS)
    if age is not None and not (re.fullmatch(r"[0-9]{1,6}", age) and 1 <= int(age) <= MOST_DAYS):
        yield names.TAG_MAX_KEY_AGE_DAYS, f"write 1 to {MOST_DAYS}, or deploy"
    grace = tags.get(names.TAG_GRACE_PERIOD_HOURS)
    if grace is not None and not (
        re.fullmatch(r"[0-9]{1,6}", grace) and (int(grace) == 0 or int(grace) >= names.LEAST_QUIET_HOURS)
    ):
        yield names.TAG_GRACE_PERIOD_HOURS, "write 0 or at least the quiet hours, or deploy"
    address = tags.get(names.TAG_NOTIFY_EMAIL)
    if address is not None and not is_plain_address(address):
        yield names.TAG_NOTIFY_EMAIL, "write one plain mail address, or deploy"
    hold = tags.get(names.TAG_HOLD_UNTIL)
    if hold is not None and parse_time(hold) is None:
        yield names.TAG_HOLD_UNTIL, "write a time in ISO 8601, UTC, or take the tag off"


def _said(value: object) -> str:
    return "absent" if value is None else str(value)
