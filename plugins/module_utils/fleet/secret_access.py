# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The one statement of a secret's resource policy that is ours: everybody is denied but those whom it names. Pure.

Source: Secrets Manager API Reference, PutResourcePolicy; the form is the one that Prowler's check
secretsmanager_has_restrictive_resource_policy asks for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import StateError
from .state import Target

SID = "KeyRotationOnlyNamedPrincipals"
MOST_CHARACTERS = 20_480
PRINCIPAL = r"arn:aws[a-z-]*:iam::[0-9]{12}:(?:role|user)/(?:[A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}"
"""An exact role or user. No $ either: a condition's value may hold policy variables."""
PRINCIPAL_MEND = (
    "list exact ARNs of IAM roles and users, path included, such as arn:aws:iam::123456789012:role/team/reader; "
    "no wildcard, no assumed-role session, no root"
)

Document = dict[str, Any]


@dataclass(frozen=True)
class AccessPlan:
    """What one secret's resource policy needs. No changes: nothing.

    Attributes:
        policy: the document to put; None beside changes: there is nothing left in it, so it goes.
        before, after: the whole policy, only where it differs.
    """

    changes: tuple[str, ...] = ()
    policy: str | None = None
    before: Mapping[str, object] | None = None
    after: Mapping[str, object] | None = None


def statement_of(target: Target, execution_role: str) -> Document:
    """Our statement: whoever is not named is denied everything, whatever another policy allows.

    Args:
        execution_role: ARN of the role of the function that rotates the secret.

    Raises:
        StateError: something else than an exact role or user would be named.
    """
    named = sorted({execution_role, *target.secret_readers, *target.secret_administrators})
    for arn in named:
        if not re.fullmatch(PRINCIPAL, arn):
            raise StateError(f"{arn!r} cannot be named for secret {target.secret_name}; {PRINCIPAL_MEND}")
    return {
        "Sid": SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "secretsmanager:*",
        "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalArn": named}},
    }


def plan_restricted(target: Target, stored: str | None, execution_role: str, caller: str) -> AccessPlan:
    """Say what must change so that only the named principals reach the secret. Statements of others stay.

    Args:
        stored: the resource policy as it is; None: there is none.
        execution_role: ARN of the role of the function that rotates the secret.
        caller: ARN of the role or user that would write the policy, as aws:PrincipalArn gives it.

    Raises:
        StateError: the caller would lock itself out, the policy would get too long, or the stored one is unreadable.
    """
    ours = statement_of(target, execution_role)
    if caller not in ours["Condition"]["StringNotEquals"]["aws:PrincipalArn"]:
        named = ", ".join(sorted(target.secret_administrators)) or "nobody yet"
        raise StateError(
            f"{caller} runs this and is not among those who may reach secret {target.secret_name}: it would lock "
            f"itself out; add it to secret_administrators in the group of the account, or run as one of them ({named})"
        )
    document = _parsed(target, stored)
    if difference(target, stored, execution_role) is None:
        return AccessPlan()
    found = _ours(document)
    after = {**document, "Statement": [*_others(document), ours]}
    text = json.dumps(after, separators=(",", ":"))
    if len(text) > MOST_CHARACTERS:
        raise StateError(
            f"the resource policy of {target.secret_name} would have {len(text)} characters, Secrets Manager takes "
            f"{MOST_CHARACTERS}; name fewer ARNs in secret_readers and secret_administrators: one role for many"
        )
    count = len(ours["Condition"]["StringNotEquals"]["aws:PrincipalArn"])
    verb = "change whom the secret is open to" if found else "close the secret to everybody"
    return AccessPlan((f"{verb}: {count} named principals",), text, _shown(stored, document), after)


def plan_open(target: Target, stored: str | None) -> AccessPlan:
    """Say what must change so that our statement is gone. Statements of others stay.

    Raises:
        StateError: the stored policy is unreadable.
    """
    document = _parsed(target, stored)
    if not _ours(document):
        return AccessPlan()
    others = _others(document)
    after = {**document, "Statement": others} if others else None
    text = json.dumps(after, separators=(",", ":")) if after else None
    change = "take the list of named principals off the secret"
    return AccessPlan((change,), text, _shown(stored, document), after)


def difference(target: Target, stored: str | None, execution_role: str) -> str | None:
    """What an audit says of the policy of a secret that should be closed; None: it is as it should be.

    Raises:
        StateError: the stored policy is unreadable, or a name is none.
    """
    wanted = statement_of(target, execution_role)
    found = _ours(_parsed(target, stored))
    if not found:
        return (
            f"{target.secret_name} is open to whomever a policy of their own allows: its list of principals is missing"
        )
    if len(found) == 1 and _canonical(found[0]) == _canonical(wanted):
        return None
    return f"whom {target.secret_name} is open to is not what the inventory says"


def _parsed(target: Target, stored: str | None) -> Document:
    """The stored policy as a document whose Statement is a list.

    Raises:
        StateError: it has another shape.
    """
    if stored is None:
        return {"Version": "2012-10-17", "Statement": []}
    try:
        document = json.loads(stored)
    except ValueError:
        document = None
    statements = document.get("Statement") if isinstance(document, dict) else None
    listed = [statements] if isinstance(statements, dict) else statements
    if not isinstance(listed, list) or not all(isinstance(item, dict) for item in listed):
        raise StateError(
            f"the resource policy of {target.secret_name} is not one that can be read (no list of statements); nothing "
            "of it was changed: mend it by hand, or delete it (aws secretsmanager delete-resource-policy)"
        )
    return {**document, "Statement": listed}


def _ours(document: Document) -> list[Document]:
    return [item for item in document["Statement"] if item.get("Sid") == SID]


def _others(document: Document) -> list[Document]:
    return [item for item in document["Statement"] if item.get("Sid") != SID]


def _shown(stored: str | None, document: Document) -> Document | None:
    return document if stored is not None else None


def _canonical(value: object) -> object:
    """A statement without the freedoms of its writing: one thing or a list of one, the order of a list, "*" as AWS."""
    if isinstance(value, Mapping):
        if value == {"AWS": "*"}:
            return ["*"]
        return {name: _canonical(item) for name, item in value.items()}
    items: Iterable[object] = value if isinstance(value, list) else [value]
    return sorted({str(item) for item in items})
