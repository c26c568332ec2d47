# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The binding: only the tag says which secret a user belongs to."""

from __future__ import annotations

import hashlib

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.binding import check, tag_value
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import BindingError
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.gateway import User

SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:/acmecorp/x-AbCdEf"
LONG = SECRET + "x" * 300


def user(**tags: str) -> User:
    return User("acmecorp-ai", "arn", {f"key-rotation:{name}": value for name, value in tags.items()})


def test_the_tag_is_the_arn_and_where_that_is_too_long_its_sum() -> None:
    edge = SECRET + "x" * (256 - len(SECRET))
    assert tag_value(SECRET) == SECRET
    assert tag_value(edge) == edge
    assert tag_value(edge + "x") == hashlib.sha256((edge + "x").encode()).hexdigest()


@pytest.mark.parametrize("secret", [SECRET, LONG])
def test_a_bound_user_is_given_back(secret: str) -> None:
    bound = user(secret=tag_value(secret))
    assert check(bound, "acmecorp-ai", secret) is bound


@pytest.mark.parametrize(
    ("found", "name", "words"),
    [
        (None, "acmecorp-ai", "does not exist"),
        (user(secret=SECRET), "AcmeCorp-AI", "is spelt acmecorp-ai"),
        (user(), "acmecorp-ai", "bound to no secret"),
        (user(secret=SECRET + "x"), "acmecorp-ai", "another secret"),
        (user(secret=SECRET[:-1]), "acmecorp-ai", "another secret"),
        (user(secret=""), "acmecorp-ai", "another secret"),
        (user(secret=tag_value(LONG)), "acmecorp-ai", "another secret"),
    ],
)
def test_everybody_else_is_refused(found: User | None, name: str, words: str) -> None:
    with pytest.raises(BindingError, match=words):
        check(found, name, SECRET)
