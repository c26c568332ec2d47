# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One Lambda execution environment: a process that runs one version of a function under AWS's own runtime client."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from .lambda_runtime_api import Event, Report, RuntimeApi
from .world import World

INIT_SECONDS = 30.0
"""Real seconds that a process may take to its first request for work (AWS: 10; this machine may be busy)."""
_SITE = Path(__file__).resolve().parent / "lambda_site"


@dataclass(frozen=True)
class Configuration:
    """Everything of a function that its process depends on; equal configurations may share a process."""

    arn: str
    """Of this version: no qualifier for $LATEST."""
    name: str
    version: str
    handler: str
    runtime: str
    role: str
    region: str
    code_sha256: str
    timeout: int
    """Seconds."""
    memory: int
    """MB."""
    log_group: str
    log_format: str
    log_level: str
    variables: tuple[tuple[str, str], ...]
    code: bytes = field(compare=False, repr=False)
    """The zip."""


@dataclass(frozen=True)
class Credentials:
    """Session of the execution role; one per process, so that a call can be traced to its process."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)


@dataclass(frozen=True)
class Outcome:
    """How one invocation ended."""

    payload: bytes
    failed: bool
    request_id: str = ""
    log: tuple[str, ...] = ()
    error: str = ""
    """Words about the failure that hold nothing of the payload."""


class LambdaProcess:
    """Starts at once; invoke() may be called again and again, by one thread at a time.

    Args:
        world: its clock, endpoint and interpreter are used.
        configuration: what to run.
        folder: the unpacked zip.
        credentials: what the function calls AWS with.
    """

    def __init__(self, world: World, configuration: Configuration, folder: Path, credentials: Credentials) -> None:
        self.configuration = configuration
        self.access_key_id = credentials.access_key_id
        self.alive = True
        self.log_stream = f"{world.clock.utcnow():%Y/%m/%d}/[{configuration.version}]{uuid.uuid4().hex}"
        self._clock = world.clock
        self._api = RuntimeApi()
        self._started = False
        self._output = _Output(world.folder / f"output-{uuid.uuid4().hex}")
        self._process = subprocess.Popen(
            [str(world.lambda_python), "-m", "awslambdaric", configuration.handler],
            cwd=folder,
            env=self._environment(world, folder, credentials),
            stdin=subprocess.DEVNULL,
            stdout=self._output.file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        threading.Thread(target=self._watch, name=f"lambda-{configuration.name}", daemon=True).start()

    def invoke(self, event: bytes, request_id: str, invoked_arn: str) -> Outcome:
        """Run one event to its end: answer, error, time-out or death of the process.

        Args:
            event: JSON.
            request_id: the id that the context shows.
            invoked_arn: the ARN as the caller named it (with its qualifier, if any).

        Returns:
            The outcome; after a time-out or a death the process is gone (alive is False).
        """
        timeout = self.configuration.timeout
        broken = None if self._started else self._wait_for_start()
        if broken is not None:
            return self._failed(broken, request_id)
        self._api.hand_over(Event(request_id, invoked_arn, self._clock.now() + timeout, event))
        report = self._api.wait_for("response", "error", timeout=timeout, request_id=request_id)
        if report is None:
            self.kill()
            text = f"Task timed out after {timeout:.2f} seconds"
            error = {"errorType": "Sandbox.Timedout", "errorMessage": f"RequestId: {request_id} Error: {text}"}
            stamp = f"{self._clock.utcnow():%Y-%m-%dT%H:%M:%S}.000Z {request_id} {text}"
            return self._outcome(json.dumps(error).encode(), request_id, text, (stamp,))
        if report.kind == "response":
            return Outcome(report.body, False, request_id, self._output.lines())
        return self._failed(report, request_id)

    def kill(self) -> None:
        """End the process now, whatever it does."""
        self.alive = False
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill the process, wait until it is gone and let go of its output."""
        self.kill()
        self._process.wait()
        self._output.close()

    def _wait_for_start(self) -> Report | None:
        """None when the process asks for work, else what it said instead."""
        report = self._api.wait_for("ready", "init_error", timeout=INIT_SECONDS)
        if report is None:
            self.kill()
            return Report("exit")
        self._started = report.kind == "ready"
        if not self._started:
            self.alive = False
        return None if self._started else report

    def _failed(self, report: Report, request_id: str) -> Outcome:
        if report.kind != "exit":
            return self._outcome(report.body, request_id, _error_type(report.body))
        self.alive = False
        code = self._process.wait()
        how = f"signal: {signal.Signals(-code).name.lower()[3:]}" if code < 0 else f"exit status {code}"
        how = how.replace("signal: kill", "signal: killed")
        text = f"RequestId: {request_id} Error: Runtime exited with error: {how}"
        error = {"errorType": "Runtime.ExitError", "errorMessage": text}
        return self._outcome(json.dumps(error).encode(), request_id, "Runtime.ExitError", (text,))

    def _outcome(self, payload: bytes, request_id: str, error: str, extra: tuple[str, ...] = ()) -> Outcome:
        return Outcome(payload, True, request_id, self._output.lines() + extra, error)

    def _watch(self) -> None:
        self._process.wait()
        self.alive = False
        self._api.report(Report("exit"))
        self._api.close()

    def _environment(self, world: World, folder: Path, credentials: Credentials) -> dict[str, str]:
        """All that the process inherits: nothing of ours but PATH, LANG and HOME."""
        own = self.configuration
        parent = {name: os.environ[name] for name in ("PATH", "LANG", "HOME") if name in os.environ}
        return {
            **parent,
            **dict(own.variables),
            "AWS_ACCESS_KEY_ID": credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
            "AWS_SESSION_TOKEN": credentials.session_token,
            "AWS_SDK_UA_APP_ID": credentials.access_key_id,  # tells which process calls, whatever key it signs with
            "AWS_REGION": own.region,
            "AWS_DEFAULT_REGION": own.region,
            "AWS_ENDPOINT_URL": world.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,  # HOME is that of the person who runs this
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{own.runtime}",
            "AWS_LAMBDA_FUNCTION_NAME": own.name,
            "AWS_LAMBDA_FUNCTION_VERSION": own.version,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(own.memory),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": own.log_group,
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log_stream,
            "AWS_LAMBDA_LOG_FORMAT": own.log_format,
            **({"AWS_LAMBDA_LOG_LEVEL": own.log_level} if own.log_level else {}),
            "AWS_LAMBDA_RUNTIME_API": self._api.address,
            "LAMBDA_TASK_ROOT": str(folder),
            "_HANDLER": own.handler,
            "TZ": ":UTC",
            "PYTHONPATH": f"{_SITE}{os.pathsep}{folder}",
            "SANDBOX_CLOCK_OFFSET": str(world.clock.offset_file),
        }


class _Output:
    """Standard output of a process in a file: never blocks the process, and is whole once its answer is there."""

    def __init__(self, path: Path) -> None:
        self.file: IO[bytes] = path.open("wb")
        self._path = path
        self._reader = path.open("rb")

    def lines(self) -> tuple[str, ...]:
        """Every line written since the last call."""
        text = self._reader.read()
        return tuple(line for line in text.decode(errors="replace").splitlines() if line)

    def close(self) -> None:
        """Delete the file."""
        self.file.close()
        self._reader.close()
        self._path.unlink(missing_ok=True)


def _error_type(payload: bytes) -> str:
    try:
        found: Any = json.loads(payload)
    except ValueError:
        return "Unhandled"
    return str(found.get("errorType", "Unhandled")) if isinstance(found, dict) else "Unhandled"
