# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Every call is checked: credentials, policies with exact ARNs, tags and conditions; and written down."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SERVICES = {
    "cloudwatch": "describe_alarms",
    "ec2": "describe_regions",
    "events": "list_rules",
    "iam": "list_users",
    "kms": "list_keys",
    "lambda": "list_functions",
    "logs": "describe_log_groups",
    "resourcegroupstaggingapi": "get_resources",
    "scheduler": "list_schedules",
    "secretsmanager": "list_secrets",
    "ses": "list_identities",
    "sesv2": "list_email_identities",
    "sns": "list_topics",
    "sqs": "list_queues",
}


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_passes_the_gate(aws: Any, refused: Any, service: str) -> None:
    getattr(aws.client(service), SERVICES[service])()
    nobody = aws.user("nobody")
    denied = refused(getattr(aws.client(service, nobody), SERVICES[service]))
    assert code(denied) in ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")
    assert "arn:aws:iam::123456789012:user/nobody is not authorized to perform" in str(denied)
    stranger = type(nobody)("AKIAIOSFODNN7EXAMPLE", "wrong")
    unknown = refused(getattr(aws.client(service, stranger), SERVICES[service]))
    assert code(unknown) in ("InvalidClientTokenId", "UnrecognizedClientException")
    last = aws.control("GET", "journal")[1][-2:]
    assert [(entry["allowed"], entry["error"]) for entry in last] == [(False, code(denied)), (False, code(unknown))]


@pytest.mark.parametrize("service", SERVICES)
def test_a_user_with_the_permission_is_let_through(aws: Any, service: str) -> None:
    keys = aws.user("somebody", allow("*"))
    getattr(aws.client(service, keys), SERVICES[service])()
    entry = aws.control("GET", "journal")[1][-1]
    assert entry["allowed"]
    assert entry["error"] is None
    assert entry["principal"] == f"arn:aws:iam::{ACCOUNT}:user/somebody"


class TestCredentials:
    def test_the_three_kinds_of_caller(self, aws: Any) -> None:
        user = aws.user("ann", path="/service/")
        session = aws.session(aws.role("worker"), "job-1")
        identities = [aws.client("sts", keys).get_caller_identity() for keys in (None, user, session)]
        assert [identity["Arn"] for identity in identities] == [
            ROOT,
            f"arn:aws:iam::{ACCOUNT}:user/service/ann",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/job-1",
        ]
        assert {identity["Account"] for identity in identities} == {ACCOUNT}
        iam = aws.client("iam")
        assert identities[1]["UserId"] == iam.get_user(UserName="ann")["User"]["UserId"]
        assert identities[2]["UserId"] == iam.get_role(RoleName="worker")["Role"]["RoleId"] + ":job-1"

    @pytest.mark.parametrize("service", ["sts", "iam", "secretsmanager", "lambda"])
    def test_inactive_deleted_and_wrong_secret(self, aws: Any, refused: Any, service: str) -> None:
        call, query = {
            "sts": ("get_caller_identity", True),
            "iam": ("list_users", True),
            "secretsmanager": ("list_secrets", False),
            "lambda": ("list_functions", False),
        }[service]
        keys = aws.user("ann", allow("*"))
        unknown = "InvalidClientTokenId" if query else "UnrecognizedClientException"
        mismatch = "SignatureDoesNotMatch" if query else "InvalidSignatureException"
        client, iam = aws.client(service, keys), aws.client("iam")
        getattr(client, call)()
        iam.update_access_key(UserName="ann", AccessKeyId=keys.access_key_id, Status="Inactive")
        assert code(refused(getattr(client, call))) == unknown
        iam.update_access_key(UserName="ann", AccessKeyId=keys.access_key_id, Status="Active")
        getattr(client, call)()
        wrong = type(keys)(keys.access_key_id, "x" * 40)
        assert code(refused(getattr(aws.client(service, wrong), call))) == mismatch
        iam.delete_access_key(UserName="ann", AccessKeyId=keys.access_key_id)
        gone = refused(getattr(client, call))
        assert code(gone) == unknown
        assert status(gone) == (400 if service == "secretsmanager" else 403)

    def test_the_administrator_needs_the_right_secret_too(self, aws: Any, refused: Any) -> None:
        keys = type(aws.user("ann"))("testing", "wrong")
        assert code(refused(aws.client("sts", keys).get_caller_identity)) == "SignatureDoesNotMatch"

    def test_a_session_needs_its_token_and_its_role(self, aws: Any, refused: Any) -> None:
        session = aws.session(aws.role("worker"))
        for token in ("forged", None):
            forged = type(session)(session.access_key_id, session.secret, token)
            assert code(refused(aws.client("sts", forged).get_caller_identity)) == "InvalidClientTokenId"
        aws.client("iam").delete_role(RoleName="worker")
        assert code(refused(aws.client("sts", session).get_caller_identity)) == "InvalidClientTokenId"

    def test_a_session_expires_on_the_virtual_clock(self, aws: Any, refused: Any) -> None:
        session = aws.session(aws.role("worker"), DurationSeconds=900)
        aws.control("POST", "clock", {"advance_seconds": 890})
        aws.client("sts", session).get_caller_identity()
        aws.control("POST", "clock", {"advance_seconds": 20})
        assert code(refused(aws.client("sts", session).get_caller_identity)) == "ExpiredToken"
        assert code(refused(aws.client("secretsmanager", session).list_secrets)) == "ExpiredTokenException"

    def test_a_session_ends_as_early_as_the_knob_says(self, aws: Any, refused: Any) -> None:
        aws.control("POST", "knobs", {"role_session_seconds": 30})
        arn, now = aws.role("worker"), aws.world.clock.utcnow()
        given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="work")["Credentials"]
        assert 25 < (given["Expiration"] - now).total_seconds() < 40
        session = aws.session(arn, DurationSeconds=900)
        aws.client("sts", session).get_caller_identity()
        aws.control("POST", "clock", {"advance_seconds": 31})
        assert code(refused(aws.client("sts", session).get_caller_identity)) == "ExpiredToken"

    def test_unsigned_and_unreadable_requests(self, aws: Any) -> None:
        data = b"Action=GetCallerIdentity&Version=2011-06-15"
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(aws.world.endpoint, data=data)
        assert caught.value.code == 403
        assert b"<Code>MissingAuthenticationToken</Code>" in caught.value.read()

    def test_a_new_key_becomes_visible_later(self, aws: Any, refused: Any) -> None:
        aws.control("POST", "knobs", {"key_visible_after_seconds": 10})
        client = aws.client("sts", aws.user("ann"))
        assert code(refused(client.get_caller_identity)) == "InvalidClientTokenId"
        aws.control("POST", "clock", {"advance_seconds": 11})
        client.get_caller_identity()

    def test_a_new_key_flickers_once(self, aws: Any, refused: Any) -> None:
        aws.control("POST", "knobs", {"key_flickers": True})
        client = aws.client("sts", aws.user("ann"))
        client.get_caller_identity()
        assert code(refused(client.get_caller_identity)) == "InvalidClientTokenId"
        for _ in range(3):
            client.get_caller_identity()

    def test_an_old_key_does_not_flicker(self, aws: Any) -> None:
        aws.control("POST", "knobs", {"key_flickers": True})
        keys = aws.user("ann")
        aws.control("POST", "keys", {"access_key_id": keys.access_key_id, "age_days": 100})
        for _ in range(3):
            aws.client("sts", keys).get_caller_identity()


def test_unimplemented_operations_answer_501_in_aws_shape(aws: Any, refused: Any) -> None:
    for service, call, parameters in (
        ("iam", "simulate_custom_policy", {"PolicyInputList": ["{}"], "ActionNames": ["a:b"]}),
        ("secretsmanager", "stop_replication_to_replica", {"SecretId": "s"}),
        ("lambda", "get_account_settings", {}),
        ("groundstation", "list_configs", {}),
    ):
        error = refused(getattr(aws.client(service), call), **parameters)
        assert (code(error), status(error)) == ("NotImplemented", 501), service


def test_the_journal_names_things_and_keeps_no_values(aws: Any) -> None:
    client = aws.client("secretsmanager")
    arn = client.create_secret(Name="s", SecretString="not to be seen")["ARN"]
    client.put_secret_value(SecretId="s", SecretString="nor this", RotationToken="t" * 36)
    entries = aws.control("GET", "journal")[1]
    assert [entry["action"] for entry in entries] == ["CreateSecret", "PutSecretValue"]
    assert entries[1]["resource"] == arn
    assert entries[1]["ids"]["SecretId"] == "s"
    assert entries[1]["principal"] == ROOT
    text = json.dumps(entries)
    assert "not to be seen" not in text
    assert "nor this" not in text
    assert "t" * 36 not in text


def test_many_calls_at_once(aws: Any) -> None:
    client = aws.client("secretsmanager", max_pool_connections=16)

    def work(number: int) -> None:
        client.create_secret(Name=f"s{number}", SecretString="v")
        client.list_secrets()
        client.delete_secret(SecretId=f"s{number}", ForceDeleteWithoutRecovery=True)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(100)))
    assert {entry["error"] for entry in aws.control("GET", "journal")[1]} == {None}


@pytest.mark.parametrize(("service", "call", "held"), [("iam", "list_users", True), ("lambda", "invoke", False)])
def test_the_lock_is_held_while_moto_acts_but_never_while_a_lambda_runs(
    aws: Any, service: str, call: str, held: bool
) -> None:
    found: list[bool] = []

    def attempt() -> None:
        free = aws.world.lock.acquire(blocking=False)
        found.append(not free)
        if free:
            aws.world.lock.release()

    def look(*_: Any) -> None:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()

    aws.world.checks.append(look)
    try:
        with contextlib.suppress(ClientError):
            getattr(aws.client(service), call)(**({"FunctionName": "f"} if service == "lambda" else {}))
    finally:
        aws.world.checks.remove(look)
    assert found == [held]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("secretsmanager", "describe_secret", {"SecretId": "/a"}),
        ("lambda", "get_function", {"FunctionName": "f"}),
        ("sts", "get_caller_identity", {}),
    ],
)
def test_a_region_that_does_not_exist_is_refused(
    aws: Any, refused: Any, service: str, operation: str, parameters: dict[str, str]
) -> None:
    client = aws.client(service, region="us-est-1")
    assert "valid Region, not 'us-est-1'" in str(refused(getattr(client, operation), **parameters))
