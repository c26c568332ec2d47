# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""A client for the control addresses of a running embedded AWS. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


class Remote:
    """The control addresses of one embedded AWS.

    Args:
        endpoint: e.g. http://127.0.0.1:4566.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def now(self) -> float:
        """Virtual seconds since the epoch."""
        return float(self._ask("GET", "clock")["now"])

    def advance(self, seconds: float) -> None:
        """Move the clock, and wait until everything that came due has run."""
        self._ask("POST", "clock", {"advance_seconds": seconds})

    def journal(self) -> list[dict[str, Any]]:
        """Every API call so far."""
        return list(self._ask("GET", "journal"))

    def mail(self) -> list[dict[str, Any]]:
        """Every mail sent so far."""
        return list(self._ask("GET", "mail"))

    def age_key(self, access_key_id: str, age_days: float, last_used_days: float | None = None) -> None:
        """Make an access key as old, and as long unused, as a test needs it."""
        wanted: dict[str, Any] = {"access_key_id": access_key_id, "age_days": age_days}
        if last_used_days is not None:
            wanted["last_used_days"] = last_used_days
        self._ask("POST", "keys", wanted)

    def age_secret(self, secret_id: str, **days: float) -> None:
        """Move a secret's dates back: created_days, last_rotated_days, last_accessed_days, last_changed_days."""
        self._ask("POST", "keys", {"secret_id": secret_id, **days})

    def knobs(self, **wanted: Any) -> dict[str, Any]:
        """Set knobs (see world.Knobs), and give all of them."""
        return dict(self._ask("POST", "knobs", wanted))

    def fault(self, **wanted: Any) -> None:
        """Let a coming call fail; see faults.Fault for what may be named."""
        self._ask("POST", "faults", wanted)

    def faults(self) -> list[dict[str, Any]]:
        """Those that have not run out, with how many calls each has seen."""
        return list(self._ask("GET", "faults"))

    def clear_faults(self) -> None:
        """Let no fault strike any more."""
        self._ask("DELETE", "faults")

    def reset(self) -> None:
        """Forget everything."""
        self._ask("POST", "reset", {})

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One control call.

        Raises:
            RuntimeError: it was refused; the text is the embedded AWS's own sentence.
        """
        request = urllib.request.Request(
            f"{self.endpoint}/_sandbox/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=600) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as refusal:
            raise RuntimeError(f"{path}: {refusal.read().decode(errors='replace')}") from None
