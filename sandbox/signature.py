# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Signature Version 4 of a received request, computed again with the secret that we keep."""

from __future__ import annotations

import hmac

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from .calls import Credential, Environ


def verified(environ: Environ, body: bytes, signed: Credential, secret: str) -> bool:
    """Whether the signature was made with this secret. The age of the request is not looked at: clocks jump here.

    Args:
        environ: the request as WSGI hands it over.
        body: its whole body.
        signed: what its Authorization header says.
        secret: the secret access key that belongs to signed.access_key_id.
    """
    target = environ.get("REQUEST_URI") or environ["PATH_INFO"]
    headers = HTTPHeaders()
    for name in signed.signed_headers:
        headers[name] = _header(environ, name)
    request = AWSRequest(
        method=environ["REQUEST_METHOD"], url=f"http://{_header(environ, 'host')}{target}", headers=headers, data=body
    )
    request.context["timestamp"] = _header(environ, "x-amz-date")
    kind = S3SigV4Auth if signed.service == "s3" else SigV4Auth
    signer = kind(Credentials(signed.access_key_id, secret), signed.service, signed.region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return hmac.compare_digest(signer.signature(text, request), signed.signature)


def _header(environ: Environ, name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))
