# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Faults that a test asks for: the k-th matching call fails, before its effect or after it."""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass, fields
from typing import Any

from .answers import Answer, Refusal, render
from .calls import Call
from .world import World

KINDS = ("error", "throttle", "server_error", "drop", "timeout", "access_denied", "kill")
_THROTTLES = {
    "iam": ("Throttling", "Rate exceeded", 400),
    "sts": ("Throttling", "Rate exceeded", 400),
    "lambda": ("TooManyRequestsException", "Rate Exceeded.", 429),
    "ses": ("TooManyRequestsException", "Too many requests.", 429),
    "scheduler": ("ThrottlingException", "Rate exceeded", 429),
}
"""The throttling error of each service; the others answer ThrottlingException, 400."""


class Unanswered(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class Fault:
    """One wish. Every matching call counts; the nth one and the (times - 1) after it fail.

    Args:
        service: prefix of the IAM actions (secretsmanager, iam, sts, ses, ...).
        action: API operation, or * for any.
        kind: one of KINDS.
        when: before: nothing happens; after: the effect stays, the answer is lost.
        nth: which matching call from now, from 1.
        times: how many calls in a row from that one.
        code: error code, for kind error.
        status: HTTP status, for kind error.
        message: of the error.
        principal_contains: only callers whose ARN or access key id contains this.
        concerns: only calls whose caller, resource or parameters contain one of these texts; empty: any call.
        seconds: how long a timeout withholds the answer (real time).
        seen: matching calls so far.
    """

    service: str
    action: str
    kind: str
    when: str = "before"
    nth: int = 1
    times: int = 1
    code: str = "InternalFailure"
    status: int = 400
    message: str = "a fault that was asked for"
    principal_contains: str = ""
    concerns: tuple[str, ...] = ()
    seconds: float = 10.0
    seen: int = 0

    def matches(self, call: Call, principal: str, resource: str) -> bool:
        """Whether this call counts."""
        names = ("*", call.operation, call.action.split(":")[1], call.action)
        if self.service not in ("*", call.service) or self.action not in names:
            return False
        return self.principal_contains in principal and self._concerned(call, f"{principal} {resource}")

    def _concerned(self, call: Call, known: str) -> bool:
        if not self.concerns:
            return True
        shown = f"{known} {json.dumps(call.params, default=str)}"
        return any(text in shown for text in self.concerns)


class Faults:
    """The faults that are still to come."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        world.resets.append(self.clear)

    def add(self, wish: dict[str, Any]) -> list[dict[str, Any]]:
        """Take one wish and return all that are pending.

        Raises:
            ValueError: a field is missing, unknown or out of range; the text says which.
        """
        fault = _read(wish)
        with self._lock:
            self._faults.append(fault)
        return self.pending()

    def pending(self) -> list[dict[str, Any]]:
        """Every fault that has not run out."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._faults.clear()

    def take(self, call: Call, principal: str, resource: str = "") -> Fault | None:
        """Count one call and say which fault strikes it, if any; the first asked for wins."""
        strikes: Fault | None = None
        with self._lock:
            for fault in [fault for fault in self._faults if fault.matches(call, principal, resource)]:
                fault.seen += 1
                if strikes is None and fault.seen >= fault.nth:
                    strikes = fault
                if fault.seen >= fault.nth + fault.times - 1:
                    self._faults.remove(fault)
        return strikes

    def strike(self, fault: Fault, call: Call, process: str) -> Answer:
        """Do what the fault says, in the place of the true answer.

        Args:
            process: access key id of the session that the calling Lambda process holds, whatever it signed with.

        Raises:
            Unanswered: for drop, timeout and kill.
        """
        if fault.kind == "timeout":
            self._world.stopping.wait(fault.seconds)
        if fault.kind == "kill":
            self._world.kill_caller(process)
        if fault.kind in ("drop", "timeout", "kill"):
            raise Unanswered(fault.kind)
        return render(_refusal(fault, call), call.protocol, call.query_compatible)


def throttling(call: Call) -> Refusal:
    """What the call's service answers when it is asked too often."""
    return Refusal(*_THROTTLES.get(call.service, ("ThrottlingException", "Rate exceeded", 400)))


def _refusal(fault: Fault, call: Call) -> Refusal:
    if fault.kind == "throttle":
        return throttling(call)
    if fault.kind == "server_error":
        return Refusal("InternalFailure" if call.answers_xml else "InternalServiceError", fault.message, 500)
    if fault.kind == "access_denied":
        code = "AccessDenied" if call.answers_xml else "AccessDeniedException"
        return Refusal(code, f"not authorized to perform: {call.action}", 400 if call.protocol == "json" else 403)
    return Refusal(fault.code, fault.message, fault.status)


def _read(wish: dict[str, Any]) -> Fault:
    known = {item.name: item for item in fields(Fault) if item.name != "seen"}
    unknown = sorted(set(wish) - set(known))
    if unknown:
        raise ValueError(f"a fault has no field {', '.join(unknown)}; there are {', '.join(known)}")
    missing = [name for name in ("service", "action", "kind") if not isinstance(wish.get(name), str)]
    if missing:
        raise ValueError(f"a fault needs the text {', '.join(missing)}")
    fault = Fault(**wish)
    fault.service = "ses" if fault.service == "sesv2" else fault.service
    if fault.kind not in KINDS:
        raise ValueError(f"no fault of kind {fault.kind!r}; there are {', '.join(KINDS)}")
    if fault.when not in ("before", "after"):
        raise ValueError(f"when is before or after, not {fault.when!r}")
    for name in ("nth", "times"):
        value = getattr(fault, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} is a whole number from 1, not {value!r}")
    if not isinstance(fault.concerns, list | tuple) or not all(isinstance(text, str) for text in fault.concerns):
        raise ValueError(f"concerns is a list of texts, not {fault.concerns!r}")
    fault.concerns = tuple(fault.concerns)
    if not isinstance(fault.seconds, int | float) or fault.seconds < 0:
        raise ValueError(f"seconds is a number from 0, not {fault.seconds!r}")
    if not isinstance(fault.status, int) or not 400 <= fault.status <= 599:
        raise ValueError(f"status is an HTTP error status, not {fault.status!r}")
    return fault
