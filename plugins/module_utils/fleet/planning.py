# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Plans: what must change so that a secret rotates as the inventory says, and what is due. Pure: no API call.

Source: Secrets Manager API Reference, RotateSecret and RotationRulesType.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ..rotation import names
from ..rotation.binding import tag_value
from .errors import StateError
from .schedule import DAY, RotationRules, due_age_days, next_date, parse_rules, whole_days
from .state import Secret, State, Target, User

BINDING_TAGS = (names.TAG_SECRET, names.TAG_SINCE, names.TAG_FUNCTION)
SETTINGS_TAGS = (
    names.TAG_GRACE_PERIOD_HOURS,
    names.TAG_MAX_KEY_AGE_DAYS,
    names.TAG_NOTIFY_EMAIL,
    names.TAG_DISPOSABLE_KEYS,
)


@dataclass(frozen=True)
class Plan:
    """What one service account needs. Empty fields: nothing.

    Attributes:
        before, after: only what differs; never a value.
        lines: for people: field name -> what its write does, in the order of the writes.
        tag_user, untag_user: the binding on the IAM user.
        tag_secret, untag_secret: the settings on the secret.
        rotate: RotationRules to attach, with the function.
        cancel: whether rotation is turned off.
        enrols: whether this function had not rotated the secret before.
    """

    before: Mapping[str, object]
    after: Mapping[str, object]
    lines: Mapping[str, tuple[str, ...]]
    tag_user: Mapping[str, str]
    untag_user: tuple[str, ...]
    tag_secret: Mapping[str, str]
    untag_secret: tuple[str, ...]
    rotate: Mapping[str, object] | None = None
    cancel: bool = False
    enrols: bool = False

    @property
    def changes(self) -> tuple[str, ...]:
        """All lines."""
        return tuple(line for lines in self.lines.values() for line in lines)


def rules_of(target: Target) -> RotationRules:
    """The target's schedule.

    Raises:
        ScheduleError: it is not one that Secrets Manager accepts.
    """
    return parse_rules(target.rotation_days, target.schedule_expression, target.rotation_window)


def function_name(function_arn: str) -> str:
    """The name in a function's ARN."""
    return function_arn.split(":")[6]


def timestamp(moment: datetime) -> str:
    """ISO 8601, UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def settings_tags(target: Target) -> dict[str, str]:
    """The tags that carry a target's settings to the function."""
    if target.rotation_strategy != names.IAM_ACCESS_KEY:
        return {}
    tags = {
        names.TAG_GRACE_PERIOD_HOURS: str(target.grace_period_hours),
        names.TAG_MAX_KEY_AGE_DAYS: str(target.max_key_age_days),
    }
    if target.notify_email:
        tags[names.TAG_NOTIFY_EMAIL] = target.notify_email
    if target.disposable_keys:
        tags[names.TAG_DISPOSABLE_KEYS] = " ".join(sorted(target.disposable_keys))
    return tags


def existing_secret(state: State) -> Secret:
    """The secret, if it is there to be worked on.

    Raises:
        StateError: missing, awaiting deletion, a replica, or another service's.
    """
    target, secret = state.target, state.secret
    if secret is None:
        raise StateError(
            f"secret {target.secret_name} does not exist in this account and Region; store it first, "
            "or mend secret_name or aws_region"
        )
    if secret.deleted is not None:
        raise StateError(
            f"secret {target.secret_name} awaits deletion (DeletedDate {secret.deleted.date()}); restore it "
            "(RestoreSecret), or take the host out of the inventory"
        )
    if secret.is_replica:
        raise StateError(
            f"secret {target.secret_name} is a replica here; a secret rotates in its primary Region "
            f"{secret.primary_region}: mend aws_region"
        )
    if secret.owned_by:
        raise StateError(f"secret {target.secret_name} is managed by {secret.owned_by}, which rotates it itself")
    return secret


def existing_user(state: State) -> User | None:
    """The IAM user, if the strategy has one.

    Raises:
        StateError: it does not exist.
    """
    if state.target.rotation_strategy != names.IAM_ACCESS_KEY:
        return None
    if state.user is None:
        raise StateError(
            f"IAM user {state.target.iam_user} does not exist in this account; make it, mend iam_user, "
            "or take the host out of the inventory"
        )
    return state.user


def plan_present(state: State, function_arn: str) -> Plan:
    """Say what must change so that the secret rotates as its target asks.

    Args:
        state: read without the value; missing things are errors.
        function_arn: unqualified ARN of the strategy's function.

    Raises:
        StateError: the secret or the user is not there to be worked on, or the user is another secret's.
        ScheduleError: the schedule is not one that Secrets Manager accepts.
    """
    secret, user = existing_secret(state), existing_user(state)
    wanted = settings_tags(state.target)
    stale = tuple(tag for tag in SETTINGS_TAGS if tag in secret.tags and tag not in wanted)
    tag_secret = {tag: value for tag, value in wanted.items() if secret.tags.get(tag) != value}
    tag_user = _binding(user, secret, function_arn, state.now) if user else {}
    rules = rules_of(state.target)
    stored = _stored_rules(secret, rules)
    attached = secret.rotation_enabled and secret.function_arn == function_arn
    rotate = None if attached and stored == rules.to_api() else rules.to_api()
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    _note_tags(before, after, "user_tags", user.tags if user else {}, tag_user, ())
    _note_tags(before, after, "secret_tags", secret.tags, tag_secret, stale)
    if rotate is not None:
        if not attached:
            before["function"] = secret.function_arn if secret.rotation_enabled else None
            after["function"] = function_arn
        if stored != rotate or not secret.rotation_enabled:
            before["rotation_rules"] = stored if secret.rotation_enabled else None
            after["rotation_rules"] = rotate
    return Plan(
        before=before,
        after=after,
        lines={
            "tag_user": (f"bind user {state.target.iam_user} to the secret",) if tag_user else (),
            "tag_secret": tuple(f"set {tag} to {value}" for tag, value in tag_secret.items()),
            "untag_secret": tuple(f"take {tag} off" for tag in stale),
            "rotate": (f"{'change' if attached else 'attach'} the schedule: {rules}",) if rotate is not None else (),
        },
        tag_user=tag_user,
        untag_user=(),
        tag_secret=tag_secret,
        untag_secret=stale,
        rotate=rotate,
        enrols=not attached,
    )


def plan_absent(state: State, function_arn: str) -> Plan:
    """Say what must change so that nothing of ours is left on the secret and its user.

    A secret that is gone needs nothing; another function's rotation, and another secret's binding, are left alone.
    """
    secret, user = state.secret, state.user
    ours_secret = tuple(tag for tag in SETTINGS_TAGS if secret and secret.deleted is None and tag in secret.tags)
    bound = user is not None and secret is not None and user.tags.get(names.TAG_SECRET) == tag_value(secret.arn)
    ours_user = tuple(tag for tag in BINDING_TAGS if bound and user is not None and tag in user.tags)
    cancel = bool(secret and secret.deleted is None and secret.rotation_enabled and secret.function_arn == function_arn)
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    _note_tags(before, after, "user_tags", user.tags if user else {}, {}, ours_user)
    _note_tags(before, after, "secret_tags", secret.tags if secret else {}, {}, ours_secret)
    if cancel and secret:
        before["function"], after["function"] = secret.function_arn, None
    lines = {
        "cancel": ("turn rotation off",) if cancel else (),
        "untag_user": (f"take the binding off user {state.target.iam_user}",) if ours_user else (),
        "untag_secret": ("take the settings off the secret",) if ours_secret else (),
    }
    return Plan(before, after, lines, {}, ours_user, {}, ours_secret, cancel=cancel)


def due_reason(state: State) -> str | None:
    """Why a secret should rotate now rather than at its next date; None: it keeps the promise as it is, a day to spare.

    Asked before the schedule is attached as well as after: without a next date the schedule's first one counts.

    Raises:
        StateError: the secret is not there to be worked on.
        ScheduleError: the schedule is not one that Secrets Manager accepts.
    """
    target, secret = state.target, existing_secret(state)
    if secret.last_rotated is None:
        return "it has never rotated"
    rules = rules_of(target)
    keys = target.rotation_strategy == names.IAM_ACCESS_KEY
    key = state.current_key if keys else None
    if keys and key is None:
        return None
    born = key.created if key else secret.last_rotated
    upcoming = secret.next_rotation if secret.rotation_enabled else None
    days_left = max(0.0, ((upcoming or next_date(rules, state.now)) - state.now) / DAY)
    grace = target.grace_period_hours if keys else 0
    age_days = (state.now - born) / DAY
    if age_days + days_left + whole_days(grace) <= due_age_days(rules, target.max_key_age_days, grace):
        return None
    return (
        f"its {'key' if keys else 'value'} is {int(age_days)} days old and could break the promise of "
        f"{target.max_key_age_days} days before its next rotation in {int(days_left)} days"
    )


def _binding(user: User, secret: Secret, function_arn: str, now: datetime) -> dict[str, str]:
    """The binding tags that must be written; `since` stays as long as the secret does.

    Raises:
        StateError: the user is bound to another secret.
    """
    wanted = tag_value(secret.arn)
    bound = user.tags.get(names.TAG_SECRET)
    if bound not in (None, wanted):
        raise StateError(
            f"IAM user {user.name} is bound to another secret, {bound} (tag {names.TAG_SECRET}); a user has one "
            "secret: mend iam_user, or, if that secret is not in use any more, take the tag off the user"
        )
    tags = {names.TAG_SECRET: wanted, names.TAG_FUNCTION: function_name(function_arn)}
    if bound != wanted or names.TAG_SINCE not in user.tags:
        tags[names.TAG_SINCE] = timestamp(now)
    return {tag: value for tag, value in tags.items() if user.tags.get(tag) != value}


def _stored_rules(secret: Secret, wanted: RotationRules) -> dict[str, object]:
    """The stored rules as far as they are compared.

    AutomaticallyAfterDays is computed by the service where an expression is set, and a window that the inventory does
    not mention is left as it is.
    """
    rule = "ScheduleExpression" if secret.rules.get("ScheduleExpression") else "AutomaticallyAfterDays"
    compared = (rule, "Duration") if wanted.duration is not None else (rule,)
    return {name: secret.rules[name] for name in compared if secret.rules.get(name) is not None}


def _note_tags(
    before: dict[str, object],
    after: dict[str, object],
    name: str,
    tags: Mapping[str, str],
    written: Mapping[str, str],
    removed: tuple[str, ...],
) -> None:
    if written or removed:
        before[name] = {tag: tags[tag] for tag in sorted({*written, *removed}) if tag in tags}
        after[name] = dict(sorted(written.items()))
