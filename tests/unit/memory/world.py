# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One AWS account in memory with our functions in it, and the service that calls their four steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation import handler as rotation_handler
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.runtime import Runtime

from .core import Client, Core
from .iam import ACCOUNT, Iam, Key
from .scheduler import Scheduler, Ses
from .secretsmanager import SecretsManager, SecretState

Strategy = Literal["iam_access_key", "noop"]
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
ENVIRONMENT = {
    "NOTIFY_FROM": "alerts@acmecorp.com",
    "RETIREMENT_ROLE_ARN": f"arn:aws:iam::{ACCOUNT}:role/key-rotation-retirement",
}


@dataclass
class Context:
    """Lambda's context object, under the virtual clock."""

    core: Core = field(repr=False)
    function_name: str
    timeout_seconds: float
    started: float

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> float:
        return (self.started + self.timeout_seconds - self.core.seconds) * 1000


class Clients:
    """See rotation.runtime.Clients."""

    def __init__(self, world: World) -> None:
        self._world = world

    def secretsmanager(self) -> Client:
        return Client(self._world.core, "secretsmanager", self._world.secrets.methods())

    def iam(self) -> Client:
        return Client(self._world.core, "iam", self._world.iam.methods())

    def iam_create(self) -> Client:
        return Client(self._world.core, "iam", self._world.iam.methods())

    def scheduler(self) -> Client:
        return Client(self._world.core, "scheduler", self._world.scheduler.methods())

    def ses(self) -> Client:
        return Client(self._world.core, "ses", self._world.ses.methods())

    def sts(self, access_key_id: str, secret_access_key: str) -> Client:
        return Client(self._world.core, "sts", self._world.iam.sts_methods(access_key_id, secret_access_key))


class World:
    """All of it. Plain state, no threads: deep copies of it are independent worlds.

    Attributes:
        lines: what telemetry emitted.
        timeout_seconds: of the functions.
    """

    def __init__(self, **environment: str) -> None:
        self.core = Core()
        self.iam = Iam(self.core)
        self.secrets = SecretsManager(self.core)
        self.scheduler = Scheduler(self.core)
        self.ses = Ses()
        self.environment = {**ENVIRONMENT, **environment}
        self.lines: list[dict[str, Any]] = []
        self.timeout_seconds = 60.0

    def runtime(self) -> Runtime:
        """What a composition root would hand in."""
        return Runtime(
            clients=Clients(self),
            environment=self.environment,
            clock=lambda: self.core.seconds,
            sleep=self.core.sleep,
            emit=lambda line: self.lines.append(dict(line)),
        )

    def invoke(self, event: object, strategy: Strategy = "iam_access_key") -> dict[str, str]:
        """Run a function on an event."""
        serve: Callable[..., str] = getattr(rotation_handler, strategy)
        context = Context(self.core, f"rotation-{strategy}", self.timeout_seconds, self.core.seconds)
        answer: dict[str, str] = rotation_handler.make_handler(serve, self.runtime())(event, context)
        return answer

    def step(self, secret: SecretState, token: str, step: str, strategy: Strategy = "iam_access_key") -> dict[str, str]:
        """One step of a rotation, as Secrets Manager asks for it."""
        return self.invoke(
            {
                "Step": step,
                "SecretId": secret.arn,
                "ClientRequestToken": token,
                "RotationToken": f"mark-rotation-token-{token}",
            },
            strategy,
        )

    def rotate(self, secret: SecretState, token: str | None = None, strategy: Strategy = "iam_access_key") -> str:
        """One attempt at a rotation: all four steps, then what the service does.

        Args:
            token: of an attempt that failed, to repeat it; else a new rotation is started.
        """
        if token is None:
            token = self.secrets.start_rotation(secret)
        for step in STEPS:
            self.step(secret, token, step, strategy)
        assert self.secrets.end_rotation(secret, token), "finishSecret did not move AWSCURRENT"
        return token

    def retire(self, secret: SecretState, key_id: str) -> str:
        """The retirement of a key, as its schedule asks for it."""
        return self.invoke({"Action": "retire", "SecretId": secret.arn, "AccessKeyId": key_id})["outcome"]

    def advance(self, hours: float, on_error: Callable[[Exception], None] | None = None) -> list[str]:
        """Move the clock, firing what comes due.

        Args:
            on_error: what becomes of a retirement that fails; None: it is raised.

        Returns:
            The outcomes of the retirements that fired.
        """
        until = self.core.seconds + hours * 3600
        outcomes = []
        while (schedule := self.scheduler.next_due(until)) is not None:
            try:
                outcomes.append(self.invoke(schedule.event)["outcome"])
            except Exception as problem:
                if on_error is None:
                    raise
                on_error(problem)
        self.core.seconds = max(self.core.seconds, until)
        return outcomes

    def enrol(self, user_name: str = "acmecorp-ai", age_days: float = 100.0, **fields: Any) -> tuple[SecretState, Key]:
        """A service account as deploy leaves it: a user with one old key, in a bound secret."""
        user = self.iam.add_user(user_name)
        key = self.iam.add_key(user_name, age_days)
        secret = self.secrets.add(f"/acmecorp/{user_name}/credentials", document(user_name, key, **fields))
        next(iter(secret.versions.values())).created = key.created
        user.tags = {
            "key-rotation:secret": secret.arn,
            "key-rotation:since": self.core.now().isoformat(),
            "key-rotation:function": "rotation-iam_access_key",
        }
        return secret, key

    def current_key(self, secret: SecretState) -> Key | None:
        """The key that AWSCURRENT names, if there is such a key."""
        return self.iam.key(json.loads(secret.text() or "{}").get("AWS_ACCESS_KEY_ID", ""))


def document(user_name: str, key: Key | None, **fields: Any) -> str:
    """A secret document; every other field carries a mark that must show nowhere."""
    return json.dumps(
        {
            "USER_NAME": user_name,
            "AWS_ACCESS_KEY_ID": key.key_id if key else "",
            "AWS_SECRET_ACCESS_KEY": key.secret if key else "",
            "NOTIFY_EMAIL": "platform@acmecorp.com",
            "password": "mark-password",
            **fields,
        }
    )
