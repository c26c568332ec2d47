# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the parts of the embedded AWS share: the clock, the knobs and the three records that tests read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from .clock import Clock

ACCOUNT = "123456789012"
ADMINISTRATOR = ("testing", "testing")
"""Access key id and secret of the embedded AWS's own administrator (never an IAM user)."""


@dataclass
class Knobs:
    """Behaviour that AWS does not publish, or that a test wants to choose. POST /_sandbox/knobs sets any of them."""

    key_visible_after_seconds: float = 0.0
    """How long STS and every other service refuse a new access key."""
    key_flickers: bool = False
    """After its first success a new key is refused once more before it works for good."""
    key_unlisted_seconds: float = 0.0
    """How long ListAccessKeys omits a new key and keeps a deleted one."""
    rotation_retry_token: Literal["same", "new"] = "same"
    """The ClientRequestToken with which Secrets Manager retries a failed rotation."""
    rotation_retry_seconds: tuple[float, ...] = (300.0, 900.0, 3600.0)
    """When Secrets Manager retries a failed rotation, in seconds after each failure; then it gives up."""
    rotation_window: Literal["start", "end"] = "start"
    """Where in its window a scheduled rotation starts."""
    rotation_test_version: Literal["empty", "copy"] = "empty"
    """What AWSPENDING holds in a rotation test (RotateImmediately=false): no value, or a copy of AWSCURRENT's."""
    function_pending_reads: int = 1
    """How many reads still find a function Pending (or its update InProgress) after a change; 3 s end it as well."""
    functions_run: bool = True
    """False: every function answers null at once, without a process: for benchmarks of those who call AWS."""
    latency_seconds: float = 0.0
    """How long each call is under way, in real seconds."""
    rates: dict[str, float] = field(default_factory=dict)
    """Calls a real second: of an operation (secretsmanager:RotateSecret) or of a whole service (iam)."""
    role_session_seconds: float = 0.0
    """How long a session lasts that somebody assumes (a function's own is left alone); 0: as long as was asked for."""
    ses_verified: bool = True
    """Whether every sender identity counts as verified; False: only those that were verified by API and confirmed."""


@dataclass
class World:
    """One embedded AWS: handed to the install() function of every part.

    Args:
        folder: scratch folder of this process (clock offset, unpacked zips); removed at exit.
        endpoint: its own address, e.g. http://127.0.0.1:4566.
        lambda_python: interpreter of the environment that holds awslambdaric and boto3 and nothing else.
    """

    folder: Path
    endpoint: str
    lambda_python: Path
    clock: Clock
    knobs: Knobs = field(default_factory=Knobs)
    journal: list[dict[str, Any]] = field(default_factory=list)
    """Every API call in order: time, service, action, principal (ARN), allowed, error (code or None), resource (ARN),
    and the ids that tests count by. Never a secret value."""
    mail: list[dict[str, Any]] = field(default_factory=list)
    """Every mail sent: time, region, from, to, subject, body (the text, else the HTML), html."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Service events of Secrets Manager in order (RotationStarted and so on), as EventBridge delivers them."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Serialises API calls on moto's unlocked dictionaries. Never held while a Lambda runs: it calls back."""
    resets: list[Callable[[], None]] = field(default_factory=list)
    """What POST /_sandbox/reset runs, last added first; also run at the end, so it must end threads and processes."""
    kill_caller: Callable[[str], None] = field(default=lambda access_key_id: None)
    """Kill the Lambda process that holds these session credentials; set by the part that runs Lambdas."""
    verify_identity: Callable[[str], None] = field(default=lambda identity: None)
    """Confirm an SES identity, as the owner of the address or domain would."""
    checks: list[Callable[..., None]] = field(default_factory=list)
    """Called as check(call, caller) under the lock before moto acts; may raise answers.Refusal."""
    watchers: list[Callable[..., None]] = field(default_factory=list)
    """Called as watch(call, caller) under the lock after moto has acted without an error."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when this world ends: whatever withholds an answer lets go."""

    def set_knobs(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """Set the named knobs and return all of them.

        Raises:
            KeyError: a name that is no knob; its text lists the names that are.
        """
        names = {knob.name for knob in fields(Knobs)}
        unknown = sorted(set(wanted) - names)
        if unknown:
            raise KeyError(f"no knob named {', '.join(unknown)}; there are {', '.join(sorted(names))}")
        for name, value in wanted.items():
            setattr(self.knobs, name, tuple(value) if isinstance(value, list) else value)
        return asdict(self.knobs)
