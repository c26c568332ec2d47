# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What must hold after every call, whatever fails (the invariants of the design)."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from typing import Any

from .core import Call, When
from .secretsmanager import AWSCURRENT, AWSPENDING, AWSPREVIOUS, SecretState
from .world import World

DISABLING = ("iam:UpdateAccessKey", "iam:DeleteAccessKey")
READING = ("secretsmanager:DescribeSecret", "secretsmanager:UpdateSecretVersionStage")
MARK = "mark-"


def names(text: str | None) -> str | None:
    """The key that a document names; None for what is no document."""
    try:
        value: Any = json.loads(text or "")
    except ValueError:
        return None
    key_id = value.get("AWS_ACCESS_KEY_ID") if isinstance(value, dict) else None
    return key_id if isinstance(key_id, str) else None


class Watch:
    """A hook that writes down what breaks the invariants of one secret while calls go on.

    It does not raise: the package turns what a client raises into errors of its own.

    Attributes:
        by_person: a person meddles, so that only what is ours to keep is watched.
        last_read: the key that AWSCURRENT named when one of ours last read or moved the labels.
        broken: what was seen.
    """

    def __init__(self, world: World, secret: SecretState, by_person: bool = False) -> None:
        self.world = world
        self.secret = secret
        self.by_person = by_person
        self.last_read: str | None = None
        self.broken: list[str] = []

    def __call__(self, call: Call, when: When) -> None:
        disabling = call.action in DISABLING and call.arguments.get("Status") != "Active"
        if disabling and when == "before":
            protected = {self.last_read}
            if not self.by_person:
                protected |= {names(self.secret.text(label)) for label in (AWSCURRENT, AWSPENDING)}
            if call.arguments["AccessKeyId"] in protected:
                self.broken.append(f"{call.action} hits a key that AWSCURRENT or AWSPENDING names")
        elif when == "after":
            if call.action in READING:
                self.last_read = names(self.secret.text())
            if not self.by_person:
                self.current_works(call.action)

    def current_works(self, action: str) -> None:
        """AWSCURRENT's key is Active and works."""
        text = self.secret.text() or "{}"
        key_id = names(text)
        if key_id and not self.world.iam.works(key_id, json.loads(text).get("AWS_SECRET_ACCESS_KEY", "")):
            self.broken.append(f"AWSCURRENT's key {key_id} does not work after {action}")


def settled(world: World, secret: SecretState, user_name: str) -> None:
    """Once all is quiet: at most two keys, each in a labelled version; the users' own fields are there still."""
    labelled = {names(secret.text(label)) for label in (AWSCURRENT, AWSPENDING, AWSPREVIOUS)}
    keys = {key.key_id for key in world.iam.keys(user_name)}
    assert len(keys) <= 2
    assert keys <= labelled, f"keys that nobody knows: {keys - labelled}"
    pending = secret.labels.get(AWSPENDING)
    assert pending in (None, secret.labels[AWSCURRENT]), "AWSPENDING dangles: every later rotation is refused"
    for label in (AWSCURRENT, AWSPREVIOUS):
        assert json.loads(secret.text(label) or "{}")["password"] == "mark-password"


def silent(world: World, problems: Sequence[BaseException] = ()) -> None:
    """No mark, which every value carries, shows in a log line, a mail or an error."""
    shown = json.dumps(world.lines) + json.dumps(world.ses.mails)
    shown += "".join("".join(traceback.format_exception(problem)) for problem in problems)
    assert MARK not in shown, shown[max(0, shown.find(MARK) - 200) :][:400]
