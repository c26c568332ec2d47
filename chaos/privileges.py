# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Takes each right of the deployed roles away, one at a time, and shows what fails: python -m chaos.privileges.

Each statement, each action of it, each Deny and each Condition. The thinner policy is put on the role in the embedded
AWS, and the real function works under it. A right whose absence nothing notices is superfluous, and fails the command.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .between_marks import put
from .embedded_lab import REGION, Lab, open_lab
from .privileges_cases import SECONDS, Cases
from .privileges_probes import FUNCTION, NOOP, RETIREMENT, TRUSTS, Probe, Session, probes, trust_without

POLICY = "key-rotation"
ROLES = {FUNCTION: "iam_access_key", NOOP: "noop", RETIREMENT: "iam_access_key"}
"""Each role, without its Region, and the strategy of the function whose work shows its rights."""
ROTATIONS = ("a rotation", "a late retry")
Document = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One right that was taken away.

    Attributes:
        without: what fails then, or becomes possible; empty: nothing, so it is superfluous.
    """

    role: str
    taken_away: str
    without: str


class LabError(Exception):
    """With all rights something fails already: nothing can be shown."""


def actions_of(statement: Document) -> list[str]:
    """A statement's actions as a list."""
    actions = statement["Action"]
    return [actions] if isinstance(actions, str) else list(actions)


def thinner(document: Document) -> Iterator[tuple[str, Document]]:
    """Each removal of a right: its name and what is left.

    A statement with a single action is taken away once: without the action it would be no statement. A Deny is no
    right; but without its limits (Condition, NotResource) it refuses everybody.
    """
    for number, statement in enumerate(document["Statement"]):
        actions = actions_of(statement)
        if statement["Effect"] == "Deny":
            for limit in ("Condition", "NotResource"):
                wider = copy.deepcopy(document)
                if wider["Statement"][number].pop(limit, None):
                    if limit == "NotResource":
                        wider["Statement"][number]["Resource"] = "*"
                    yield f"{statement['Sid']}: its {limit}", wider
            continue
        rest = copy.deepcopy(document)
        del rest["Statement"][number]
        yield (statement["Sid"] if len(actions) > 1 else f"{statement['Sid']}: {actions[0]}"), rest
        for action in actions if len(actions) > 1 else ():
            rest = copy.deepcopy(document)
            rest["Statement"][number]["Action"] = [other for other in actions if other != action]
            yield f"{statement['Sid']}: {action}", rest


def opened(document: Document, probe: Probe) -> Document:
    """A policy without what a probe takes away.

    Raises:
        KeyError: it is not there.
    """
    rest = copy.deepcopy(document)
    statement = next(one for one in rest["Statement"] if one["Sid"] == probe.sid)
    if probe.part == "Deny":
        rest["Statement"].remove(statement)
    elif probe.part == "Resource":
        statement["Resource"] = "*"
    else:
        operator = next(name for name, keys in statement["Condition"].items() if probe.part in keys)
        del statement["Condition"][operator][probe.part]
        statement["Condition"] = {name: keys for name, keys in statement["Condition"].items() if keys}
    return rest


def unprobed(document: Document, covered: list[Probe]) -> list[str]:
    """Every Deny and Condition of a policy that no probe is about."""
    known = {(probe.sid, probe.part) for probe in covered}
    parts = []
    for statement in document["Statement"]:
        if statement["Effect"] == "Deny":
            parts.append((statement["Sid"], "Deny"))
        else:
            parts += [(statement["Sid"], key) for keys in statement.get("Condition", {}).values() for key in keys]
    return [f"{sid}: {part}" for sid, part in parts if (sid, part) not in known]


def in_short(found: list[tuple[str, str]]) -> list[str]:
    """What fails, for a person: each case and its problem, in one where every rotation fails.

    Args:
        found: each case with its problem, which is empty where all went well.
    """
    failed = [(name, problem) for name, problem in found if problem]
    rotations = [name for name, _ in found if name in ROTATIONS or name.startswith("slot: ")]
    if len(rotations) > 1 and set(rotations) <= {name for name, _ in failed}:
        failed = [
            ("every rotation", dict(failed)[rotations[0]]),
            *(item for item in failed if item[0] not in rotations),
        ]
    return [f"{name} ({problem})" for name, problem in failed]


class Trial:
    """Takes rights away in one lab.

    Args:
        lab: with everything deployed.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        lab.world.set_knobs({"rotation_retry_seconds": []})
        self._full = {role: self._policy(role) for role in ROLES}
        self._queues = {role: self._queue(role) for role in ROLES}

    def _policy(self, role: str) -> Document:
        found = self._lab.iam.get_role_policy(RoleName=f"{role}-{REGION}", PolicyName=POLICY)["PolicyDocument"]
        return dict(found)

    def _put(self, role: str, document: Document, name: str = POLICY) -> None:
        """Give a role a policy; one without statements is none."""
        if not document["Statement"]:
            self._lab.iam.delete_role_policy(RoleName=f"{role}-{REGION}", PolicyName=name)
            return
        self._lab.iam.put_role_policy(RoleName=f"{role}-{REGION}", PolicyName=name, PolicyDocument=json.dumps(document))

    def _queue(self, role: str) -> str:
        """Make the role's dead-letter queue if its policy names one, and give it to a function whose own role it is."""
        for statement in self._full[role]["Statement"]:
            if actions_of(statement) == ["sqs:SendMessage"]:
                arn = str(statement["Resource"])
                self._lab.client("sqs").create_queue(QueueName=arn.rsplit(":", 1)[-1])
                functions = self._lab.client("lambda")
                if role != RETIREMENT:
                    functions.get_waiter("function_active_v2").wait(FunctionName=role)
                    functions.update_function_configuration(FunctionName=role, DeadLetterConfig={"TargetArn": arn})
                    functions.get_waiter("function_updated_v2").wait(FunctionName=role)
                return arn
        return ""

    def removals(self) -> Iterator[Row]:
        """Each right of each role.

        Raises:
            LabError: something fails with all rights.
        """
        for role, strategy in ROLES.items():
            full = self._full[role]
            cases = Cases(self._lab, strategy, self._queues[role])
            whole = self._failures(cases, role, full)
            if whole:
                raise LabError(f"{role} with all its rights: {'; '.join(whole)}")
            for name, document in thinner(full):
                yield Row(role, name, "; ".join(self._failures(cases, role, document)))

    def _failures(self, cases: Cases, role: str, document: Document) -> list[str]:
        """What does not come about under a policy."""
        with cases.made() as made:
            self._put(role, document)
            try:
                for case in made:
                    case.start()
                self._lab.world.clock.advance(SECONDS)
            finally:
                self._put(role, self._full[role])
            found = [(case.name, case.problem()) for case in made]
        return in_short(found)

    def guards(self) -> Iterator[Row]:
        """Each Deny, Condition and narrow Resource.

        Raises:
            LabError: a call goes through although nothing was taken away; or nobody tries what a guard forbids.
        """
        every = probes(self._lab)
        for role in ROLES:
            own = [probe for probe in every if probe.role == role]
            missing = unprobed(self._full[role], own)
            if missing:
                raise LabError(f"{role}: no probe tries what these forbid: {', '.join(missing)}")
            for probe in own:
                yield self._probed(probe)
        for role, key, context, possible in TRUSTS:
            before, after = trust_without(self._lab, f"{role}-{REGION}", key, context)
            if before:
                raise LabError(f"the trust policy of {role} lets in {context}")
            yield Row(role, f"trust policy: {key}", f"possible: {possible}" if after else "")

    def _probed(self, probe: Probe) -> Row:
        name = f"{probe.sid}: {'the Deny' if probe.part == 'Deny' else probe.part}"
        session = Session(self._lab, f"{probe.role}-{REGION}")
        careless = {"Effect": "Allow", "Action": probe.opened or "none:None", "Resource": "*"}
        self._put(probe.role, {"Version": "2012-10-17", "Statement": [careless]}, "careless")
        try:
            if session.may(probe.act):
                raise LabError(f"{probe.role}: nothing keeps this from happening: {probe.possible}")
            self._put(probe.role, opened(self._full[probe.role], probe))
            return Row(probe.role, name, f"possible: {probe.possible}" if session.may(probe.act) else "")
        finally:
            self._put(probe.role, self._full[probe.role])
            self._lab.iam.delete_role_policy(RoleName=f"{probe.role}-{REGION}", PolicyName="careless")


def table(rows: list[Row]) -> str:
    """As Markdown."""
    lines = ["| role | taken away | what fails, or becomes possible, without it |", "|---|---|---|"]
    lines += [f"| {row.role} | {row.taken_away} | {row.without or '**nothing: superfluous**'} |" for row in rows]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Take everything away in turn; 1 when something is superfluous, 2 when nothing can be shown."""
    parser = argparse.ArgumentParser(prog="python -m chaos.privileges", description=__doc__)
    parser.add_argument("--docs", type=Path, help="put the table between the marks of this Markdown file, too")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        with open_lab() as lab:
            trial = Trial(lab)
            rows = [*trial.removals(), *trial.guards()]
    except LabError as problem:
        print(f"nothing can be shown: {problem}", file=sys.stderr)
        return 2
    print(table(rows))
    if options.docs:
        put(options.docs, "privileges", table(rows))
    superfluous = [row for row in rows if not row.without]
    took = time.monotonic() - began
    print(f"\n{len(rows)} rights and guards taken away in {took:.0f} s: {len(superfluous)} superfluous")
    return 1 if superfluous else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
