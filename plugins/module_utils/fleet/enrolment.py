# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Applies plans: the binding on the user, the settings and the schedule on the secret. Never reads a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from . import planning
from .aws import CallError, Client, call, tag_list
from .batch_result import Entry, work_all
from .errors import StateError
from .planning import Plan
from .progress import Progress
from .reader import Reader
from .settle import Settler, is_unfinished
from .state import State, Target

PRESENT = "present"


@dataclass(frozen=True)
class Enrolment:
    """Brings service accounts to their schedules, or takes them off.

    Attributes:
        reader: of secrets and users.
        settler: gets failed rotations out of the way; its pace serves every write.
        functions: strategy -> ARN of its function.
        wanted: present or absent.
        check_mode: plan only.
        progress: is told of each outcome.
    """

    secretsmanager: Client
    iam: Client
    reader: Reader
    settler: Settler
    functions: Mapping[str, str]
    wanted: str = PRESENT
    check_mode: bool = False
    progress: Progress = field(default_factory=lambda: Progress(None))

    def run(self, targets: Sequence[Target]) -> list[Entry]:
        """One entry for each target, in order; none stops another."""
        self.progress.begin(len(targets))
        return work_all(self._enrol, targets, ended=self.progress.ended)

    def _enrol(self, target: Target, done: list[str]) -> Entry:
        state = self.reader.read(target, lambda listed: not self._plan(listed).changes)
        plan = self._plan(state)
        if not self.check_mode:
            self._apply(state, plan, done)
        return Entry(
            target.name,
            changed=bool(plan.changes),
            changes=plan.changes if self.check_mode else tuple(done),
            before=plan.before,
            after=plan.after,
            extra={"enrolled": plan.enrols, "arn": state.secret.arn if state.secret else None},
        )

    def _plan(self, state: State) -> Plan:
        strategy = state.target.rotation_strategy
        if strategy not in self.functions:
            raise StateError(f"no function is given for strategy {strategy}; name it in option functions")
        if self.wanted == PRESENT:
            return planning.plan_present(state, self.functions[strategy])
        return planning.plan_absent(state, self.functions[strategy])

    def _apply(self, state: State, plan: Plan, done: list[str]) -> None:
        """Binding first: the service runs testSecret as soon as the schedule is attached.

        Args:
            done: takes the lines of each write once it is made.
        """
        arn, user = state.secret.arn if state.secret else "", state.target.iam_user
        secrets, iam = self.secretsmanager, self.iam
        set_user, drop_user = tag_list(plan.tag_user), list(plan.untag_user)
        set_secret, drop_secret = tag_list(plan.tag_secret), list(plan.untag_secret)
        writes: tuple[tuple[str, str, Callable[..., object], dict[str, object]], ...] = (
            ("cancel", "secretsmanager:CancelRotateSecret", secrets.cancel_rotate_secret, {"SecretId": arn}),
            ("tag_user", "iam:TagUser", iam.tag_user, {"UserName": user, "Tags": set_user}),
            ("untag_user", "iam:UntagUser", iam.untag_user, {"UserName": user, "TagKeys": drop_user}),
            ("tag_secret", "secretsmanager:TagResource", secrets.tag_resource, {"SecretId": arn, "Tags": set_secret}),
            (
                "untag_secret",
                "secretsmanager:UntagResource",
                secrets.untag_resource,
                {"SecretId": arn, "TagKeys": drop_secret},
            ),
        )
        for part, action, method, arguments in writes:
            if getattr(plan, part):
                self.settler.pace.wait()
                call(action, method, **arguments)
                done.extend(plan.lines[part])
        if plan.rotate is not None:
            self._attach(state, arn, plan.rotate, done)
            done.extend(plan.lines["rotate"])

    def _attach(self, state: State, arn: str, rules: Mapping[str, object], done: list[str]) -> None:
        """Attach schedule and function; a rotation that failed earlier is got out of the way first.

        Args:
            done: takes a line for each thing done beside it.
        """
        deadline = self.settler.waiting.deadline()
        while True:
            self.settler.pace.wait()
            try:
                call(
                    "secretsmanager:RotateSecret",
                    self.secretsmanager.rotate_secret,
                    SecretId=arn,
                    RotationLambdaARN=self.functions[state.target.rotation_strategy],
                    RotationRules=dict(rules),
                    RotateImmediately=False,
                )
            except CallError as error:
                if not is_unfinished(error):
                    raise
            else:
                return
            self.settler.waiting.tick(deadline, state.target, "an earlier rotation of it is not over")
            self.settler.settle(state.target, self.settler.described(state.target), deadline, done)
