# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""SES: both versions keep what was sent, and refuse unverified senders when told to."""

from __future__ import annotations

from typing import Any

import pytest

SENDER = "Alerts <alerts@acme.example>"
TO = {"ToAddresses": ["a@acme.example"], "CcAddresses": ["b@acme.example"]}
RAW = b"""From: alerts@acme.example
To: a@acme.example
Subject: hello
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="x"

--x
Content-Type: text/plain; charset=utf-8

plain
--x
Content-Type: text/html; charset=utf-8

<p>rich</p>
--x--
"""


def send(aws: Any, version: str, **body: str) -> Any:
    parts = {kind: {"Data": data} for kind, data in body.items()}
    if version == "ses":
        message = {"Subject": {"Data": "hello"}, "Body": parts}
        return aws.client("ses").send_email(Source=SENDER, Destination=TO, Message=message)
    content = {"Simple": {"Subject": {"Data": "hello"}, "Body": parts}}
    return aws.client("sesv2").send_email(FromEmailAddress=SENDER, Destination=TO, Content=content)


@pytest.mark.parametrize("version", ["ses", "sesv2"])
@pytest.mark.parametrize(
    ("body", "text", "html"),
    [
        ({"Text": "plain"}, "plain", None),
        ({"Html": "<p>rich</p>"}, "<p>rich</p>", "<p>rich</p>"),
        ({"Text": "plain", "Html": "<p>rich</p>"}, "plain", "<p>rich</p>"),
    ],
)
def test_both_parts_are_kept(aws: Any, version: str, body: dict[str, str], text: str, html: str | None) -> None:
    aws.control("POST", "clock", {"advance_seconds": 1000})
    assert send(aws, version, **body)["MessageId"]
    (mail,) = aws.control("GET", "mail")[1]
    assert mail["from"] == SENDER
    assert mail["to"] == ["a@acme.example", "b@acme.example"]
    assert (mail["subject"], mail["body"], mail["html"]) == ("hello", text, html)
    assert abs(mail["time"] - aws.world.clock.now()) < 60


@pytest.mark.parametrize("version", ["ses", "sesv2"])
def test_raw_mail(aws: Any, version: str) -> None:
    if version == "ses":
        aws.client("ses").send_raw_email(Source=SENDER, Destinations=["a@acme.example"], RawMessage={"Data": RAW})
    else:
        aws.client("sesv2").send_email(Content={"Raw": {"Data": RAW}}, FromEmailAddress=SENDER)
    (mail,) = aws.control("GET", "mail")[1]
    assert (mail["subject"], mail["body"].strip(), mail["html"].strip()) == ("hello", "plain", "<p>rich</p>")
    assert mail["to"] == ["a@acme.example"]


@pytest.mark.parametrize("version", ["ses", "sesv2"])
@pytest.mark.parametrize("identity", ["alerts@acme.example", "acme.example"])
def test_unverified_senders_are_refused(aws: Any, refused: Any, version: str, identity: str) -> None:
    aws.control("POST", "knobs", {"ses_verified": False})
    aws.client("sesv2").create_email_identity(EmailIdentity=identity)
    error = refused(send, aws=aws, version=version, Text="t")
    assert error.response["Error"]["Code"] == "MessageRejected"
    assert "Email address is not verified" in error.response["Error"]["Message"]
    assert aws.control("GET", "mail")[1] == []
    assert aws.control("POST", "verify", {"identity": identity})[0] == 200
    send(aws, version, Text="t")
    assert len(aws.control("GET", "mail")[1]) == 1


def test_verification_status(aws: Any) -> None:
    ses = aws.client("ses")
    aws.control("POST", "knobs", {"ses_verified": False})
    ses.verify_email_identity(EmailAddress="alerts@acme.example")

    def status() -> tuple[str, bool]:
        name = "alerts@acme.example"
        first = ses.get_identity_verification_attributes(Identities=[name])["VerificationAttributes"]
        second = aws.client("sesv2").get_email_identity(EmailIdentity=name)
        return first[name]["VerificationStatus"], second["VerifiedForSendingStatus"]

    assert status() == ("Pending", False)
    aws.control("POST", "verify", {"identity": "alerts@acme.example"})
    assert status() == ("Success", True)


def test_a_fault_loses_the_mail_or_only_the_answer(aws: Any, refused: Any) -> None:
    for when, kept in (("before", 0), ("after", 1)):
        wish = {"service": "sesv2", "action": "SendEmail", "kind": "throttle", "when": when}
        assert aws.control("POST", "faults", wish)[0] == 200
        error = refused(send, aws=aws, version="sesv2", Text="t")
        assert error.response["Error"]["Code"] == "TooManyRequestsException"
        assert len(aws.control("GET", "mail")[1]) == kept
