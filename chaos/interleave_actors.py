# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Actors that can be stopped at every AWS call, copied and gone back to.

An actor is real code, and Python cannot copy a running function. But what it does next depends on nothing but the
answers it has had: so an actor's state is the list of its answers, and to go on from there it is run again from its
beginning with these answers, up to the first call that has none. Each such run is done once and kept in a tree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation import handler as rotation_handler
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import RotationError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.runtime import Runtime
from tests.unit.memory.core import ServiceError
from tests.unit.memory.iam import ACCOUNT
from tests.unit.memory.world import ENVIRONMENT, Strategy

from .secrecy import Scanner

TIMEOUT_SECONDS = 60.0
PROOF = {"PROOF_SPACING_SECONDS": "19"}
"""As long as the time-out lets three proofs be, and one that fails: a key that never works is asked four times."""


@dataclass(frozen=True)
class Request:
    """What an actor asks for next.

    Attributes:
        kind: call (of AWS), sleep, or act (something that is one indivisible change: a person's, the service's).
        action: as in a policy, or what the act is called.
    """

    kind: str
    action: str
    service: str = ""
    method: str = ""
    arguments: dict[str, Any] = field(default_factory=dict, repr=False)
    credentials: tuple[str, str] = field(default=("", ""), repr=False)


@dataclass(frozen=True)
class Answer:
    """What it got: a value or an error, and the clock at that moment (seconds since the epoch)."""

    value: Any = field(repr=False)
    error: Exception | None
    clock: float

    @property
    def key(self) -> tuple[str, float]:
        """Equal for answers that the actor cannot tell apart."""
        if isinstance(self.error, ServiceError):
            return str(self.error), self.clock
        return (repr(self.value) if self.error is None else type(self.error).__name__), self.clock


@dataclass(eq=False)
class Node:
    """An actor's state: the answers so far (the path from the root), and what it asks for then.

    Attributes:
        request: None: it has ended.
        dead: it was killed here.
        failed: it has ended with an error.
    """

    parent: Node | None
    answer: Answer | None
    request: Request | None = None
    dead: bool = False
    failed: bool = False
    children: dict[tuple[str, float], Node] = field(default_factory=dict, repr=False)
    corpse: Node | None = None


class _Stop(BaseException):
    """The actor has reached a call that has no answer yet. Nothing in the package may catch it."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


class Port:
    """All that an actor's code may touch: it asks, and gets the answer that stands in its list."""

    def __init__(self, answers: list[Answer], clock: float, scanner: Scanner) -> None:
        self._answers = answers
        self._position = 0
        self._scanner = scanner
        self.clock = clock

    def ask(self, request: Request) -> Any:
        """The answer to a request, or the end of this run."""
        if self._position >= len(self._answers):
            raise _Stop(request)
        answer = self._answers[self._position]
        self._position += 1
        self.clock = answer.clock
        if answer.error is not None:
            raise answer.error.with_traceback(None)
        return answer.value

    def act(self, name: str) -> Any:
        """One indivisible change that is no call of ours."""
        return self.ask(Request("act", name))

    def step(self, secret_arn: str, token: str, step: str, strategy: Strategy) -> None:
        """One step of a rotation. Raises RotationError as the function does."""
        self.invoke(
            {
                "Step": step,
                "SecretId": secret_arn,
                "ClientRequestToken": token,
                "RotationToken": f"mark-rotation-token-{token}",
            },
            strategy,
        )

    def invoke(self, event: dict[str, str], strategy: Strategy) -> None:
        """Run the function on an event; what it gives is scanned."""
        runtime = Runtime(
            clients=_Clients(self),
            environment={**ENVIRONMENT, **PROOF},
            clock=lambda: self.clock,
            sleep=lambda seconds: self.ask(Request("sleep", "wakes", arguments={"until": self.clock + seconds})),
            emit=lambda line: self._scanner.look("a log line", dict(line)),
        )
        serve = getattr(rotation_handler, strategy)
        context = _Context(self, f"rotation-{strategy}", self.clock)
        try:
            answer = rotation_handler.make_handler(serve, runtime)(event, context)
        except RotationError as problem:
            self._scanner.look("an error", problem)
            raise
        self._scanner.look("a return", answer)


Body = Callable[[Port], None]
"""An actor's code; a RotationError ends it."""


class Actor:
    """One actor: its code, and the tree of all its states that were ever reached."""

    def __init__(self, name: str, body: Body, scanner: Scanner) -> None:
        self.name = name
        self._body = body
        self._scanner = scanner
        self._start = 0.0

    def root(self, clock: float) -> Node:
        """The actor before its first call."""
        self._start = clock
        return self._run(Node(None, None))

    def after(self, node: Node, answer: Answer) -> Node:
        """The state that an answer leads to."""
        key = answer.key
        child = node.children.get(key)
        if child is None:
            child = node.children[key] = self._run(Node(node, answer))
        return child

    @staticmethod
    def made(node: Node) -> set[str]:
        """The access keys that the actor knows to have made."""
        found = set()
        at: Node | None = node
        while at is not None:
            if at.answer is not None and isinstance(at.answer.value, dict) and "AccessKey" in at.answer.value:
                found.add(at.answer.value["AccessKey"]["AccessKeyId"])
            at = at.parent
        return found

    def killed(self, node: Node) -> Node:
        """The actor dead, where it stands."""
        if node.corpse is None:
            node.corpse = Node(node, None, dead=True)
        return node.corpse

    def _run(self, node: Node) -> Node:
        answers: list[Answer] = []
        at: Node | None = node
        while at is not None and at.answer is not None:
            answers.append(at.answer)
            at = at.parent
        port = Port(answers[::-1], self._start, self._scanner)
        try:
            self._body(port)
        except _Stop as stop:
            node.request = stop.request
        except RotationError:
            node.failed = True
        return node


class _Context:
    """Lambda's context object, under the actor's clock."""

    def __init__(self, port: Port, function_name: str, started: float) -> None:
        self._port = port
        self._started = started
        self.function_name = function_name
        self.invoked_function_arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function_name}"

    def get_remaining_time_in_millis(self) -> float:
        return (self._started + TIMEOUT_SECONDS - self._port.clock) * 1000


class _Client:
    def __init__(self, port: Port, service: str, credentials: tuple[str, str] = ("", "")) -> None:
        self._port = port
        self._service = service
        self._credentials = credentials

    def __getattr__(self, method: str) -> Callable[..., Any]:
        action = f"{self._service}:{''.join(word.capitalize() for word in method.split('_'))}"
        return lambda **arguments: self._port.ask(
            Request("call", action, self._service, method, arguments, self._credentials)
        )


class _Clients:
    """See rotation.runtime.Clients."""

    def __init__(self, port: Port) -> None:
        self._port = port

    def secretsmanager(self) -> _Client:
        return _Client(self._port, "secretsmanager")

    def iam(self) -> _Client:
        return _Client(self._port, "iam")

    def iam_create(self) -> _Client:
        return _Client(self._port, "iam")

    def scheduler(self) -> _Client:
        return _Client(self._port, "scheduler")

    def ses(self) -> _Client:
        return _Client(self._port, "ses")

    def sts(self, access_key_id: str, secret_access_key: str) -> _Client:
        return _Client(self._port, "sts", (access_key_id, secret_access_key))
