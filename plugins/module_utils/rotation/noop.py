# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Strategy noop: the value stays, byte for byte; only the version label moves."""

from __future__ import annotations

from .document import names_access_key
from .errors import DocumentError
from .event import StepEvent
from .gateway import Secret, SecretStore, Version
from .names import ACCESS_KEY_ID


class Noop:
    """See protocol.Strategy."""

    def __init__(self, event: StepEvent, store: SecretStore) -> None:
        self._event = event
        self._store = store

    def admit(self, secret: Secret, current: Version) -> None:
        """Refuse an access key: moving a label over an old key would be false compliance."""
        if names_access_key(current.binary if current.text is None else current.text):
            raise DocumentError(
                f"{secret.name} holds {ACCESS_KEY_ID}: strategy noop would pretend that an old key is new; "
                "use rotation_strategy iam_access_key"
            )

    def fits(self, current: Version, pending: Version) -> bool:
        """A value changed by hand meanwhile is never reverted."""
        return current.same_value(pending)

    def create(self, secret: Secret, current: Version) -> None:
        """Copy the current value."""
        self._store.put_pending(self._event.token, current.value, self._event.rotation_token)

    def confirm(self, pending: Version) -> bool:
        """A copy stays good."""
        return True

    def test(self, pending: Version) -> None:
        """Nothing new to prove."""

    def test_wiring(self, secret: Secret, current: Version) -> None:
        """The same check as before a rotation."""
        self.admit(secret, current)

    def before_promotion(self, secret: Secret, current: Version, pending: Version) -> None:
        """Nothing to write ahead."""

    def after_promotion(self, secret: Secret, previous: Version | None, current: Version) -> None:
        """Nothing is left."""
