# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The control addresses under /_sandbox/: what a test or the demo does to the world, and asks about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.iam.models import AccessKeyLastUsed
from moto.secretsmanager.models import secretsmanager_backends

from . import arns
from .callers import find_key
from .calls import Environ, read_body
from .gate import Gate, StartResponse
from .world import ACCOUNT, Knobs, World

PREFIX = "/_sandbox/"
_DAY = 86400.0


class ControlError(Exception):
    """A control request that cannot be done; its text is one sentence that says why."""


class Control:
    """A WSGI application: control addresses itself, everything else through the gate.

    Args:
        world: what is controlled.
        gate: answers the AWS calls.
    """

    def __init__(self, world: World, gate: Gate) -> None:
        self._world = world
        self._gate = gate
        self._routes: dict[tuple[str, str], Callable[[dict[str, Any]], Any]] = {
            ("GET", "clock"): self._clock,
            ("POST", "clock"): self._advance,
            ("GET", "journal"): self._journal,
            ("GET", "events"): lambda _: list(world.events),
            ("GET", "mail"): lambda _: list(world.mail),
            ("GET", "code"): _code,
            ("GET", "faults"): lambda _: gate.faults.pending(),
            ("POST", "faults"): gate.faults.add,
            ("DELETE", "faults"): self._clear_faults,
            ("GET", "knobs"): lambda _: asdict(world.knobs),
            ("POST", "knobs"): self._set_knobs,
            ("POST", "keys"): self._age,
            ("POST", "verify"): self._verify,
            ("POST", "reset"): self._reset,
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = str(environ.get("PATH_INFO", ""))
        if not path.startswith(PREFIX):
            return self._gate(environ, start_response)
        try:
            status, answer = HTTPStatus.OK, self._answer(environ, path.removeprefix(PREFIX).strip("/"))
        except (ControlError, ValueError, TypeError) as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"error": str(error)}
        except TimeoutError as error:
            status, answer = HTTPStatus.GATEWAY_TIMEOUT, {"error": str(error)}
        zipped = isinstance(answer, bytes)
        body = answer if zipped else json.dumps(answer).encode()
        headers = [
            ("Content-Type", "application/zip" if zipped else "application/json"),
            ("Content-Length", str(len(body))),
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    def _answer(self, environ: Environ, name: str) -> Any:
        body = read_body(environ)
        action = self._routes.get((environ["REQUEST_METHOD"], name))
        if action is None:
            known = ", ".join(f"{method} {PREFIX}{route}" for method, route in self._routes)
            raise ControlError(f"no control address {environ['REQUEST_METHOD']} {PREFIX}{name}; there are {known}")
        if environ["REQUEST_METHOD"] != "POST":
            query = parse_qs(environ.get("QUERY_STRING", ""))
            return action({key: values[-1] for key, values in query.items()})
        try:
            wish = json.loads(body or b"{}")
        except ValueError:
            raise ControlError("the body is not JSON") from None
        if not isinstance(wish, dict):
            raise ControlError("the body must be a JSON object")
        return action(wish)

    def _clock(self, _: dict[str, Any]) -> dict[str, Any]:
        clock = self._world.clock
        return {
            "now": clock.now(),
            "utc": clock.utcnow().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "offset_seconds": clock.offset,
        }

    def _advance(self, wish: dict[str, Any]) -> dict[str, Any]:
        seconds = _number(wish, "advance_seconds", required=True)
        _only(wish, "advance_seconds")
        if seconds is None or seconds < 0:
            raise ControlError(f"advance_seconds must not be negative: time only moves forward (got {seconds})")
        self._world.clock.advance(seconds)
        return self._clock({})

    def _journal(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        since = query.get("since", "0")
        if not since.isdecimal():
            raise ControlError(f"since must be the index of an entry, not {since!r}")
        return list(self._world.journal)[int(since) :]

    def _clear_faults(self, _: dict[str, Any]) -> list[Any]:
        self._gate.faults.clear()
        return []

    def _set_knobs(self, wish: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._world.set_knobs(wish)
        except KeyError as error:
            raise ControlError(str(error.args[0])) from None

    def _verify(self, wish: dict[str, Any]) -> dict[str, Any]:
        _only(wish, "identity")
        identity = wish.get("identity")
        if not isinstance(identity, str) or not identity:
            raise ControlError("identity must be a mail address or a domain")
        self._world.verify_identity(identity)
        return {"identity": identity}

    def _age(self, wish: dict[str, Any]) -> dict[str, Any]:
        with self._world.lock:
            return self._age_secret(wish) if "secret_id" in wish else self._age_key(wish)

    def _age_key(self, wish: dict[str, Any]) -> dict[str, Any]:
        _only(wish, "access_key_id", "age_days", "last_used_days")
        user, key = find_key(str(wish.get("access_key_id")))
        if key is None:
            raise ControlError(f"no IAM user has the access key {wish.get('access_key_id')!r}")
        age = _number(wish, "age_days")
        used = _number(wish, "last_used_days")
        now = self._world.clock.utcnow().replace(tzinfo=None)
        if age is not None:
            key.create_date = now - timedelta(days=age)
            user.create_date = min(user.create_date, key.create_date)
        if used is not None:
            key.last_used = AccessKeyLastUsed(now - timedelta(days=used), "s3", "us-east-1")
        created = key.create_date.isoformat() + "Z"
        return {"access_key_id": key.access_key_id, "user_name": user.name, "created": created}

    def _age_secret(self, wish: dict[str, Any]) -> dict[str, Any]:
        _only(wish, "secret_id", "created_days", "last_rotated_days", "last_accessed_days", "last_changed_days")
        wanted = str(wish["secret_id"])
        regions = secretsmanager_backends[ACCOUNT]
        found = [backend.secrets.get(wanted) for backend in list(regions.values())]
        secrets = [secret for secret in found if secret is not None]
        if not secrets:
            raise ControlError(f"no secret {wanted!r} in any Region")
        for secret in secrets:
            for name, attribute in _SECRET_DATES.items():
                days = _number(wish, name)
                if days is not None:
                    setattr(secret, attribute, int(self._world.clock.now() - days * _DAY))
        return {"secret_id": secrets[0].arn}

    def _reset(self, _: dict[str, Any]) -> dict[str, Any]:
        world = self._world
        world.clock.clear()
        for reset in reversed(world.resets):
            reset()
        world.clock.wait_idle()
        world.clock.clear()
        with world.lock:
            BackendDict.reset()
            reset_model_data()
            world.journal.clear()
            world.mail.clear()
            world.events.clear()
            for name, value in asdict(Knobs()).items():
                setattr(world.knobs, name, value)
        return self._clock({})


_SECRET_DATES = {
    "created_days": "created_date",
    "last_rotated_days": "last_rotation_date",
    "last_accessed_days": "last_accessed_date",
    "last_changed_days": "last_changed_date",
}


def _code(query: dict[str, Any]) -> bytes:
    """The zip of a function, at the address that GetFunction gives as its Location."""
    wanted = str(query.get("function"))
    found = arns.function(wanted.split(":")[3], wanted) if wanted.count(":") >= 6 else None
    if found is None:
        raise ControlError(f"no function {wanted!r}; name it by its ARN")
    return bytes(found.code_bytes)


def _number(wish: dict[str, Any], name: str, required: bool = False) -> float | None:
    value = wish.get(name)
    if value is None and not required:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ControlError(f"{name} must be a number, not {value!r}")
    return float(value)


def _only(wish: dict[str, Any], *known: str) -> None:
    unknown = sorted(set(wish) - set(known))
    if unknown:
        raise ControlError(f"unknown field {', '.join(unknown)}; there are {', '.join(known)}")
