# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Errors in the shape that each AWS protocol gives them, so that boto3 reads code and message."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass
from xml.sax.saxutils import escape

_XML_CODE = re.compile(r"<Code>([^<]+)</Code>")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def error_code(self) -> str | None:
        """The AWS error code that the answer carries; None for a success."""
        if self.status < 400:
            return None
        for name, value in self.headers:
            if name.lower() == "x-amzn-errortype":
                return value.split(":")[0]
        text = self.body.decode(errors="replace")
        match = _XML_CODE.search(text)
        if match is not None:
            return match[1]
        try:
            document = json.loads(text)
        except ValueError:
            document = None
        code = (document.get("__type") or document.get("code")) if isinstance(document, dict) else None
        return str(code).split("#")[-1] if code else str(self.status)


class Refusal(Exception):
    """An AWS error before it has a shape.

    Args:
        code: as the API reference names it, e.g. AccessDenied.
        message: the sentence that the client shows.
        status: of the HTTP answer.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def render(refusal: Refusal, protocol: str, query_compatible: bool = False) -> Answer:
    """Give an error the shape of its protocol (query, ec2, rest-xml, json or rest-json)."""
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-RequestId": request_id}
    if protocol in ("query", "ec2", "rest-xml"):
        headers["Content-Type"] = "text/xml"
        error = f"<Code>{escape(refusal.code)}</Code><Message>{escape(refusal.message)}</Message>"
        if protocol == "ec2":
            text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        else:
            kind = "Sender" if refusal.status < 500 else "Receiver"
            text = (
                f"<ErrorResponse><Error><Type>{kind}</Type>{error}</Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
    else:
        headers["Content-Type"] = "application/x-amz-json-1.1" if protocol == "json" else "application/json"
        headers["x-amzn-ErrorType"] = refusal.code
        if query_compatible:
            headers["x-amzn-query-error"] = f"{refusal.code};Sender"
        text = json.dumps({"__type": refusal.code, "message": refusal.message})
    body = text.encode()
    headers["Content-Length"] = str(len(body))
    return Answer(refusal.status, tuple(headers.items()), body)
