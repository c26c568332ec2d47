# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One HTTP request read as one AWS API call: which service, which operation, which parameters."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model
from werkzeug.exceptions import MethodNotAllowed, NotFound

Environ = dict[str, Any]

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,]+)/(?P<date>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, *"
    r"SignedHeaders=(?P<headers>[^,]+), *Signature=(?P<signature>[0-9a-f]{64})"
)
_MODELS = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
"""Signing names that are not the botocore name of their service. SES v2 shares the signing name of v1: see _model."""
_PREFIXES = {"monitoring": "cloudwatch", "tagging": "tag"}
"""Signing names that are not the prefix of their IAM actions."""
_MOVED = {("GET", "/v2/email/identities"): ("POST", "/v2/email/list-identities")}
"""Operations of SES v2 that have another address since botocore 1.43.105."""
_ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "lambda:InvokeAsync": "lambda:InvokeFunction",
    "lambda:InvokeWithResponseStream": "lambda:InvokeFunction",
    "s3:ListObjects": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:HeadObject": "s3:GetObject",
}
"""Operations whose IAM action has another name."""


class BadCall(Exception):
    """The request is no API call that AWS knows; its text says what is wrong."""


@dataclass(frozen=True)
class Credential:
    """What the Authorization header says."""

    access_key_id: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str


@dataclass(frozen=True)
class Call:
    """One API call as it arrived; params has the names of the API reference."""

    service: str
    """Prefix of its IAM actions: secretsmanager, iam, ses (both versions), cloudwatch, ..."""
    operation: str
    protocol: str
    """query, ec2, json, rest-json or rest-xml: the shape of the answer."""
    region: str
    params: dict[str, Any] = field(default_factory=dict)
    query_compatible: bool = False
    """A JSON service that also sends the error codes of its query past (SQS)."""

    @property
    def action(self) -> str:
        """The IAM action: secretsmanager:GetSecretValue, lambda:InvokeFunction."""
        name = f"{self.service}:{self.operation}"
        return _ACTIONS.get(name, name)

    @property
    def answers_xml(self) -> bool:
        """Whether errors are XML."""
        return self.protocol in ("query", "ec2", "rest-xml")


def read_body(environ: Environ) -> bytes:
    """Take the whole body out of the request; see rewind()."""
    stream = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        body = bytes(stream.read())
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["CONTENT_LENGTH"] = str(len(body))
        return body
    return bytes(stream.read(int(environ.get("CONTENT_LENGTH") or 0)))


def rewind(environ: Environ, body: bytes) -> Environ:
    """The same request, its body unread, for one more reader."""
    return {**environ, "wsgi.input": io.BytesIO(body)}


def moved(environ: Environ) -> Environ:
    """The same request at the address that the present API model has for it; older clients use the address before."""
    place = _MOVED.get((environ.get("REQUEST_METHOD", ""), environ.get("PATH_INFO", "")))
    if place is None:
        return environ
    method, path = place
    asked: dict[str, Any] = {name: values[-1] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    if str(asked.get("PageSize", "")).isdecimal():
        asked["PageSize"] = int(asked["PageSize"])
    body = json.dumps(asked).encode()
    spelt = {"REQUEST_METHOD": method, "PATH_INFO": path, "REQUEST_URI": path, "RAW_URI": path, "QUERY_STRING": ""}
    return rewind({**environ, **spelt, "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body))}, body)


def credential(environ: Environ) -> Credential | None:
    """Read the Authorization header.

    Returns:
        None for a request that is not signed with Signature Version 4 in that header.
    """
    match = _AUTHORIZATION.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
    if match is None:
        return None
    return Credential(
        match["key"], match["region"], match["service"], tuple(match["headers"].split(";")), match["signature"]
    )


def parse(environ: Environ, body: bytes, signed: Credential) -> Call:
    """Read one request.

    Raises:
        BadCall: the signing name is no service, or the request matches none of its operations.
    """
    environ = moved(rewind(environ, body))
    model_name = _model(signed.service, environ)
    request = Request(environ)
    body = request.get_data()
    try:
        model = get_service_model(model_name)
        protocol = determine_request_protocol(model, request.content_type)
        operation, uri_params = get_service_router(model_name).match(request)
    except (NotFound, MethodNotAllowed):
        raise BadCall(f"the request is no operation of {signed.service}") from None
    except Exception as error:  # botocore's own error for an unknown service is not public
        raise BadCall(f"{signed.service}: {error}") from None
    parser = PROTOCOL_PARSERS[protocol](operation, map_type=dict)
    try:
        params = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": body,
                "url_path": request.path,
                "url_params": uri_params,
            }
        )
    except Exception:  # whatever the parser stumbles over, the body is not what the API asks for
        raise BadCall(f"the body of {signed.service}:{operation.name} cannot be read") from None
    service = _PREFIXES.get(signed.service, signed.service)
    return Call(service, operation.name, protocol, signed.region, params or {}, model.is_query_compatible)


def protocol_of(environ: Environ) -> str:
    """The likely protocol of a request that could not be read, so that its error has a readable shape."""
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return "query"
    return "rest-json"


def _model(signing_name: str, environ: Environ) -> str:
    path = urlsplit(environ.get("REQUEST_URI") or environ.get("PATH_INFO", "/")).path
    if signing_name == "ses" and path.startswith("/v2/"):
        return "sesv2"
    return _MODELS.get(signing_name, signing_name)
