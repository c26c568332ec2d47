# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""rotation_function and rotation_schedule_group: four ways each, and drift is mended."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.modules import rotation_function, rotation_schedule_group
from ansible_collections.evergreen.key_rotation.tests.modules.conftest import Lab


def test_a_function_is_made_four_ways(lab: Lab) -> None:
    result = lab.four_ways(rotation_function, **lab.function_options("noop"))
    answer = lab.aws.client("lambda").get_function(FunctionName="key-noop")["Configuration"]
    assert answer["FunctionArn"] == result["function_arn"]
    assert (answer["Runtime"], answer["Architectures"], answer["MemorySize"]) == ("python3.13", ["arm64"], 256)
    assert (answer["State"], answer["LoggingConfig"]["LogFormat"]) == ("Active", "JSON")


def test_check_mode_needs_no_package(lab: Lab) -> None:
    options = {**lab.function_options("noop"), "zip_file": "/nowhere/rotation.zip"}
    lab.changed(rotation_function, expected=True, check=True, **options)
    real = lab.run(rotation_function, **options)
    assert real["msg"] == "zip_file /nowhere/rotation.zip cannot be read: No such file or directory; build it first"


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"timeout": 30, "memory_size": 512}, ["MemorySize", "Timeout"]),
        ({"environment": {}}, ["Environment"]),
        ({"log_format": "Text"}, ["LoggingConfig"]),
        ({"reserved_concurrency": 2}, ["reserved_concurrency"]),
        ({"architecture": "x86_64"}, ["Architecture"]),
        ({"source_account": "210987654321"}, ["permission"]),
    ],
)
def test_a_changed_option_is_exactly_that_change(functions: Lab, changed: dict[str, Any], named: list[str]) -> None:
    result = functions.four_ways(rotation_function, **{**functions.function_options("noop"), **changed})
    assert result["changes"] == named
    back = functions.four_ways(rotation_function, **functions.function_options("noop"))
    assert back["changes"] == named


def test_other_code_is_uploaded(functions: Lab) -> None:
    options = functions.function_options("noop")
    client = functions.aws.client("lambda")
    client.update_function_code(FunctionName="key-noop", ZipFile=_other_zip())
    assert functions.four_ways(rotation_function, **options)["changes"] == ["CodeSha256"]
    assert client.get_function(FunctionName="key-noop")["Configuration"]["CodeSha256"] == options["code_sha256"]


def test_a_permission_of_another_statement_stays(functions: Lab) -> None:
    client = functions.aws.client("lambda")
    client.add_permission(
        FunctionName="key-noop",
        StatementId="theirs",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceAccount="123456789012",
    )
    client.remove_permission(FunctionName="key-noop", StatementId="key-rotation-secretsmanager")
    functions.four_ways(rotation_function, **functions.function_options("noop"))
    statements = json.loads(client.get_policy(FunctionName="key-noop")["Policy"])["Statement"]
    assert {statement["Sid"] for statement in statements} == {"theirs", "key-rotation-secretsmanager"}


def test_a_function_goes_four_ways(functions: Lab) -> None:
    functions.four_ways(rotation_function, function_name="key-noop", state="absent")


def test_a_role_that_does_not_exist_is_named(lab: Lab) -> None:
    options = {**lab.function_options("noop"), "role": "arn:aws:iam::123456789012:role/nobody", "wait_timeout": 1}
    result = lab.run(rotation_function, **options)
    assert result["failed"]
    assert result["msg"].startswith("function key-noop: lambda:CreateFunction failed: ")


def test_a_schedule_group_comes_and_goes_four_ways(lab: Lab) -> None:
    lab.four_ways(rotation_schedule_group, name="key-rotation")
    lab.four_ways(rotation_schedule_group, name="key-rotation", state="absent")


def _other_zip() -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("noop.py", "def handler(event, context):\n    return None\n")
    return buffer.getvalue()
