# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Secrets Manager: values, versions, labels, lists and deletion as the API reference says."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import Account

DAY = 86_400.0


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def refused(call: Any, expected: str, match: str | None = None, **params: Any) -> None:
    with pytest.raises(ClientError, match=match) as error:
        call(**params)
    assert code(error) == expected


def put(account: Account, value: str, *stages: str, token: str | None = None) -> str:
    params = {"VersionStages": list(stages)} if stages else {}
    token = token or str(uuid.uuid4())
    account.secrets.put_secret_value(SecretId="s", SecretString=value, ClientRequestToken=token, **params)
    return token


def versions(account: Account) -> list[dict[str, Any]]:
    """All versions of the secret s, page by page, oldest first."""
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = account.secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True, **token)
        found += page["Versions"]
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def move(account: Account, label: str, to: str | None = None, source: str | None = None) -> None:
    params = {"MoveToVersionId": to, "RemoveFromVersionId": source}
    given = {name: value for name, value in params.items() if value}
    account.secrets.update_secret_version_stage(SecretId="s", VersionStage=label, **given)


def test_a_put_moves_current_and_previous_follows(account: Account) -> None:
    account.secret()
    first = account.labels()["AWSCURRENT"]
    second = put(account, "second")
    assert account.labels() == {"AWSCURRENT": second, "AWSPREVIOUS": first}
    third = put(account, "third")
    assert account.labels() == {"AWSCURRENT": third, "AWSPREVIOUS": second}
    assert account.secrets.get_secret_value(SecretId="s")["VersionId"] == third
    assert account.secrets.get_secret_value(SecretId="s", VersionStage="AWSPREVIOUS")["SecretString"] == "second"
    assert account.secrets.get_secret_value(SecretId="s", VersionId=first)["SecretString"] == "first"
    refused(
        account.secrets.get_secret_value,
        "InvalidRequestException",
        SecretId="s",
        VersionId=first,
        VersionStage="AWSCURRENT",
    )


def test_a_repeated_put_is_idempotent_and_another_value_is_refused(account: Account) -> None:
    account.secret()
    token = put(account, "second", "AWSPENDING")
    put(account, "second", "AWSPENDING", token=token)
    refused(
        account.secrets.put_secret_value,
        "ResourceExistsException",
        SecretId="s",
        SecretString="third",
        ClientRequestToken=token,
        VersionStages=["AWSPENDING"],
    )
    assert account.secrets.get_secret_value(SecretId="s", VersionStage="AWSPENDING")["SecretString"] == "second"


def test_moving_the_current_label_is_a_compare_and_swap(account: Account) -> None:
    account.secret()
    first = account.labels()["AWSCURRENT"]
    second = put(account, "second", "AWSPENDING")
    stage = account.secrets.update_secret_version_stage
    base = {"SecretId": "s", "VersionStage": "AWSCURRENT"}
    refused(stage, "InvalidParameterException", "can't be empty", MoveToVersionId=second, **base)
    refused(
        stage, "InvalidParameterException", "isn't attached", MoveToVersionId=second, RemoveFromVersionId=second, **base
    )
    refused(stage, "InvalidParameterException", "completely removed", RemoveFromVersionId=first, **base)
    refused(stage, "ResourceNotFoundException", MoveToVersionId=str(uuid.uuid4()), RemoveFromVersionId=first, **base)
    assert account.labels() == {"AWSCURRENT": first, "AWSPENDING": second}
    move(account, "AWSCURRENT", second, first)
    assert account.labels() == {"AWSCURRENT": second, "AWSPENDING": second, "AWSPREVIOUS": first}
    assert account.secrets.get_secret_value(SecretId="s")["SecretString"] == "second"
    move(account, "AWSCURRENT", first, second)
    assert account.labels() == {"AWSCURRENT": first, "AWSPENDING": second, "AWSPREVIOUS": second}


def test_a_label_is_on_one_version_and_names_its_holder(account: Account) -> None:
    account.secret()
    second = put(account, "second", "blue")
    third = put(account, "third", "blue")
    assert account.labels()["blue"] == third
    refused(
        account.secrets.update_secret_version_stage,
        "InvalidParameterException",
        third,
        SecretId="s",
        VersionStage="blue",
        MoveToVersionId=second,
    )
    move(account, "blue", second, third)
    assert account.labels()["blue"] == second
    move(account, "blue", source=second)
    assert "blue" not in account.labels()


def test_unlabelled_versions_are_deprecated_and_pruned_beyond_a_hundred(account: Account) -> None:
    account.secret()
    for number in range(105):
        put(account, f"value {number}")
    listed = account.secrets.list_secret_version_ids(SecretId="s")["Versions"]
    assert sorted(label for version in listed for label in version["VersionStages"]) == ["AWSCURRENT", "AWSPREVIOUS"]
    assert len(versions(account)) == 106
    account.world.clock.advance(2 * DAY)
    put(account, "last")
    kept = versions(account)
    assert len(kept) == 100
    assert "VersionStages" not in kept[0]
    assert kept[-1]["CreatedDate"] - kept[0]["CreatedDate"] >= timedelta(days=2)


def test_binary_values_are_kept_byte_for_byte(account: Account) -> None:
    value = bytes(range(256))
    account.secrets.create_secret(Name="s", SecretBinary=value)
    found = account.secrets.get_secret_value(SecretId="s")
    assert found["SecretBinary"] == value
    assert "SecretString" not in found
    account.secrets.put_secret_value(SecretId="s", SecretString="text")
    assert "SecretBinary" not in account.secrets.get_secret_value(SecretId="s")


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"Name": "a b"}, "InvalidParameterException"),
        ({"Name": "x", "SecretString": "y" * 65_537}, "InvalidParameterException"),
        ({"Name": "x", "SecretString": "y", "SecretBinary": b"z"}, "InvalidParameterException"),
        ({"Name": "x", "Tags": [{"Key": str(n), "Value": ""} for n in range(51)]}, "InvalidParameterException"),
        ({"Name": "x", "Tags": [{"Key": "a", "Value": ""}] * 2}, "InvalidParameterException"),
        ({"Name": "x", "Tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidParameterException"),
        ({"Name": "s", "SecretString": "other"}, "ResourceExistsException"),
    ],
)
def test_bad_secrets_are_refused(account: Account, params: dict[str, Any], error: str) -> None:
    account.secret()
    refused(account.secrets.create_secret, error, **params)


def test_a_repeated_create_is_idempotent(account: Account) -> None:
    params = {"Name": "s", "SecretString": "v", "ClientRequestToken": str(uuid.uuid4())}
    assert account.secrets.create_secret(**params)["ARN"] == account.secrets.create_secret(**params)["ARN"]


def test_a_secret_without_value(account: Account) -> None:
    account.secrets.create_secret(Name="s")
    refused(account.secrets.get_secret_value, "ResourceNotFoundException", SecretId="s")
    refused(account.secrets.rotate_secret, "InvalidRequestException", SecretId="s")
    token = put(account, "first", "AWSPENDING")
    assert account.labels() == {"AWSPENDING": token, "AWSCURRENT": token}


def test_describe_shows_dates_on_the_virtual_clock(account: Account) -> None:
    account.secret()
    found = account.secrets.describe_secret(SecretId="s")
    assert "LastAccessedDate" not in found
    assert "RotationEnabled" not in found
    account.world.clock.advance(3 * DAY)
    account.secrets.get_secret_value(SecretId="s")
    put(account, "second")
    found = account.secrets.describe_secret(SecretId="s")
    now = account.world.clock.utcnow()
    assert now - found["LastChangedDate"] < timedelta(minutes=1)
    assert timedelta(days=3) <= found["LastChangedDate"] - found["CreatedDate"] < timedelta(days=3, minutes=1)
    assert found["LastAccessedDate"] == now.replace(hour=0, minute=0, second=0, microsecond=0)


def test_a_secret_can_be_made_older(account: Account) -> None:
    account.secret()
    account.control("keys", {"secret_id": "s", "created_days": 400, "last_accessed_days": 100})
    found = account.secrets.describe_secret(SecretId="s")
    assert (account.world.clock.utcnow() - found["CreatedDate"]).days == 400
    assert (account.world.clock.utcnow() - found["LastAccessedDate"]).days == 100


def test_a_deleted_secret_answers_nothing_but_describe_and_restore(account: Account) -> None:
    account.secret()
    deleted = account.secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    assert deleted["DeletionDate"] - account.world.clock.utcnow() > timedelta(days=6, hours=23)
    for call, params in (
        (account.secrets.get_secret_value, {}),
        (account.secrets.put_secret_value, {"SecretString": "x"}),
        (account.secrets.update_secret, {"Description": "x"}),
        (account.secrets.rotate_secret, {}),
        (account.secrets.tag_resource, {"Tags": [{"Key": "a", "Value": "b"}]}),
        (account.secrets.delete_secret, {}),
    ):
        refused(call, "InvalidRequestException", "marked for deletion", SecretId="s", **params)
    refused(account.secrets.create_secret, "InvalidRequestException", "already scheduled for deletion", Name="s")
    assert account.secrets.describe_secret(SecretId="s")["DeletedDate"] == deleted["DeletionDate"]
    assert account.secrets.list_secrets()["SecretList"] == []
    assert len(account.secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]) == 1
    account.secrets.restore_secret(SecretId="s")
    assert account.secrets.get_secret_value(SecretId="s")["SecretString"] == "first"
    account.world.clock.advance(8 * DAY)
    assert account.secrets.describe_secret(SecretId="s")["Name"] == "s"


def test_a_recovery_window_ends(account: Account) -> None:
    account.secret()
    refused(account.secrets.delete_secret, "InvalidParameterException", SecretId="s", RecoveryWindowInDays=6)
    account.secrets.delete_secret(SecretId="s", RecoveryWindowInDays=7)
    account.world.clock.advance(7 * DAY + 1)
    refused(account.secrets.describe_secret, "ResourceNotFoundException", SecretId="s")
    account.secret()


def test_a_secret_with_replicas_is_not_deleted_and_a_replica_not_written(account: Account) -> None:
    account.secrets.create_secret(Name="s", SecretString="v", AddReplicaRegions=[{"Region": "eu-west-1"}])
    found = account.secrets.describe_secret(SecretId="s")
    assert found["PrimaryRegion"] == "us-east-1"
    assert [status["Region"] for status in found["ReplicationStatus"]] == ["eu-west-1"]
    refused(account.secrets.delete_secret, "InvalidRequestException", "replica regions", SecretId="s")


def test_lists_have_pages_of_at_most_a_hundred(account: Account) -> None:
    for number in range(5):
        account.secret(f"s{number}")
    first = account.secrets.list_secrets(MaxResults=2)
    assert [secret["Name"] for secret in first["SecretList"]] == ["s0", "s1"]
    pages = account.secrets.get_paginator("list_secrets").paginate(PaginationConfig={"PageSize": 2})
    assert [secret["Name"] for page in pages for secret in page["SecretList"]] == [f"s{n}" for n in range(5)]
    assert list(first["SecretList"][0]["SecretVersionsToStages"].values()) == [["AWSCURRENT"]]
    refused(account.secrets.list_secrets, "InvalidParameterException", MaxResults=101)
    refused(account.secrets.list_secrets, "InvalidNextTokenException", NextToken="x")
    named = account.secrets.list_secrets(Filters=[{"Key": "name", "Values": ["s3"]}])["SecretList"]
    assert [secret["Name"] for secret in named] == ["s3"]


def test_a_batch_gives_what_it_can(account: Account) -> None:
    account.secret()
    account.secrets.create_secret(Name="empty")
    found = account.secrets.batch_get_secret_value(SecretIdList=["s", "empty", "nobody"])
    assert [value["SecretString"] for value in found["SecretValues"]] == ["first"]
    assert [error["SecretId"] for error in found["Errors"]] == ["empty", "nobody"]
    assert {error["ErrorCode"] for error in found["Errors"]} == {"ResourceNotFoundException"}
    by_filter = account.secrets.batch_get_secret_value(Filters=[{"Key": "name", "Values": ["s"]}])
    assert len(by_filter["SecretValues"]) == 1


def test_tags_are_set_replaced_and_removed(account: Account) -> None:
    account.secret()
    account.secrets.tag_resource(SecretId="s", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    account.secrets.tag_resource(SecretId="s", Tags=[{"Key": "a", "Value": "3"}])
    account.secrets.untag_resource(SecretId="s", TagKeys=["b", "nobody"])
    assert account.secrets.describe_secret(SecretId="s")["Tags"] == [{"Key": "a", "Value": "3"}]
    many = [{"Key": str(number), "Value": ""} for number in range(50)]
    refused(account.secrets.tag_resource, "InvalidParameterException", SecretId="s", Tags=many)


def test_a_resource_policy_must_be_one(account: Account) -> None:
    account.secret()
    put_policy = account.secrets.put_resource_policy
    for text in ("garbage", "[]", "{}", '{"Statement": []}', '{"Statement": ["Deny"]}'):
        refused(put_policy, "MalformedPolicyDocumentException", SecretId="s", ResourcePolicy=text)
    for size, code in ((20_480, ""), (20_481, "InvalidParameterException")):
        text = json.dumps({"Statement": [{"Effect": "Deny"}]}).ljust(size)
        if code:
            refused(put_policy, code, SecretId="s", ResourcePolicy=text)
        else:
            put_policy(SecretId="s", ResourcePolicy=text)


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*"]}])
def test_a_public_resource_policy_is_refused_only_where_that_is_asked_for(account: Account, principal: Any) -> None:
    account.secret()
    allow = {"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"}
    within = {"Condition": {"StringEquals": {"aws:PrincipalAccount": "123456789012"}}}
    put_policy = account.secrets.put_resource_policy
    for statement in (allow | {"Effect": "Deny"}, allow | within, allow):
        text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        if statement is allow:
            refused(put_policy, "PublicPolicyException", SecretId="s", ResourcePolicy=text, BlockPublicPolicy=True)
            put_policy(SecretId="s", ResourcePolicy=text)
        else:
            put_policy(SecretId="s", ResourcePolicy=text, BlockPublicPolicy=True)


def test_the_journal_never_holds_a_value(account: Account) -> None:
    account.secret(value="top-secret-value")
    put(account, "another-secret-value")
    account.secrets.get_secret_value(SecretId="s")
    assert "secret-value" not in str(account.world.journal)
