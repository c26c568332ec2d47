# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What must hold after every call that anybody makes in the embedded AWS, and once all is quiet."""

from __future__ import annotations

import json
from typing import Any

from moto.logs.models import logs_backends

from sandbox.world import ACCOUNT

from .embedded_lab import REGION, Lab, Point

_DISABLING = ("iam:UpdateAccessKey", "iam:DeleteAccessKey")
AWSCURRENT, AWSPENDING, AWSPREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"


class Watch:
    """Looks at every watched point before and after each call of each actor.

    Args:
        lab: its world is watched from now on.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._points: list[Point] = []
        self.looks = 0
        """How often a point was looked at."""
        lab.world.checks.append(self._before)
        lab.world.watchers.append(self._after)

    def watch(self, points: list[Point]) -> None:
        """Watch these points and no others."""
        with self._lab.world.lock:
            self._points = list(points)
            for point in points:
                self._look(point, "the start")

    def _before(self, call: Any, caller: Any) -> None:
        if call.action not in _DISABLING or call.params.get("Status") == "Active" or caller.administrator:
            return
        for point in self._points:
            for label in (AWSCURRENT, AWSPENDING):
                if call.params["AccessKeyId"] == point.document(label).get("AWS_ACCESS_KEY_ID"):
                    point.broken.append(f"{call.action} hits the key that {label} names")

    def _after(self, call: Any, caller: Any) -> None:
        for point in self._points:
            self._look(point, call.action)

    def _look(self, point: Point, action: str) -> None:
        """AWSCURRENT's key works; the retirement of a key that was replaced is not forgotten."""
        self.looks += 1
        if point.secret.attempt is not None:
            point.values.add(point.secret.attempt.rotation_token)
        if point.strategy == "noop":
            if point.version(AWSCURRENT).get("secret_string") != f"mark-{point.name}-password":
                point.broken.append(f"the value of a noop secret changed at {action}")
            return
        keys = {key.access_key_id: key for key in point.keys}
        point.values.update(key.secret_access_key for key in keys.values())
        document = point.document(AWSCURRENT)
        key = keys.get(document.get("AWS_ACCESS_KEY_ID", ""))
        if key is None or key.status != "Active" or key.secret_access_key != document["AWS_SECRET_ACCESS_KEY"]:
            point.broken.append(f"AWSCURRENT's key {document.get('AWS_ACCESS_KEY_ID')} does not work after {action}")
        old_id = point.document(AWSPREVIOUS).get("AWS_ACCESS_KEY_ID")
        old = keys.get(old_id or "")
        if old is not None and old.status == "Active" and f"retire-{old_id}" not in self._lab.schedule_names():
            point.broken.append(f"the retirement of {old_id} is forgotten after {action}")


def unsettled(point: Point, labels: tuple[str, ...] = (AWSCURRENT, AWSPREVIOUS)) -> list[str]:
    """What does not hold although all is quiet: labels, documents and keys."""
    found = []
    pending = point.secret.holder(AWSPENDING)
    if pending not in (None, point.secret.holder(AWSCURRENT)):
        found.append("AWSPENDING dangles: every later rotation is refused")
    if point.strategy == "noop":
        return found
    documents = [document for document in (point.document(label) for label in labels) if document]
    for document in documents:
        wanted = {"USER_NAME": point.name, "NOTIFY_EMAIL": point.email, "password": f"mark-{point.name}", "ratio": 1.5}
        if {name: value for name, value in document.items() if not name.startswith("AWS_")} != wanted:
            found.append("a field of the document is lost or changed")
    unknown = {key.access_key_id for key in point.keys} - {document.get("AWS_ACCESS_KEY_ID") for document in documents}
    if unknown:
        found.append(f"keys that no version names: {', '.join(sorted(unknown))}")
    return found


def leaks(lab: Lab, points: list[Point], journal_from: int) -> list[str]:
    """Where a secret value of these points shows: journal, mails, service events, logs. The logs are then emptied."""
    values = {value: point.name for point in points for value in point.values}
    with lab.world.lock:
        groups = logs_backends[ACCOUNT][REGION].groups
        logs = [event.message for group in groups.values() for one in group.streams.values() for event in one.events]
        for group in groups.values():
            group.streams.clear()
        shown = {
            "the journal": json.dumps(lab.world.journal[journal_from:], default=str),
            "a mail": json.dumps(lab.world.mail),
            "a service event": json.dumps(lab.world.events, default=str),
            "a log": "\n".join(logs),
        }
        lab.world.mail.clear()
    return [
        f"a secret value of {name} shows in {place}"
        for place, text in shown.items()
        for value, name in values.items()
        if value in text
    ]
