# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Mails to the team. They never decide a rotation: a mail that fails is logged and counted."""

from __future__ import annotations

from . import gateway
from .document import Document
from .errors import AwsError
from .runtime import Invocation
from .settings import Settings, is_plain_address


def tell(invocation: Invocation, settings: Settings, document: Document, subject: str, lines: list[str]) -> None:
    """Send one mail to the secret's address, if there is one, and a sender.

    Args:
        settings: its notify_email (from the tag) wins over the document's.
        lines: the body; names, ids and times only.
    """
    address = settings.notify_email or document.notify_email
    if not settings.notify_from or address is None:
        return
    if not is_plain_address(address):
        invocation.telemetry.count("MailFailed", error="NOTIFY_EMAIL is not one plain address")
        return
    try:
        gateway.send_mail(
            invocation.runtime.clients.ses(), settings.notify_from, address, subject, "\n".join([*lines, ""])
        )
    except Exception as problem:  # whatever it is, the rotation goes on
        error = str(problem) if isinstance(problem, AwsError) else type(problem).__name__
        invocation.telemetry.count("MailFailed", error=error)
    else:
        invocation.telemetry.count("MailSent")
