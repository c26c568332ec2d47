# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""SES v1 and v2: who may send, and what was sent."""

from __future__ import annotations

import email
from email.message import Message
from email.utils import getaddresses, parseaddr
from typing import Any

from moto.ses.models import EmailIdentity, SESBackend, ses_backends

from .answers import Refusal
from .callers import Caller
from .calls import Call
from .patching import replace
from .world import ACCOUNT, World

_SENDS = frozenset({"ses:SendEmail", "ses:SendRawEmail"})


class Verification:
    """Which identities have answered their verification mail."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._confirmed: set[str] = set()
        world.resets.append(self._confirmed.clear)

    def confirm(self, identity: str) -> None:
        """Count an address or a domain as verified from now on."""
        self._confirmed.add(identity.lower())

    def verified(self, address: str) -> bool:
        """Whether mail may be sent from this address: all of them, or it or its domain has confirmed."""
        address = parseaddr(address)[1].lower()
        known = address in self._confirmed or address.rpartition("@")[2] in self._confirmed
        return self._world.knobs.ses_verified or known


def install(world: World) -> None:
    """Refuse mail from unverified senders, and keep every mail sent in world.mail."""
    verification = Verification(world)
    world.verify_identity = verification.confirm

    def check(call: Call, _: Caller) -> None:
        if call.service == "ses" and call.operation in ("GetEmailIdentity", "ListEmailIdentities"):
            for identity in ses_backends[ACCOUNT][call.region].email_identities.values():
                verified = verification.verified(identity.email_identity)
                identity.verified_for_sending_status = verified
                identity.verification_status = "SUCCESS" if verified else "PENDING"
        if call.action in _SENDS:
            sender = parseaddr(_read(call)["from"])[1]
            if not verification.verified(sender):
                raise Refusal(
                    "MessageRejected",
                    "Email address is not verified. The following identities failed the check in region "
                    f"{call.region.upper()}: {sender}",
                    400,
                )

    def watch(call: Call, _: Caller) -> None:
        if call.action in _SENDS:
            world.mail.append({"time": world.clock.now(), "region": call.region, **_read(call)})

    world.checks.append(check)
    world.watchers.append(watch)
    # The check above has decided already; moto's own counts every identity that exists as verified.
    replace(SESBackend, "_is_verified_address", lambda _, source: True)
    replace(SESBackend, "get_identity_verification_attributes", _attributes(verification))


def _attributes(verification: Verification) -> Any:
    def get_identity_verification_attributes(
        backend: SESBackend, identities: list[str] | None = None
    ) -> dict[str, dict[str, str]]:
        known: dict[str, EmailIdentity] = backend.email_identities
        return {
            name: {"VerificationStatus": "Success" if verification.verified(name) else "Pending"}
            for name in identities or []
            if name in known
        }

    return get_identity_verification_attributes


def _read(call: Call) -> dict[str, Any]:
    """One mail as tests read it: from, to, subject, body (text, else HTML), html."""
    params = call.params
    content = params.get("Content") or {}
    raw = (params.get("RawMessage") or content.get("Raw") or {}).get("Data")
    destination = params.get("Destination") or {}
    listed = [
        address for name in ("ToAddresses", "CcAddresses", "BccAddresses") for address in destination.get(name) or []
    ] + list(params.get("Destinations") or [])
    sender = str(params.get("FromEmailAddress") or params.get("Source") or "")
    if raw is not None:
        return _raw(raw, sender, listed)
    message = params.get("Message") or content.get("Simple") or {}
    body = message.get("Body") or {}
    text, html = ((body.get(kind) or {}).get("Data") for kind in ("Text", "Html"))
    return {
        "from": sender,
        "to": listed,
        "subject": (message.get("Subject") or {}).get("Data", ""),
        "body": text if text is not None else html or "",
        "html": html,
    }


def _raw(data: bytes | str, sender: str, listed: list[str]) -> dict[str, Any]:
    message: Message = email.message_from_bytes(data) if isinstance(data, bytes) else email.message_from_string(data)
    parts: dict[str, str] = {}
    for part in message.walk():
        payload = part.get_payload(decode=True)
        if isinstance(payload, bytes):
            parts.setdefault(part.get_content_type(), payload.decode(part.get_content_charset() or "utf-8", "replace"))
    named = [address for _, address in getaddresses(message.get_all("to", []) + message.get_all("cc", []))]
    return {
        "from": sender or str(message.get("from", "")),
        "to": listed or named,
        "subject": str(message.get("subject", "")),
        "body": parts.get("text/plain", parts.get("text/html", "")),
        "html": parts.get("text/html"),
    }
