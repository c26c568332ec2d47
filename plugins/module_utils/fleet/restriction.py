# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Applies plans for resource policies, and knows who is calling: nobody locks himself out. Never reads a value."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .aws import CallError, Client, call, call_or_none
from .batch import Pace
from .batch_result import Entry, work_all
from .errors import FleetError, StateError
from .secret_access import PRINCIPAL, AccessPlan, plan_open, plan_restricted
from .state import Target

_NO_SECRET = ("ResourceNotFoundException",)
_PUBLIC = "PublicPolicyException"
_SESSION = r"arn:[a-z-]+:sts::[0-9]{12}:assumed-role/([^/]+)/.+"


def calling_principal(sts: Client, iam: Client) -> str:
    """The caller's role or user, as aws:PrincipalArn gives it to policies.

    The ARN of a session lacks the path of its role, so the role is asked for.

    Raises:
        StateError: it is neither (root, a federated user), or its role cannot be read.
        CallError: AWS does not say who is calling.
    """
    arn = str(call("sts:GetCallerIdentity", sts.get_caller_identity)["Arn"])
    session = re.fullmatch(_SESSION, arn)
    if session is None:
        if not re.fullmatch(PRINCIPAL, arn):
            raise StateError(
                f"{arn} runs this, which is neither a role nor a user, and no list may name it: it would lock itself "
                "out; run as a role or user that secret_administrators names"
            )
        return arn
    try:
        return str(call("iam:GetRole", iam.get_role, RoleName=session[1])["Role"]["Arn"])
    except CallError as error:
        raise StateError(
            f"{arn} runs this, and the path of its role is not known ({error}), so it might lock itself out; allow it "
            "iam:GetRole on its own role"
        ) from None


@dataclass(frozen=True)
class Restriction:
    """Brings the resource policies of secrets to what their service accounts ask for.

    Attributes:
        sts, iam: asked once who is calling, and only where something is to be closed.
        pace: spaces reads and writes: Secrets Manager counts both calls on resource policies together.
        execution_roles: strategy -> ARN of the role of its function.
        check_mode: plan only.
    """

    secretsmanager: Client
    sts: Client
    iam: Client
    pace: Pace
    execution_roles: Mapping[str, str]
    check_mode: bool = False

    def run(self, targets: Sequence[Target]) -> list[Entry]:
        """One entry for each target, in order; none stops another. One that asks for nothing is not touched."""
        caller: str | FleetError = ""
        if any(target.restrict_secret_access for target in targets):
            try:
                caller = calling_principal(self.sts, self.iam)
            except FleetError as error:
                caller = error
        return work_all(lambda target, _: self._bring_about(target, caller), targets)

    def _bring_about(self, target: Target, caller: str | FleetError) -> Entry:
        if target.restrict_secret_access is None:
            return Entry(target.name)
        plan = self._plan(target, caller)
        if plan.changes and not self.check_mode:
            self._apply(target, plan)
        return Entry(
            target.name,
            changed=bool(plan.changes),
            changes=plan.changes,
            before={"resource_policy": plan.before} if plan.changes else {},
            after={"resource_policy": plan.after} if plan.changes else {},
        )

    def _plan(self, target: Target, caller: str | FleetError) -> AccessPlan:
        if not target.restrict_secret_access:
            return plan_open(target, self._stored(target))
        if isinstance(caller, FleetError):
            raise caller
        strategy = target.rotation_strategy
        if strategy not in self.execution_roles:
            raise StateError(f"no role is given for strategy {strategy}; name it in option execution_roles")
        return plan_restricted(target, self._stored(target), self.execution_roles[strategy], caller)

    def _stored(self, target: Target) -> str | None:
        self.pace.wait()
        answer = call_or_none(
            "secretsmanager:GetResourcePolicy",
            self.secretsmanager.get_resource_policy,
            _NO_SECRET,
            SecretId=target.secret_name,
        )
        if answer is None:
            raise StateError(
                f"secret {target.secret_name} does not exist in this account and Region; store it first, "
                "or mend secret_name or aws_region"
            )
        return answer.get("ResourcePolicy") or None

    def _apply(self, target: Target, plan: AccessPlan) -> None:
        self.pace.wait()
        if plan.policy is None:
            call(
                "secretsmanager:DeleteResourcePolicy",
                self.secretsmanager.delete_resource_policy,
                SecretId=target.secret_name,
            )
            return
        try:
            call(
                "secretsmanager:PutResourcePolicy",
                self.secretsmanager.put_resource_policy,
                SecretId=target.secret_name,
                ResourcePolicy=plan.policy,
                BlockPublicPolicy=True,
            )
        except CallError as error:
            if error.code != _PUBLIC:
                raise
            raise StateError(
                f"other statements in the resource policy of {target.secret_name} open it to the public, so AWS "
                "refused it (BlockPublicPolicy) and nothing was changed; take them away or narrow them first"
            ) from None
