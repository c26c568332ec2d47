# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The secret document: what is read, what survives, and that no value shows."""

from __future__ import annotations

import json

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.document import (
    access_key_of,
    names_access_key,
    parse,
)
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.errors import DocumentError

KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "mark-new-secret"


@pytest.mark.parametrize(
    "others",
    [
        '"port": 5432',
        '"price": 1.10',
        '"huge": 1e400',
        '"many": 1.0000000000000000000000001',
        '"big": 123456789012345678901234567890',
        '"upper": 1E5',
        '"nested": {"list": [1, 2.50, {"deep": null}], "yes": true}',
        '"text": "1.10"',
        '"umlaut": "\\u00e4"',
        '"nul": "\\u0000"',
        '"lone surrogate": "\\ud800"',
        '"": ""',
    ],
)
def test_unknown_fields_survive_as_written(others: str) -> None:
    text = f'{{"USER_NAME": "u", {others}, "AWS_ACCESS_KEY_ID": "old", "AWS_SECRET_ACCESS_KEY": "mark-old"}}'
    after = parse(text).with_key(KEY, SECRET)
    assert after == text.replace('"old"', f'"{KEY}"').replace("mark-old", SECRET)


def test_the_last_of_duplicate_fields_counts_and_is_kept_once() -> None:
    document = parse('{"USER_NAME": "a", "USER_NAME": "b", "x": 1, "x": 2}')
    assert document.user_name == "b"
    assert json.loads(document.with_key(KEY, SECRET))["x"] == 2


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "mark-plain",
        "[1]",
        '"mark-text"',
        "null",
        '{"mark": ',
        '{"password": "mark-password"}',
        '{"USER_NAME": ""}',
        '{"USER_NAME": 7}',
        '{"USER_NAME": 1.5}',
        '{"USER_NAME": {"mark": 1}}',
        "[" * 100_000,
    ],
)
def test_what_is_no_document_is_refused_without_a_value(text: str | None) -> None:
    with pytest.raises(DocumentError) as caught:
        parse(text)
    assert "mark" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("field", "expected"),
    [('"AKIA"', "AKIA"), ('""', None), ("null", None), ("1.5", None), ("[]", None)],
)
def test_only_text_is_an_access_key(field: str, expected: str | None) -> None:
    text = f'{{"USER_NAME": "u", "AWS_ACCESS_KEY_ID": {field}}}'
    assert parse(text).access_key_id == expected
    assert access_key_of(text) == expected
    assert names_access_key(text)


@pytest.mark.parametrize("text", [None, "", "x", "[]", "{}", '{"USER_NAME": "u"}'])
def test_values_without_a_key_name_none(text: str | None) -> None:
    assert access_key_of(text) is None
    assert not names_access_key(text)


@pytest.mark.parametrize(
    ("old", "new", "fits"),
    [
        ({}, {}, True),
        ({"AWS_SECRET_ACCESS_KEY": "a"}, {"AWS_SECRET_ACCESS_KEY": "b"}, True),
        ({"x": 1, "y": 2}, {"y": 2, "x": 1}, True),
        ({"x": 1}, {"x": 2}, False),
        ({"x": 1}, {"x": True}, False),
        ({"x": 1}, {"x": 1.0}, False),
        ({"x": 1}, {"x": "1"}, False),
        ({"x": 1}, {}, False),
        ({}, {"x": None}, False),
        ({"NOTIFY_EMAIL": "a@b.c"}, {"NOTIFY_EMAIL": "b@b.c"}, False),
        ({"USER_NAME": "v"}, {"USER_NAME": "u"}, False),
    ],
)
def test_documents_fit_when_they_differ_in_the_key_alone(old: dict, new: dict, fits: bool) -> None:
    documents = [parse(json.dumps({"USER_NAME": "u", **fields})) for fields in (old, new)]
    assert documents[0].fits(documents[1]) is fits


def test_a_representation_shows_no_field() -> None:
    assert "mark" not in repr(parse('{"USER_NAME": "u", "AWS_SECRET_ACCESS_KEY": "mark-s", "password": "mark-p"}'))
