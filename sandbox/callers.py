# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Who makes a call: the administrator, an IAM user's access key, or a session of a role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.iam.models import AccessKeyLastUsed, IAMBackend, iam_backends
from moto.sts.models import STSBackend, sts_backends

from .answers import Refusal
from .calls import Call, Credential, Environ
from .signature import verified
from .world import ACCOUNT, ADMINISTRATOR, World

ROOT_ARN = f"arn:aws:iam::{ACCOUNT}:root"
_NEW_SECONDS = 600.0
"""How long a key counts as new for the knob key_flickers."""


@dataclass(frozen=True)
class Caller:
    """One resolved caller.

    Args:
        arn: as GetCallerIdentity gives it.
        principal_arn: as aws:PrincipalArn gives it: for a session the role's ARN.
        user_id: unique id, as aws:userid gives it.
        access_key_id: the key that signed.
        user_name: name of the IAM user; empty for a session and for the administrator.
        role_name: name of the role; empty for everyone else.
        session_policy: JSON that narrows a session, or None.
        tags: of the user or role.
    """

    arn: str
    principal_arn: str
    user_id: str
    access_key_id: str
    user_name: str = ""
    role_name: str = ""
    session_policy: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def administrator(self) -> bool:
        """Whether nothing is refused to this caller."""
        return self.arn == ROOT_ARN


def iam() -> IAMBackend:
    """moto's IAM of the one account."""
    return iam_backends[ACCOUNT]["aws"]


def sts() -> STSBackend:
    """moto's STS of the one account."""
    return sts_backends[ACCOUNT]["aws"]


class Callers:
    """Resolves access keys, with the eventual consistency that the knobs ask for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._flickers: dict[str, bool] = {}
        """New keys that have worked once: True while the one more refusal is still to come."""
        world.resets.append(self._flickers.clear)

    def resolve(self, environ: Environ, body: bytes, signed: Credential, call: Call) -> Caller:
        """Check the credentials of one request.

        Raises:
            Refusal: unknown, Inactive or too young key, wrong secret, wrong or expired session.
        """
        if signed.access_key_id == ADMINISTRATOR[0]:
            self._check_signature(environ, body, signed, ADMINISTRATOR[1], call)
            return Caller(ROOT_ARN, ROOT_ARN, ACCOUNT, signed.access_key_id)
        if environ.get("HTTP_X_AMZ_SECURITY_TOKEN"):
            return self._session(environ, body, signed, call)
        return self._user(environ, body, signed, call)

    def _user(self, environ: Environ, body: bytes, signed: Credential, call: Call) -> Caller:
        user, key = find_key(signed.access_key_id)
        if key is None or key.status != "Active" or self._too_young(key):
            raise invalid_token(call)
        self._check_signature(environ, body, signed, key.secret_access_key, call)
        if self._flickering(key):
            raise invalid_token(call)
        key.last_used = AccessKeyLastUsed(
            timestamp=self._world.clock.utcnow().replace(tzinfo=None), service=call.service, region=call.region
        )
        tags = iam().tagger.get_tag_dict_for_resource(user.arn)
        return Caller(user.arn, user.arn, user.id, signed.access_key_id, user_name=user.name, tags=tags)

    def _session(self, environ: Environ, body: bytes, signed: Credential, call: Call) -> Caller:
        session = next(
            (known for known in reversed(sts().assumed_roles) if known.access_key_id == signed.access_key_id), None
        )
        role = None
        if session is not None:
            role = next((known for known in iam().get_roles() if known.arn == session.role_arn), None)
        if session is None or role is None or environ["HTTP_X_AMZ_SECURITY_TOKEN"] != session.session_token:
            raise invalid_token(call)
        self._check_signature(environ, body, signed, session.secret_access_key, call)
        now = self._world.clock.utcnow().replace(tzinfo=None)
        if session.expiration <= now:
            code = "ExpiredToken" if call.answers_xml else "ExpiredTokenException"
            status = 403 if call.answers_xml else 400
            raise Refusal(code, "The security token included in the request is expired", status)
        role.last_used = now
        return Caller(
            session.arn,
            role.arn,
            session.user_id,
            signed.access_key_id,
            role_name=role.name,
            session_policy=session.policy,
            tags={tag["Key"]: tag["Value"] for tag in role.tags or []},
        )

    def _too_young(self, key: Any) -> bool:
        return self._age(key) < self._world.knobs.key_visible_after_seconds

    def _flickering(self, key: Any) -> bool:
        """Let a new key work, refuse it once, and let it work from then on."""
        if not self._world.knobs.key_flickers or self._age(key) > _NEW_SECONDS:
            return False
        worked_before = key.access_key_id in self._flickers
        refuse = self._flickers.get(key.access_key_id, False)
        self._flickers[key.access_key_id] = not worked_before
        return refuse

    def _age(self, key: Any) -> float:
        now = self._world.clock.utcnow().replace(tzinfo=None)
        return float((now - key.create_date).total_seconds())

    @staticmethod
    def _check_signature(environ: Environ, body: bytes, signed: Credential, secret: str, call: Call) -> None:
        if not verified(environ, body, signed, secret):
            raise Refusal(
                "SignatureDoesNotMatch" if call.answers_xml else "InvalidSignatureException",
                "The request signature we calculated does not match the signature you provided. "
                "Check your AWS Secret Access Key and signing method.",
                400 if call.protocol == "json" else 403,
            )


def find_key(access_key_id: str) -> tuple[Any, Any]:
    """The IAM user that owns a key, and the key; None and None for a key of nobody."""
    for user in list(iam().users.values()):
        for key in list(user.access_keys):
            if key.access_key_id == access_key_id:
                return user, key
    return None, None


def invalid_token(call: Call) -> Refusal:
    """What AWS says to a key that it does not know (any more, or yet)."""
    return Refusal(
        "InvalidClientTokenId" if call.answers_xml else "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        400 if call.protocol == "json" else 403,
    )
