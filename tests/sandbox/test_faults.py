# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Each kind of fault strikes exactly the call it was asked for, before its effect or after it."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ConnectionError, ReadTimeoutError

from tests.sandbox.account import Account

ANSWERS = {
    "error": ({"code": "LimitExceeded", "status": 409}, "LimitExceeded", 409),
    "throttle": ({}, "Throttling", 400),
    "server_error": ({}, "InternalFailure", 500),
    "access_denied": ({}, "AccessDenied", 403),
}


def fault(aws: Any, **wish: Any) -> None:
    status, answer = aws.control("POST", "faults", {"service": "iam", "action": "CreateUser", **wish})
    assert status == 200, answer


def users(aws: Any) -> list[str]:
    return [user["UserName"] for user in aws.client("iam").list_users()["Users"]]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ANSWERS)
def test_kinds_that_answer(aws: Any, refused: Any, kind: str, when: str) -> None:
    more, code, status = ANSWERS[kind]
    fault(aws, kind=kind, when=when, **more)
    error = refused(aws.client("iam").create_user, UserName="ann")
    assert error.response["Error"]["Code"] == code
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert users(aws) == (["ann"] if when == "after" else [])
    entry = aws.control("GET", "journal")[1][0]
    assert (entry["error"], entry["fault"]) == (code, f"{kind} {when}")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["drop", "timeout", "kill"])
def test_kinds_that_never_answer(aws: Any, kind: str, when: str) -> None:
    killed: list[str] = []
    kill, aws.world.kill_caller = aws.world.kill_caller, killed.append
    try:
        fault(aws, kind=kind, when=when, seconds=5)
        client = aws.client("iam", read_timeout=1)
        with pytest.raises(ReadTimeoutError if kind == "timeout" else (ConnectionClosedError, ConnectionError)):
            client.create_user(UserName="ann")
    finally:
        aws.world.kill_caller = kill
    assert killed == (["testing"] if kind == "kill" else [])
    assert users(aws) == (["ann"] if when == "after" else [])
    assert aws.control("GET", "journal")[1][0]["error"] == kind


@pytest.mark.parametrize(
    ("service", "code", "status"),
    [
        ("secretsmanager", "ThrottlingException", 400),
        ("lambda", "TooManyRequestsException", 429),
        ("sts", "Throttling", 400),
    ],
)
def test_throttles_are_the_services_own(aws: Any, refused: Any, service: str, code: str, status: int) -> None:
    fault(aws, service=service, action="*", kind="throttle")
    call = {"secretsmanager": "list_secrets", "lambda": "list_functions", "sts": "get_caller_identity"}[service]
    error = refused(getattr(aws.client(service), call))
    assert error.response["Error"]["Code"] == code
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == status


def test_the_nth_call_and_as_many_as_asked_for(aws: Any) -> None:
    fault(aws, kind="error", nth=2, times=2)
    results = []
    for number in range(5):
        try:
            aws.client("iam").create_user(UserName=f"u{number}")
            results.append("done")
        except ClientError:
            results.append("failed")
    assert results == ["done", "failed", "failed", "done", "done"]
    assert aws.control("GET", "faults") == (200, [])


def test_only_calls_of_one_principal_count(aws: Any, refused: Any) -> None:
    keys = aws.user("ann", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    fault(aws, kind="error", code="Struck", principal_contains="user/ann")
    aws.client("iam").create_user(UserName="one")
    error = refused(aws.client("iam", keys).create_user, UserName="two")
    assert error.response["Error"]["Code"] == "Struck"
    assert users(aws) == ["ann", "one"]


def test_only_calls_that_concern_something_count(aws: Any, refused: Any) -> None:
    fault(aws, kind="error", code="Struck", concerns=["nobody", "ann"], nth=2)
    client = aws.client("iam")
    for name in ("ann-1", "bob", "eve"):
        client.create_user(UserName=name)
    assert refused(client.create_user, UserName="ann-2").response["Error"]["Code"] == "Struck"


CALLS_WITH_ANOTHER_KEY = """
import boto3
def handler(event, context):
    boto3.client("sts").get_caller_identity()
    user = boto3.client("sts", aws_access_key_id=event["id"], aws_secret_access_key=event["secret"],
                        aws_session_token=None)
    user.get_caller_identity()
    return "alive"
"""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("nth", [1, 2])
def test_a_kill_ends_the_real_process_whatever_key_it_signs_with(aws: Any, when: str, nth: int) -> None:
    account = Account(aws.world)
    account.function(CALLS_WITH_ANOTHER_KEY, actions=[])
    keys = aws.user("ann")
    event = {"id": keys.access_key_id, "secret": keys.secret}
    assert account.invoke(event=event) == ("alive", None)
    fault(aws, service="sts", action="GetCallerIdentity", kind="kill", when=when, nth=nth)
    payload, error = account.invoke(event=event)
    assert error == "Unhandled"
    assert payload["errorMessage"].endswith("signal: killed")
    struck = [entry for entry in aws.control("GET", "journal")[1] if entry.get("fault")]
    assert [entry["principal"].rsplit(":", 1)[-1].split("/")[0] for entry in struck] == [
        "assumed-role" if nth == 1 else "user"
    ]
    assert account.invoke(event=event) == ("alive", None)


def test_other_actions_do_not_count(aws: Any, refused: Any) -> None:
    fault(aws, kind="error", nth=2)
    aws.client("iam").create_user(UserName="one")
    users(aws)
    refused(aws.client("iam").create_user, UserName="two")


def test_iam_action_names_match_too(aws: Any, refused: Any) -> None:
    for name in ("lambda:InvokeFunction", "InvokeFunction", "Invoke"):
        fault(aws, service="lambda", action=name, kind="error", code="Struck")
        error = refused(aws.client("lambda").invoke, FunctionName="f")
        assert error.response["Error"]["Code"] == "Struck"


def test_clearing(aws: Any) -> None:
    fault(aws, kind="error")
    assert len(aws.control("GET", "faults")[1]) == 1
    assert aws.control("DELETE", "faults") == (200, [])
    aws.client("iam").create_user(UserName="ann")


@pytest.mark.parametrize(
    ("wish", "text"),
    [
        ({"kind": "explode"}, "no fault of kind 'explode'"),
        ({"kind": "drop", "when": "during"}, "when is before or after"),
        ({"kind": "drop", "nth": 0}, "nth is a whole number from 1"),
        ({"kind": "drop", "times": True}, "times is a whole number from 1"),
        ({"kind": "drop", "speed": 3}, "no field speed"),
        ({"kind": 3}, "needs the text kind"),
        ({"kind": "error", "status": 200}, "HTTP error status"),
        ({"kind": "drop", "concerns": "ann"}, "concerns is a list of texts"),
        ({"kind": "timeout", "seconds": -1}, "seconds is a number from 0"),
    ],
)
def test_nonsense_is_refused(aws: Any, wish: dict[str, Any], text: str) -> None:
    status, answer = aws.control("POST", "faults", {"service": "iam", "action": "CreateUser", **wish})
    assert status == 400
    assert text in answer["error"]
    assert aws.control("GET", "faults")[1] == []
