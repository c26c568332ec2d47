# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Rotation as Secrets Manager does it: validate, run the four steps, judge by the labels, retry, come again on time.

It never moves AWSCURRENT: only the function does.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend
from moto.secretsmanager.models import secretsmanager_backends

from .errors import refusal
from .lambda_async import Throttled
from .policy import PolicyError, Principal, Request, evaluate_resource_policy
from .rotation_events import publish
from .schedule_expressions import ExpressionError, check_rules, next_window, retry_window
from .secret_checks import check_token
from .secret_versions import AWSCURRENT, AWSPENDING, Secret
from .world import ACCOUNT, World

PRINCIPAL = "secretsmanager.amazonaws.com"
STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_FOREIGN_ACCOUNT = "999999999999"


@dataclass
class Attempt:
    """One rotation with all its tries."""

    token: str
    """The version id."""
    rotation_token: str = field(default_factory=lambda: str(uuid.uuid4()), repr=False)
    """Proof that the function works for this rotation; never in the journal."""
    failures: int = 0
    abandoned: bool = False
    """Somebody else put a value meanwhile."""


class InvocationRefused(Exception):
    """Secrets Manager may not invoke the function, or there is none; its text says which."""


class Rotations:
    """The rotation engine of one world. Methods without underscore are called with world.lock held."""

    def __init__(self, world: World) -> None:
        self._world = world

    def rotate(self, secret: Secret, params: dict[str, Any]) -> dict[str, Any]:
        """RotateSecret: nothing is changed before everything is checked; returns at once."""
        token = params.get("ClientRequestToken") or str(uuid.uuid4())
        check_token(token)
        answer = {"ARN": secret.arn, "Name": secret.name, "VersionId": token}
        immediately = params.get("RotateImmediately", True)
        if immediately and self._known(secret, token):
            return answer
        rules = self._checked_rules(secret, params)
        function = params.get("RotationLambdaARN") or secret.rotation_lambda_arn
        self._check_ready(secret, function, token)
        secret.rotation_requested = True
        secret.rotation_lambda_arn, secret.rotation_rules = function, rules
        if not secret.rotation_enabled:
            secret.rotation_enabled, secret.rotation_basis = True, self._world.clock.now()
        self.arm(secret)
        if immediately:
            self._begin(secret, Attempt(token))
        else:
            self._test(secret, Attempt(token))
        return answer

    def cancel(self, secret: Secret) -> dict[str, Any]:
        """CancelRotateSecret: no more tries and no schedule; labels stay as they are."""
        if not secret.rotation_lambda_arn:
            raise refusal(
                "InvalidRequestException",
                "You tried to enable rotation on a secret that doesn't already have a Lambda function ARN configured"
                " and you didn't include such an ARN as a parameter in this call.",
            )
        secret.rotation_enabled = False
        self.stop(secret)
        return {"ARN": secret.arn, "Name": secret.name}

    def stop(self, secret: Secret) -> None:
        """Forget the attempt under way (its step still ends) and the next date."""
        secret.attempt = None
        secret.next_rotation_date = None
        if secret.timer is not None:
            secret.timer.cancel()

    def value_put(self, secret: Secret, version_id: str) -> None:
        """A value was stored: the function's own, or by hand. That abandons a rotation, and starts a new period."""
        attempt = secret.attempt
        if attempt is not None and version_id == attempt.token:
            return
        if attempt is not None:
            attempt.abandoned = True
        if secret.holder(AWSCURRENT) == version_id:
            secret.rotation_basis = self._world.clock.now()
            self.arm(secret)

    def arm(self, secret: Secret) -> None:
        """Compute the next date from the present period and set the timer; nothing when rotation is off."""
        if not secret.rotation_enabled or not secret.rotation_rules:
            return
        window = next_window(secret.rotation_rules, secret.rotation_basis, self._world.clock.now())
        secret.next_rotation_date = window.on_or_before
        self._set_timer(secret, window.start, window.on_or_before)

    def _set_timer(self, secret: Secret, start: float, end: float) -> None:
        if secret.timer is not None:
            secret.timer.cancel()
        due = start if self._world.knobs.rotation_window == "start" else end
        secret.timer = self._world.clock.call_at(due, lambda: self._due(secret))

    def _due(self, secret: Secret) -> None:
        """A scheduled rotation. One left dangling is reattempted, with its token or a new one as the knob says."""
        with self._world.lock:
            if not self._lives(secret) or secret.attempt is not None:
                return
            dangling = secret.holder(AWSPENDING)
            if dangling == secret.holder(AWSCURRENT) or self._world.knobs.rotation_retry_token == "new":
                dangling = None
            self._begin(secret, Attempt(dangling or str(uuid.uuid4())))

    def _lives(self, secret: Secret) -> bool:
        """Whether the secret is still there (no reset, no deletion) and rotates."""
        backend = secretsmanager_backends[ACCOUNT][secret.region]
        there = backend.secrets.get(secret.arn) is secret
        return there and bool(secret.rotation_enabled) and not secret.is_deleted()

    @staticmethod
    def _known(secret: Secret, token: str) -> bool:
        """Whether the call repeats one that has been taken already."""
        running = secret.attempt is not None and secret.attempt.token == token
        return running or secret.holder(AWSCURRENT) == token

    @staticmethod
    def _checked_rules(secret: Secret, params: dict[str, Any]) -> dict[str, Any]:
        rules = params.get("RotationRules")
        if not rules:
            return secret.rotation_rules
        try:
            check_rules(rules)
        except ExpressionError as error:
            raise refusal("InvalidParameterException", str(error)) from None
        return dict(rules)

    def _check_ready(self, secret: Secret, function: str, token: str) -> None:
        if not function:
            raise refusal(
                "InvalidRequestException",
                "You tried to enable rotation on a secret that doesn't already have a Lambda function ARN configured"
                " and you didn't include such an ARN as a parameter in this call.",
            )
        if not secret.has_value(secret.holder(AWSCURRENT)):
            raise refusal("InvalidRequestException", "You can't rotate a secret that has no value.")
        try:
            self._invocable(function, secret.region)
        except InvocationRefused as error:
            raise refusal("AccessDeniedException", str(error)) from None
        pending = secret.holder(AWSPENDING)
        if pending not in (None, token, secret.holder(AWSCURRENT)):
            raise refusal(
                "InvalidRequestException",
                "A previous rotation isn\N{RIGHT SINGLE QUOTATION MARK}t complete. That rotation will be reattempted.",
            )

    def _invocable(self, function_arn: str, region: str) -> Any:
        """The function, if its resource policy lets Secrets Manager invoke it for this account and for no other.

        AWS does not ask for the second half; here it keeps a permission without SourceAccount from going unnoticed.
        """
        try:
            function = get_backend(ACCOUNT, region).get_function(function_arn)
        except UnknownFunctionException:
            raise InvocationRefused(f"Secrets Manager can't find the Lambda function {function_arn}.") from None
        document = {"Version": "2012-10-17", "Statement": function.policy.statements}

        def decide(account: str) -> bool:
            request = Request("lambda:InvokeFunction", function_arn, {"aws:SourceAccount": account})
            return evaluate_resource_policy(document, request, Principal(service=PRINCIPAL)) == "allow"

        try:
            ours, foreign = decide(ACCOUNT), decide(_FOREIGN_ACCOUNT)
        except PolicyError as error:
            raise InvocationRefused(f"the resource policy of {function_arn}: {error}") from None
        if not ours:
            raise InvocationRefused(
                "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants"
                f" access to the principal {PRINCIPAL}."
            )
        if foreign:
            raise InvocationRefused(
                f"The policy of {function_arn} lets {PRINCIPAL} invoke it for any account: give its permission a"
                " SourceAccount. (AWS would allow it; the embedded AWS does not.)"
            )
        return function

    def _begin(self, secret: Secret, attempt: Attempt) -> None:
        """Attach AWSPENDING to an empty version and let a thread run the steps."""
        secret.attempt = attempt
        if attempt.token not in secret.versions:
            secret.add_version(attempt.token, self._world.clock.now())
        secret.attach(AWSPENDING, attempt.token)
        publish(self._world, secret, "RotationStarted", attempt.token)
        self._world.clock.spawn(lambda: self._run(secret, attempt), f"rotation-{secret.name}")

    def _test(self, secret: Secret, attempt: Attempt) -> None:
        """RotateImmediately=false: testSecret alone, on a version that exists only for it."""
        secret.attempt = attempt
        now, current = self._world.clock.now(), secret.versions[secret.holder(AWSCURRENT)]
        fields = ("secret_string", "secret_binary") if self._world.knobs.rotation_test_version == "copy" else ()
        secret.add_version(attempt.token, now, {name: current[name] for name in fields if name in current})
        secret.attach(AWSPENDING, attempt.token)
        publish(self._world, secret, "TestRotationStarted", attempt.token)
        self._world.clock.spawn(lambda: self._run_test(secret, attempt), f"test-{secret.name}")

    def _run(self, secret: Secret, attempt: Attempt) -> None:
        error = ""
        for step in STEPS:
            error = self._step(secret, attempt, step)
            if error or attempt.abandoned or secret.attempt is not attempt:
                break
        with self._world.lock:
            if secret.attempt is not attempt:
                return  # cancelled, deleted or reset meanwhile
            if attempt.abandoned:
                secret.attempt = None
                publish(self._world, secret, "RotationAbandoned", attempt.token)
            elif error or secret.holder(AWSCURRENT) != attempt.token:
                self._failed(secret, attempt, error or "finishSecret did not move AWSCURRENT")
            elif not secret.has_value(attempt.token):
                self._failed(secret, attempt, "AWSCURRENT is on a version without a value")
            elif secret.holder(AWSPENDING) not in (None, attempt.token):
                self._failed(secret, attempt, "AWSPENDING is on another version than AWSCURRENT")
            else:
                self._succeeded(secret, attempt)

    def _run_test(self, secret: Secret, attempt: Attempt) -> None:
        error = self._step(secret, attempt, "testSecret")
        with self._world.lock:
            if secret.holder(AWSCURRENT) != attempt.token:
                secret.versions.pop(attempt.token, None)
            if secret.attempt is attempt:
                secret.attempt = None
            publish(
                self._world, secret, "TestRotationFailed" if error else "TestRotationSucceeded", attempt.token, error
            )

    def _step(self, secret: Secret, attempt: Attempt, step: str) -> str:
        """Invoke the function for one step.

        Returns:
            Empty, or what went wrong.
        """
        event = {
            "Step": step,
            "SecretId": secret.arn,
            "ClientRequestToken": attempt.token,
            "RotationToken": attempt.rotation_token,
        }
        entry = self._note(secret, attempt, step)
        try:
            return self._invoke(secret, event, entry)
        finally:
            entry["ended"] = True

    def _invoke(self, secret: Secret, event: dict[str, str], entry: dict[str, Any]) -> str:
        try:
            with self._world.lock:
                function = self._invocable(secret.rotation_lambda_arn, secret.region)
            entry["allowed"] = True
            outcome = function.run(json.dumps(event).encode(), secret.rotation_lambda_arn)
        except InvocationRefused as refused:
            entry["error"] = "AccessDeniedException"
            return str(refused)
        except Throttled:
            entry["error"] = "TooManyRequestsException"
            return "the function is throttled"
        if outcome.failed:
            entry["error"] = outcome.error
            return f"{event['Step']}: {outcome.error}"
        return ""

    def _note(self, secret: Secret, attempt: Attempt, step: str) -> dict[str, Any]:
        """One entry of the journal, as the gate writes them; error is the function's, and known once it has ended."""
        entry: dict[str, Any] = {
            "time": self._world.clock.now(),
            "service": "lambda",
            "action": "Invoke",
            "principal": PRINCIPAL,
            "allowed": False,
            "error": None,
            "ended": False,
            "resource": secret.rotation_lambda_arn,
            "region": secret.region,
            "ids": {"SecretId": secret.arn, "ClientRequestToken": attempt.token, "Step": step},
        }
        self._world.journal.append(entry)
        return entry

    def _succeeded(self, secret: Secret, attempt: Attempt) -> None:
        secret.detach(AWSPENDING)
        secret.attempt = None
        now = self._world.clock.now()
        secret.last_rotation_date = secret.rotation_basis = secret.last_changed_date = now
        secret.prune(now)
        publish(self._world, secret, "RotationSucceeded", attempt.token)
        self.arm(secret)

    def _failed(self, secret: Secret, attempt: Attempt, reason: str) -> None:
        """Plan the next try, or give up: then AWSPENDING stays where it is, and the next window tries again."""
        publish(self._world, secret, "RotationFailed", attempt.token, reason)
        now, waits = self._world.clock.now(), self._world.knobs.rotation_retry_seconds
        if attempt.failures < len(waits):
            due = now + waits[attempt.failures]
            self._world.clock.call_at(due, lambda: self._retry(secret, attempt))
            return
        secret.attempt = None
        if secret.rotation_rules:
            window = retry_window(secret.rotation_rules, now)
            self._set_timer(secret, window.start, window.on_or_before)  # the date shown stays: it was missed

    def _retry(self, secret: Secret, attempt: Attempt) -> None:
        with self._world.lock:
            if not self._lives(secret) or secret.attempt is not attempt:
                return
            if secret.holder(AWSPENDING) not in (None, attempt.token, secret.holder(AWSCURRENT)):
                secret.attempt = None
                publish(self._world, secret, "RotationAbandoned", attempt.token)
                return
            again = self._world.knobs.rotation_retry_token == "same"
            token = attempt.token if again else str(uuid.uuid4())
            self._begin(secret, Attempt(token, failures=attempt.failures + 1))
