# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The virtual clock, the journal of calls, and the hooks through which a test lets calls fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

When = Literal["before", "after"]
START = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class Crash(BaseException):
    """The process dies here: nothing in the package may catch it."""


class ReadTimeoutError(Exception):
    """The answer never came; the client's exceptions of this kind have no response."""


class ServiceError(Exception):
    """An error answer, shaped like botocore's ClientError. Its text shows the request, as botocore's may."""

    def __init__(self, code: str, status: int = 400, request: object = "") -> None:
        super().__init__(f"An error occurred ({code}): {request}")
        self.response = {
            "Error": {"Code": code, "Message": str(request)},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }


@dataclass(frozen=True)
class Call:
    """One entry of the journal.

    Attributes:
        action: as in a policy, e.g. iam:CreateAccessKey.
        at: seconds since the epoch.
        actor: who called: a label that the test sets.
    """

    action: str
    arguments: dict[str, Any] = field(repr=False)
    at: float
    actor: str


Hook = Callable[[Call, When], None]
"""Called before and after the effect of each call; whatever it raises is the call's answer."""


@dataclass
class Fault:
    """A hook: the number-th matching call fails, before or after its effect.

    Args:
        kind: error (an AWS answer), timeout (no answer) or crash (the caller dies).
        number: 1 is the next matching call; 0 every one.
        action: None matches every action.
        code, status: of the error.
    """

    kind: Literal["error", "timeout", "crash"]
    number: int = 1
    action: str | None = None
    when: When = "before"
    code: str = "InternalFailure"
    status: int = 500
    seen: int = 0
    struck: bool = False

    def __call__(self, call: Call, when: When) -> None:
        if when != self.when or self.action not in (None, call.action):
            return
        self.seen += 1
        if self.number not in (0, self.seen):
            return
        self.struck = True
        if self.kind == "crash":
            raise Crash(f"{self.when} {call.action}")
        if self.kind == "timeout":
            raise ReadTimeoutError(str(call.arguments))
        raise ServiceError(self.code, self.status, call.arguments)


@dataclass
class Act:
    """A hook: something else happens once, right before or after the number-th matching call (a person's act, ...)."""

    act: Callable[[], object]
    number: int = 1
    action: str | None = None
    when: When = "before"
    seen: int = 0
    struck: bool = False

    def __call__(self, call: Call, when: When) -> None:
        if self.struck or when != self.when or self.action not in (None, call.action):
            return
        self.seen += 1
        if self.seen == self.number:
            self.struck = True
            self.act()


@dataclass
class Core:
    """What all services share.

    Attributes:
        seconds: the virtual clock, since the epoch.
        latency_seconds: what each call takes.
        actor: stands in the journal for whoever calls now.
    """

    seconds: float = START
    latency_seconds: float = 0.05
    actor: str = "lambda"
    calls: list[Call] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)

    def now(self) -> datetime:
        """This moment, in UTC."""
        return datetime.fromtimestamp(self.seconds, UTC)

    def at(self, seconds: float) -> datetime:
        """A moment of this clock as boto3 gives it."""
        return datetime.fromtimestamp(seconds, UTC)

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.seconds += seconds

    def perform(self, action: str, work: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Journal one call, let the hooks have their way, and do its work in between."""
        call = Call(action, arguments, self.seconds, self.actor)
        self.calls.append(call)
        self.seconds += self.latency_seconds
        for hook in tuple(self.hooks):
            hook(call, "before")
        try:
            return work(**arguments)
        finally:
            for hook in tuple(self.hooks):
                hook(call, "after")

    def actions(self) -> list[str]:
        """The journal's actions, in order."""
        return [call.action for call in self.calls]


class Client:
    """A boto3 client's face: snake_case methods that reach the service through the journal."""

    def __init__(self, core: Core, service: str, methods: dict[str, Callable[..., Any]]) -> None:
        self._core = core
        self._service = service
        self._methods = methods

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self._methods:
            raise AttributeError(f"{self._service} has no {name} here")
        action = f"{self._service}:{''.join(word.capitalize() for word in name.split('_'))}"
        return lambda **arguments: self._core.perform(action, self._methods[name], arguments)
