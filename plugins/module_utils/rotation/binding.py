# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The binding: the tag that ties an IAM user to its one secret. A document's USER_NAME is a claim, no authority."""

from __future__ import annotations

import hashlib

from .errors import BindingError
from .gateway import User
from .names import TAG_SECRET

TAG_VALUE_CHARACTERS = 256
"""The longest tag value. Source: IAM User Guide, id_tags."""


def tag_value(secret_arn: str) -> str:
    """What the binding tag says for a secret: its ARN, or the ARN's SHA-256 in hex where it does not fit."""
    if len(secret_arn) <= TAG_VALUE_CHARACTERS:
        return secret_arn
    return hashlib.sha256(secret_arn.encode()).hexdigest()


def check(user: User | None, user_name: str, secret_arn: str) -> User:
    """Give the user back if it is bound to this very secret.

    Args:
        user: what IAM says of user_name; None when there is no such user.
        user_name: the claim of the document.

    Raises:
        BindingError: no such user, no binding, or another secret's.
    """
    if user is None:
        raise BindingError(f"IAM user {user_name} does not exist; restore it, or remove the service account")
    if user.name != user_name:
        raise BindingError(f"the document's USER_NAME {user_name} is spelt {user.name} in IAM; store it as in IAM")
    bound = user.tags.get(TAG_SECRET)
    if bound is None:
        raise BindingError(f"IAM user {user_name} is bound to no secret (tag {TAG_SECRET}); deploy enrols it")
    if bound != tag_value(secret_arn):
        raise BindingError(f"IAM user {user_name} is bound to another secret than {secret_arn} (tag {TAG_SECRET})")
    return user
