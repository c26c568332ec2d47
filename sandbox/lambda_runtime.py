# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Runs Lambda functions: unpacks the zip, keeps warm processes, hands out the role's credentials, writes the log."""

from __future__ import annotations

import io
import json
import threading
import time
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moto.logs.models import logs_backends
from moto.sts.models import sts_backends

from .lambda_process import Configuration, Credentials, LambdaProcess, Outcome
from .roles import allows
from .world import ACCOUNT, World

MAX_IDLE = 8
"""Idle processes that are kept; each holds about 50 MB."""
_SESSION_SECONDS = 10 * 365 * 86_400
"""The session of a process outlives any jump of the clock: AWS renews it behind the function's back."""


class LambdaRuntime:
    """All Lambda processes of one world.

    invoke() may be called from many threads: each takes an idle process with the same configuration, or starts one.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._lock = threading.Lock()
        self._idle: list[LambdaProcess] = []
        self._all: list[LambdaProcess] = []
        self._running: dict[str, int] = {}
        self._resets = 0

    def running(self, arn: str) -> int:
        """How many invocations of this function version are under way."""
        with self._lock:
            return self._running.get(arn, 0)

    def invoke(
        self, configuration: Configuration, event: bytes, invoked_arn: str = "", request_id: str | None = None
    ) -> Outcome:
        """Run one event to its end. Never called with world.lock held: the function calls back.

        Args:
            configuration: what to run.
            event: JSON; empty counts as {}.
            invoked_arn: the ARN as the caller named it; default the function's own.
            request_id: repeated by the retries of an asynchronous invocation; default a new one.
        """
        if not self._world.knobs.functions_run:
            return Outcome(b"null", failed=False, request_id=request_id or str(uuid.uuid4()))
        with self._world.clock.working(), self._counted(configuration.arn):
            process = self._acquire(configuration)
            started = time.monotonic()
            outcome = process.invoke(event or b"{}", request_id or str(uuid.uuid4()), invoked_arn or configuration.arn)
            milliseconds = (time.monotonic() - started) * 1000
            self._log(process, outcome, milliseconds)
            self._release(process)
            return outcome

    def kill_caller(self, access_key_id: str) -> None:
        """Kill the process that holds these credentials; nothing happens when none does."""
        with self._lock:
            holders = [process for process in self._all if process.access_key_id == access_key_id]
        for process in holders:
            process.kill()

    def reset(self) -> None:
        """Kill every process; invocations under way end as if theirs had crashed."""
        with self._lock:
            everything, idle = self._all, self._idle
            self._all, self._idle = [], []
            self._resets += 1
        for process in everything:
            process.kill()
        for process in idle:
            process.close()

    @contextmanager
    def _counted(self, arn: str) -> Iterator[None]:
        with self._lock:
            self._running[arn] = self._running.get(arn, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._running[arn] -= 1

    def _acquire(self, configuration: Configuration) -> LambdaProcess:
        with self._lock:
            for process in reversed(self._idle):
                if process.alive and process.configuration == configuration:
                    self._idle.remove(process)
                    return process
            resets = self._resets
        folder = self._unpacked(configuration)
        fresh = LambdaProcess(self._world, configuration, folder, self._credentials(configuration))
        with self._lock:
            if self._resets == resets:
                self._all.append(fresh)
                return fresh
        fresh.kill()  # a reset came while it started: its event ends like those of the others
        return fresh

    def _release(self, process: LambdaProcess) -> None:
        """Keep the process for its next event, unless it is dead, out of date or one too many."""
        with self._lock:
            gone = [one for one in self._idle if not one.alive or self._outdated(one, process)]
            self._idle = [one for one in self._idle if one not in gone]
            if process not in self._all:
                gone.append(process)  # a reset killed it
            elif process.alive:
                self._idle.append(process)
                if len(self._idle) > MAX_IDLE:
                    gone.append(self._idle.pop(0))
            else:
                gone.append(process)
            self._all = [one for one in self._all if one not in gone]
        for one in gone:
            one.close()

    @staticmethod
    def _outdated(one: LambdaProcess, newer: LambdaProcess) -> bool:
        return one.configuration.arn == newer.configuration.arn and one.configuration != newer.configuration

    def _unpacked(self, configuration: Configuration) -> Path:
        folder = self._world.folder / "code" / configuration.code_sha256.replace("/", "_")
        with self._lock:
            if not folder.exists():
                fresh = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
                with zipfile.ZipFile(io.BytesIO(configuration.code)) as archive:
                    archive.extractall(fresh)
                fresh.rename(folder)
        return folder

    def _credentials(self, configuration: Configuration) -> Credentials:
        """A session of the execution role, named like the function, of this one process."""
        with self._world.lock:
            session = sts_backends[ACCOUNT]["aws"].assume_role(
                region_name=configuration.region,
                role_session_name=configuration.name,
                role_arn=configuration.role,
                policy="",
                duration=_SESSION_SECONDS,
                external_id="",
            )
        return Credentials(session.access_key_id, session.secret_access_key, session.session_token)

    def _log(self, process: LambdaProcess, outcome: Outcome, milliseconds: float) -> None:
        """Write what the function printed, between START and REPORT, to its CloudWatch log stream.

        Lambda writes as the execution role, and what that may not write is lost without a word.
        """
        own = process.configuration
        stream = f"arn:aws:logs:{own.region}:{ACCOUNT}:log-group:{own.log_group}:log-stream:{process.log_stream}"
        clock = self._world.clock
        start, end = _platform_lines(own, outcome.request_id, milliseconds)
        stamp = int(clock.now() * 1000)
        events = [{"timestamp": stamp, "message": line} for line in (start, *outcome.log, *end)]
        with self._world.lock:
            logs = logs_backends[ACCOUNT][own.region]
            if own.log_group not in logs.groups:
                if not allows(own.role, "logs:CreateLogGroup", stream):
                    return
                logs.ensure_log_group(own.log_group)
            if process.log_stream not in logs.groups[own.log_group].streams:
                if not allows(own.role, "logs:CreateLogStream", stream):
                    return
                logs.create_log_stream(own.log_group, process.log_stream)
            if allows(own.role, "logs:PutLogEvents", stream):
                logs.put_log_events(own.log_group, process.log_stream, events)


def _platform_lines(own: Configuration, request_id: str, milliseconds: float) -> tuple[str, tuple[str, ...]]:
    """The line before and those after an invocation, as the service itself writes them."""
    billed = int(milliseconds) + 1
    if own.log_format == "JSON":
        metrics = {"durationMs": round(milliseconds, 3), "billedDurationMs": billed, "memorySizeMB": own.memory}
        start = {"type": "platform.start", "record": {"requestId": request_id, "version": own.version}}
        report = {"type": "platform.report", "record": {"requestId": request_id, "metrics": metrics}}
        return json.dumps(start), (json.dumps(report),)
    return f"START RequestId: {request_id} Version: {own.version}", (
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {billed} ms"
        f"\tMemory Size: {own.memory} MB",
    )


def start(world: World) -> LambdaRuntime:
    """Make the runtime of a world and hang it on the world's reset and kill hooks."""
    runtime = LambdaRuntime(world)
    world.kill_caller = runtime.kill_caller
    world.resets.append(runtime.reset)
    return runtime
