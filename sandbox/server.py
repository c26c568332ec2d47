# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One embedded AWS as an HTTP server on the loopback interface."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import ThreadedWSGIServer

from . import pins
from .clock import Clock
from .control import Control
from .gate import Gate
from .parts import PARTS
from .world import ACCOUNT, World

LOOPBACK = "127.0.0.1"
_HELD: list[str] = []
_PYTHON_OF_LAMBDA = Path(__file__).resolve().parent.parent / ".venv-lambda" / "bin" / "python"


class PortInUse(Exception):
    """The port that was asked for cannot be had."""


class _Handler(MotoRequestHandler):  # type: ignore[misc]  # moto is not typed
    """Keep-alive and no delay between small packets, else each call costs 40 to 90 ms; no line per request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request and leave the connection open; werkzeug's own closes it after every answer."""
        environ = self.make_environ()
        head: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            head[:] = [status, headers]

        try:
            body = b"".join(self.server.app(environ, start_response))
        except ConnectionError:
            self.close_connection = True
            return
        code, _, phrase = head[0].partition(" ")
        self.send_response(int(code), phrase)
        for name, value in head[1]:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if environ["REQUEST_METHOD"] != "HEAD":
            self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header is AWS's own time, which the modules go by: so it is the virtual one."""
        return str(super().date_time_string(self.server.clock.now() if timestamp is None else timestamp))

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the journal is the record."""


class _Server(ThreadedWSGIServer):  # type: ignore[misc]  # not followed, like moto
    """Knows its open connections, so that none outlives the world it belongs to."""

    def __init__(self, listener: socket.socket, app: Any, clock: Clock) -> None:
        self.clock = clock
        self._connections: set[socket.socket] = set()
        host, port = listener.getsockname()
        super().__init__(host, port, app, handler=_Handler, fd=listener.fileno())

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept one connection and remember it."""
        connection, address = super().get_request()
        self._connections.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that is over."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Cut every connection that a client keeps open."""
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster


@contextmanager
def running(port: int = 0, lambda_python: Path | None = None) -> Iterator[World]:
    """Run an embedded AWS for the duration of the with block. One at a time in a process: moto is global.

    Args:
        port: TCP port on 127.0.0.1; 0 takes a free one (world.endpoint says which).
        lambda_python: interpreter that runs the Lambdas; default the checkout's .venv-lambda.

    Raises:
        PortInUse: it cannot be had; the text names the port, why, and the way out.
        PinError: moto is not the version that this code was written for.
        RuntimeError: one runs in this process already.
    """
    pins.check()
    # One account; without this moto searches all partitions for the owner of the access key, on each call.
    os.environ["MOTO_ACCOUNT_ID"] = ACCOUNT
    os.environ["MOTO_IAM_LOAD_MANAGED_POLICIES"] = "true"  # AWSLambdaBasicExecutionRole must exist
    with (
        _listener(port) as listener,
        _the_only_one(f"http://{LOOPBACK}:{listener.getsockname()[1]}") as endpoint,
        tempfile.TemporaryDirectory(prefix="embedded-aws-") as scratch,
    ):
        folder = Path(scratch)
        world = World(
            folder=folder,
            endpoint=endpoint,
            lambda_python=lambda_python or _PYTHON_OF_LAMBDA,
            clock=Clock(folder / "clock-offset"),
        )
        reset_moto()
        for install in PARTS:
            install(world)
        application = DomainDispatcherApplication(create_backend_app)
        gate = Gate(world, application)
        server = _Server(listener, Control(world, gate), world.clock)
        thread = threading.Thread(target=server.serve_forever, name="embedded-aws", daemon=True)
        thread.start()
        world.clock.start()
        try:
            yield world
        finally:
            world.stopping.set()
            world.clock.clear()
            for reset in reversed(world.resets):
                reset()
            world.clock.stop()
            server.shutdown()
            server.close_connections()
            server.server_close()
            thread.join()
            reset_moto()


@contextmanager
def _the_only_one(endpoint: str) -> Iterator[str]:
    """The same address, held for this process; two would share moto's state, and each run the other's functions."""
    if _HELD:
        raise RuntimeError(f"one embedded AWS runs in this process already, at {_HELD[0]}; use that one, or end it")
    _HELD.append(endpoint)
    try:
        yield endpoint
    finally:
        _HELD.remove(endpoint)


def reset_moto() -> None:
    """Empty every backend of moto."""
    BackendDict.reset()
    reset_model_data()


@contextmanager
def _listener(port: int) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
            listener.listen(128)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "is in use by another program" if taken else f"cannot be had ({error.strerror})"
            raise PortInUse(
                f"port {port} on {LOOPBACK} {why}; choose another one: PORT={max(port, 1023) + 1}"
            ) from None
        yield listener
