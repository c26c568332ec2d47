# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The Runtime API: the small HTTP service on loopback through which one Lambda process takes and answers events."""

from __future__ import annotations

import queue
import re
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

_NEXT = "/2018-06-01/runtime/invocation/next"
_INIT_ERROR = "/2018-06-01/runtime/init/error"
_ANSWER = re.compile(r"/2018-06-01/runtime/invocation/([^/]+)/(response|error)")


@dataclass(frozen=True)
class Event:
    """One invocation as the process is to see it; deadline in epoch seconds, virtual."""

    request_id: str
    function_arn: str
    deadline: float
    body: bytes


@dataclass(frozen=True)
class Report:
    """What became of the process or of its invocation; body is the JSON it sent, if any."""

    kind: Literal["ready", "response", "error", "init_error", "exit"]
    body: bytes = b""
    request_id: str = ""


class RuntimeApi:
    """Serves exactly one Lambda process, which works on one event at a time."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._reports: queue.Queue[Report] = queue.Queue()
        self._server = _Server(self)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.05,), name="runtime-api", daemon=True).start()

    def hand_over(self, event: Event) -> None:
        """Give the process its next event."""
        self._events.put(event)

    def report(self, report: Report) -> None:
        """Record what happened; wait_for() takes it."""
        self._reports.put(report)

    def wait_for(self, *kinds: str, timeout: float, request_id: str = "") -> Report | None:
        """Wait for the next report of one of these kinds, or for the end of the process.

        Args:
            kinds: what to wait for; "exit" always ends the wait.
            timeout: real seconds.
            request_id: only a report about this invocation counts.

        Returns:
            The report, or None when the time is over.
        """
        deadline = time.monotonic() + timeout
        while True:
            try:
                report = self._reports.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return None
            if report.kind == "exit" or (report.kind in kinds and report.request_id in ("", request_id)):
                return report

    def next_event(self) -> Event | None:
        """Block until there is an event; None when the process is to go away."""
        return self._events.get()

    def close(self) -> None:
        """Stop serving; a process that waits for its next event loses the connection."""
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, api: RuntimeApi) -> None:
        self.api = api
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one packet
    server: _Server

    def do_GET(self) -> None:
        if self.path != _NEXT:
            self._answer(404)
            return
        self.server.api.report(Report("ready"))
        event = self.server.api.next_event()
        if event is None:
            self.close_connection = True
            return
        self._answer(
            200,
            event.body,
            {
                "Lambda-Runtime-Aws-Request-Id": event.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(event.deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": event.function_arn,
                "Content-Type": "application/json",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        found = _ANSWER.fullmatch(self.path)
        if found is not None:
            kind: Literal["response", "error"] = "response" if found[2] == "response" else "error"
            self.server.api.report(Report(kind, body, found[1]))
        elif self.path == _INIT_ERROR:
            self.server.api.report(Report("init_error", body))
        else:
            self._answer(404)
            return
        self._answer(202, b'{"status":"OK"}')

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except OSError:  # the process was killed while it had a connection open
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the journal is the record."""
