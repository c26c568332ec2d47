# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What both the rotation and the retirement of one user's access keys work with."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from . import binding
from .document import Document
from .errors import AwsError, BindingError
from .event import RETIRE
from .gateway import AccessKey, AccessKeys, RetirementSchedules, SecretStore, User
from .names import TAG_FUNCTION
from .runtime import Invocation
from .settings import Settings

NET_AFTER = timedelta(minutes=5)
"""Without a grace period the old key goes inside finishSecret; from then on the schedule is a net beneath it."""
AGE_RESERVE = timedelta(days=1)
"""Nothing postpones a retirement further than this before the key breaks the promise."""


class ServiceAccount:
    """One service account's user, keys, secret and retirement schedules, in one invocation."""

    def __init__(self, invocation: Invocation, settings: Settings, store: SecretStore, document: Document) -> None:
        clients = invocation.runtime.clients
        self.invocation = invocation
        self.settings = settings
        self.store = store
        self.document = document
        self.keys = AccessKeys(clients.iam(), clients.iam_create(), document.user_name)
        self.schedules = RetirementSchedules(
            clients.scheduler(),
            settings.retirement_group,
            settings.retirement_role_arn,
            invocation.function_arn,
            settings.retirement_dead_letter_arn,
        )

    def bound_user(self) -> User:
        """The user that the document claims, if the binding says so too.

        Raises:
            BindingError: it does not.
        """
        name = self.document.user_name
        try:
            user = self.keys.user()
        except AwsError as problem:
            if not problem.code.startswith("AccessDenied"):
                raise
            # The role may ask only after users that carry the function's tag; a missing user carries none.
            raise BindingError(
                f"IAM user {name} does not exist, or is not bound to this function (tag {TAG_FUNCTION}): {problem}; "
                "deploy binds it, or says what is missing"
            ) from None
        return binding.check(user, name, self.store.secret_id)

    @property
    def grace_period(self) -> timedelta:
        return timedelta(hours=self.settings.grace_period_hours)

    def schedule_retirement(self, key_id: str, start: datetime) -> None:
        """Make sure that the key's retirement is asked for again and again from start on, until it is done."""
        payload = {"Action": RETIRE, "SecretId": self.store.secret_id, "AccessKeyId": key_id}
        self.schedules.write(key_id, json.dumps(payload), start)

    def promotion(self, schedule_start: datetime | None, current_since: datetime) -> datetime:
        """When AWSCURRENT's key was promoted: what the write-ahead says, never before a version of it was made.

        Args:
            current_since: when the version was made with which AWSCURRENT's key followed the one to be retired.
        """
        return max(current_since, (schedule_start or current_since) - self.grace_period)

    def latest_retirement(self, key: AccessKey) -> datetime:
        """The moment after which a retirement is no longer postponed for the sake of the age promise."""
        return key.created + timedelta(days=self.settings.max_key_age_days) - AGE_RESERVE

    def due(self, schedule_start: datetime, current_since: datetime, key: AccessKey | None) -> datetime:
        """When the key's retirement is due: grace over, and not held.

        The grace period that was written ahead is given in full, for consumers count on it. Whatever puts the end off
        after that (a hold, a longer grace period, an edit) is cut to the age rule. A key that is not listed has no age
        to keep.
        """
        later = max(self.promotion(schedule_start, current_since) + self.grace_period, schedule_start)
        later = max(later, self.settings.hold_until or later)
        if key is not None:
            later = min(later, self.latest_retirement(key))
        return max(schedule_start, later)

    def used_lately(self, key_id: str) -> str | None:
        """Where the key was used within QUIET_HOURS ("bedrock in us-east-1, 2026-11-22 10:00 UTC"), or None."""
        used = self.keys.last_used(key_id)
        if used.date is None or self.invocation.now() - used.date >= timedelta(hours=self.settings.quiet_hours):
            return None
        return f"{used.service} in {used.region}, {in_words(used.date)}"


def is_active(keys: list[AccessKey], key_id: str | None) -> bool:
    """Say whether a key is listed, and listed Active."""
    return any(key.key_id == key_id and key.active for key in keys)


def in_words(moment: datetime) -> str:
    """A moment as people read it."""
    return f"{moment:%Y-%m-%d %H:%M} UTC"
