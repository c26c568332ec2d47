# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The one way into moto: who calls, may he, which fault strikes, and the journal of it all.

It stands around the whole WSGI application and not around one method of moto, because moto's services differ in how
they dispatch; here every request of every service is the same.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from http import HTTPStatus
from typing import Any

from botocore.session import Session

from .answers import Answer, Refusal, render
from .authorize import authorize
from .callers import Caller, Callers
from .calls import BadCall, Call, Credential, Environ, credential, moved, parse, protocol_of, read_body, rewind
from .faults import Fault, Faults, Unanswered
from .quotas import Quotas
from .world import World

StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

_APPLICATION = re.compile(r"\bapp/(\w+)")
"""What AWS_SDK_UA_APP_ID puts into a User-Agent header."""

_CALL_BACK = frozenset(
    {"lambda:InvokeFunction", "sns:Publish", "sns:PublishBatch", "events:PutEvents", "sqs:ReceiveMessage"}
)
"""Actions that may run a Lambda, which calls back, or that wait: these run without the lock."""
_COUNTED = (
    "SecretId",
    "UserName",
    "AccessKeyId",
    "RoleName",
    "RoleArn",
    "FunctionName",
    "Name",
    "GroupName",
    "ClientRequestToken",
    "VersionId",
    "VersionStage",
    "MoveToVersionId",
    "RemoveFromVersionId",
    "Status",
    "PolicyName",
    "StatementId",
)
"""Parameters that name things, and so may stand in the journal."""


class Gate:
    """A WSGI application in front of moto's.

    Args:
        world: whose calls these are.
        application: moto's own.
    """

    def __init__(self, world: World, application: Any) -> None:
        self._world = world
        self._application = application
        self._callers = Callers(world)
        self._regions = {*Session().get_available_regions("ec2"), "aws-global"}
        self.faults = Faults(world)
        self._quotas = Quotas(world)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        try:
            answer = self._answer(environ)
        except Unanswered:
            with contextlib.suppress(OSError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            raise ConnectionResetError("a fault closed the connection") from None
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", list(answer.headers))
        return [answer.body]

    def _answer(self, environ: Environ) -> Answer:
        body = read_body(environ)
        signed = credential(environ)
        if signed is None:
            xml = protocol_of(environ) == "query"
            code = "MissingAuthenticationToken" if xml else "MissingAuthenticationTokenException"
            return render(
                Refusal(code, "The request carries no Signature Version 4 in its Authorization header", 403),
                protocol_of(environ),
            )
        try:
            call = parse(environ, body, signed)
        except BadCall as error:
            return render(Refusal("UnknownOperationException", str(error), 404), protocol_of(environ))
        self._quotas.travel()
        entry = self._note(call)
        throttled = self._quotas.refusal(call)
        if throttled is not None:
            answer = render(throttled, call.protocol, call.query_compatible)
        else:
            answer = self._judge(environ, body, signed, call, entry)
        entry["error"] = answer.error_code
        return answer

    def _judge(self, environ: Environ, body: bytes, signed: Credential, call: Call, entry: dict[str, Any]) -> Answer:
        """Resolve, authorise, strike or act."""
        caller: Caller | None = None
        refusal: Refusal | None = None
        with self._world.lock:
            try:
                self._check_region(call)
                caller = self._callers.resolve(environ, body, signed, call)
                entry["principal"] = caller.arn
                entry["resource"] = authorize(call, caller, self._world.clock.now())
                entry["allowed"] = True
            except Refusal as error:
                refusal = error
        fault = self.faults.take(
            call, f"{caller.arn if caller else ''} {signed.access_key_id}", entry["resource"] or ""
        )
        if fault is not None:
            entry["fault"] = f"{fault.kind} {fault.when}"
            if fault.when == "before":
                return self._strike(fault, call, _process(environ, signed), entry)
        if refusal is not None or caller is None:
            answer = render(refusal or Refusal("AccessDenied", "no caller"), call.protocol, call.query_compatible)
        else:
            answer = self._act(environ, body, call, caller)
        if fault is not None:
            return self._strike(fault, call, _process(environ, signed), entry)
        return answer

    def _check_region(self, call: Call) -> None:
        """A misspelt Region has no endpoint at AWS; here its requests arrive, and are refused in AWS's words."""
        if call.region not in self._regions:
            code = "SignatureDoesNotMatch" if call.answers_xml else "InvalidSignatureException"
            raise Refusal(code, f"Credential should be scoped to a valid Region, not '{call.region}'.", 403)

    def _strike(self, fault: Fault, call: Call, process: str, entry: dict[str, Any]) -> Answer:
        entry["error"] = fault.kind  # stays for those that never answer
        return self.faults.strike(fault, call, process)

    def _act(self, environ: Environ, body: bytes, call: Call, caller: Caller) -> Answer:
        lock: AbstractContextManager[Any] = self._world.lock
        if call.action in _CALL_BACK:
            lock = contextlib.nullcontext()
        try:
            with lock:
                for check in self._world.checks:
                    check(call, caller)
                answer = self._moto(moved(rewind(environ, body)), call)
                if answer.status < HTTPStatus.BAD_REQUEST:
                    for watch in self._world.watchers:
                        watch(call, caller)
                return answer
        except Refusal as refusal:
            return render(refusal, call.protocol, call.query_compatible)

    def _moto(self, environ: Environ, call: Call) -> Answer:
        lacking = f"the embedded AWS does not have {call.service}:{call.operation}"
        missing = Refusal("NotImplemented", lacking, HTTPStatus.NOT_IMPLEMENTED)
        try:
            application = self._application.get_application(environ)
        except Exception:  # moto finds no backend for this service, in one of several ways
            raise missing from None
        head: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            head.update(status=int(status.split(" ", 1)[0]), headers=tuple(headers))

        try:
            chunks = application(environ, start_response)
            answer = Answer(head["status"], head["headers"], b"".join(chunks))
        except NotImplementedError:
            raise missing from None
        except Refusal:
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            raise Refusal(
                "InternalFailure", f"moto failed at {call.service}:{call.operation} ({type(error).__name__})", 500
            ) from None
        kind = {name.lower(): value for name, value in answer.headers}.get("content-type", "")
        if answer.status == HTTPStatus.NOT_FOUND and kind.startswith("text/html") and b"<!doctype html" in answer.body:
            raise missing
        return answer

    def _note(self, call: Call) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "time": self._world.clock.now(),
            "service": call.service,
            "action": call.operation,
            "principal": None,
            "allowed": False,
            "error": None,
            "resource": None,
            "region": call.region,
            "ids": {name: call.params[name] for name in _COUNTED if isinstance(call.params.get(name), str)},
        }
        self._world.journal.append(entry)
        return entry


def _process(environ: Environ, signed: Credential) -> str:
    """Which Lambda process calls: it says so itself, since it may sign with another key than its own (STS proofs)."""
    application = _APPLICATION.search(environ.get("HTTP_USER_AGENT", ""))
    return application[1] if application else signed.access_key_id
