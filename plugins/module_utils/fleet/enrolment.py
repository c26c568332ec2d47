# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Applies plans: the binding on the user, the settings and the schedule on the secret. Never reads a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import planning
from .aws import CallError, Client, call, tag_list
from .batch import run_all
from .batch_result import Entry, entries
from .errors import StateError
from .planning import Plan
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
    """

    secretsmanager: Client
    iam: Client
    reader: Reader
    settler: Settler
    functions: Mapping[str, str]
    wanted: str = PRESENT
    check_mode: bool = False

    def run(self, targets: Sequence[Target]) -> list[Entry]:
        """One entry for each target, in order; none stops another."""
        return entries(run_all(self._enrol, targets))

    def _enrol(self, target: Target) -> Entry:
        state = self.reader.read(target, lambda listed: not self._plan(listed).changes)
        plan = self._plan(state)
        notes = self._apply(state, plan) if plan.changes and not self.check_mode else []
        return Entry(
            target.name,
            changed=bool(plan.changes),
            changes=(*notes, *plan.changes),
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

    def _apply(self, state: State, plan: Plan) -> list[str]:
        """Binding first: the service runs testSecret as soon as the schedule is attached.

        Returns:
            What was done beside the plan.
        """
        arn = state.secret.arn if state.secret else ""
        if plan.cancel:
            self.settler.pace.wait()
            call("secretsmanager:CancelRotateSecret", self.secretsmanager.cancel_rotate_secret, SecretId=arn)
        if plan.tag_user:
            self.settler.pace.wait()
            call("iam:TagUser", self.iam.tag_user, UserName=state.target.iam_user, Tags=tag_list(plan.tag_user))
        if plan.untag_user:
            self.settler.pace.wait()
            call("iam:UntagUser", self.iam.untag_user, UserName=state.target.iam_user, TagKeys=list(plan.untag_user))
        if plan.tag_secret:
            self.settler.pace.wait()
            call(
                "secretsmanager:TagResource",
                self.secretsmanager.tag_resource,
                SecretId=arn,
                Tags=tag_list(plan.tag_secret),
            )
        if plan.untag_secret:
            self.settler.pace.wait()
            call(
                "secretsmanager:UntagResource",
                self.secretsmanager.untag_resource,
                SecretId=arn,
                TagKeys=list(plan.untag_secret),
            )
        if plan.rotate is not None:
            return self._attach(state, arn, plan.rotate)
        return []

    def _attach(self, state: State, arn: str, rules: Mapping[str, object]) -> list[str]:
        """Attach schedule and function; a rotation that failed earlier is got out of the way first.

        Returns:
            What was done beside it.
        """
        notes: list[str] = []
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
                return notes
            self.settler.waiting.tick(deadline, state.target, "an earlier rotation of it is not over")
            self.settler.settle(state.target, self.settler.described(state.target), deadline, notes)
