# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What Secrets Manager refuses before it looks at any secret: names, sizes, tags, tokens, pages."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .errors import refusal

MAX_VALUE_BYTES = 65_536
MAX_TAGS = 50
MAX_POLICY_CHARACTERS = 20_480
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_PAGE = re.compile(r"page-(\d+)")


def check_name(name: str) -> None:
    """Refuse a name with characters that no secret may have."""
    if not _NAME.fullmatch(name):
        raise refusal(
            "InvalidParameterException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )


def check_token(token: str) -> None:
    """Refuse a ClientRequestToken of another length than 32 to 64."""
    if not 32 <= len(token) <= 64:
        raise refusal("InvalidParameterException", "ClientRequestToken must be 32-64 characters long.")


def check_tags(tags: Sequence[Mapping[str, str]], held: int = 0) -> None:
    """Refuse tags that AWS refuses.

    Args:
        tags: Key and Value each.
        held: how many tags with other keys the secret has already.
    """
    keys = [tag["Key"] for tag in tags]
    if len(set(keys)) != len(keys):
        raise refusal("InvalidParameterException", "Duplicate tag keys are not allowed.")
    if len(keys) + held > MAX_TAGS:
        raise refusal("InvalidParameterException", f"A secret can have at most {MAX_TAGS} tags.")
    for tag in tags:
        if not 1 <= len(tag["Key"]) <= 128 or len(tag.get("Value", "")) > 256:
            raise refusal("InvalidParameterException", "A tag key has 1-128 characters, its value at most 256.")
        if tag["Key"].lower().startswith("aws:"):
            raise refusal("InvalidParameterException", "Tag keys that begin with aws: belong to AWS.")


def read_value(params: Mapping[str, Any], required: bool = False) -> dict[str, str]:
    """The value of a call as a version keeps it: secret_string, or secret_binary in base64, or nothing."""
    value = {}
    if params.get("SecretString"):
        value["secret_string"] = str(params["SecretString"])
    if params.get("SecretBinary"):
        value["secret_binary"] = str(params["SecretBinary"])
    if len(value) > 1:
        raise refusal("InvalidParameterException", "You can't specify both a binary and a text value in one secret.")
    if required and not value:
        raise refusal("InvalidRequestException", "You must provide either SecretString or SecretBinary.")
    size = len(value.get("secret_string", "").encode()) + len(value.get("secret_binary", "")) // 4 * 3
    if size > MAX_VALUE_BYTES:
        raise refusal("InvalidParameterException", f"The secret value is longer than {MAX_VALUE_BYTES} bytes.")
    return value


def check_resource_policy(text: str, block_public: bool) -> None:
    """Refuse a policy that is none, or too long, or, where that is asked for, one that opens the secret to everybody.

    AWS decides what is public by reasoning (Zelkova); here it is an Allow for everybody without any Condition.
    """
    if len(text) > MAX_POLICY_CHARACTERS:
        raise refusal("InvalidParameterException", f"The policy is longer than {MAX_POLICY_CHARACTERS} characters.")
    try:
        found = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError):
        found = None
    statements = found if isinstance(found, list) else [found]
    if not found or not all(isinstance(statement, dict) for statement in statements):
        raise refusal("MalformedPolicyDocumentException", "This resource policy is not a valid policy document.")
    for statement in statements:
        everybody = statement.get("Principal") in ("*", {"AWS": "*"}, {"AWS": ["*"]})
        if block_public and everybody and statement.get("Effect") == "Allow" and not statement.get("Condition"):
            raise refusal("PublicPolicyException", "The resource policy grants broad access to the secret.")


def page(items: list[Any], params: Mapping[str, Any], most: int) -> tuple[list[Any], dict[str, str]]:
    """One page of a list, and the NextToken entry when there is more.

    Args:
        items: all of them.
        params: MaxResults and NextToken of the call.
        most: the greatest MaxResults, also the default.
    """
    size = params.get("MaxResults", most)
    if not 1 <= size <= most:
        raise refusal("InvalidParameterException", f"MaxResults must be from 1 to {most}, not {size}.")
    token = params.get("NextToken")
    found = _PAGE.fullmatch(token) if token else None
    if token and found is None:
        raise refusal("InvalidNextTokenException", "The NextToken value is invalid.")
    first = int(found[1]) if found else 0
    more = {"NextToken": f"page-{first + size}"} if first + size < len(items) else {}
    return items[first : first + size], more
