# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""IAM as AWS has it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest


def code(error: Any) -> str:
    return str(error.response["Error"]["Code"])


def report(aws: Any) -> dict[str, dict[str, str]]:
    iam = aws.client("iam")
    iam.generate_credential_report()
    rows = csv.DictReader(io.StringIO(iam.get_credential_report()["Content"].decode()))
    return {row["user"]: row for row in rows}


def test_two_keys_a_user_inactive_ones_count(aws: Any, refused: Any) -> None:
    first, iam = aws.user("ann"), aws.client("iam")
    iam.create_access_key(UserName="ann")
    assert code(refused(iam.create_access_key, UserName="ann")) == "LimitExceeded"
    iam.update_access_key(UserName="ann", AccessKeyId=first.access_key_id, Status="Inactive")
    assert code(refused(iam.create_access_key, UserName="ann")) == "LimitExceeded"
    iam.delete_access_key(UserName="ann", AccessKeyId=first.access_key_id)
    iam.create_access_key(UserName="ann")


def test_names_are_unique_case_insensitively(aws: Any, refused: Any) -> None:
    aws.user("Ann")
    error = refused(aws.client("iam").create_user, UserName="aNN")
    assert code(error) == "EntityAlreadyExists"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 409


def test_a_user_with_keys_or_groups_cannot_be_deleted(aws: Any, refused: Any) -> None:
    keys, iam = aws.user("ann"), aws.client("iam")
    assert code(refused(iam.delete_user, UserName="ann")) == "DeleteConflict"
    iam.delete_access_key(UserName="ann", AccessKeyId=keys.access_key_id)
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    assert code(refused(iam.delete_user, UserName="ann")) == "DeleteConflict"
    iam.remove_user_from_group(GroupName="g", UserName="ann")
    iam.delete_user(UserName="ann")
    assert code(refused(iam.get_user, UserName="ann")) == "NoSuchEntity"


def test_get_user_has_tags_and_a_path(aws: Any) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="ann", Path="/a/b/", Tags=[{"Key": "k", "Value": "v"}])
    user = iam.get_user(UserName="ann")["User"]
    assert user["Tags"] == [{"Key": "k", "Value": "v"}]
    assert user["Arn"] == "arn:aws:iam::123456789012:user/a/b/ann"


def test_what_does_not_exist(aws: Any, refused: Any) -> None:
    one, _, iam = aws.user("one"), aws.user("two"), aws.client("iam")
    strange = {"UserName": "two", "AccessKeyId": one.access_key_id}
    for call, parameters in (
        (iam.create_access_key, {"UserName": "nobody"}),
        (iam.list_access_keys, {"UserName": "nobody"}),
        (iam.delete_access_key, {"UserName": "nobody", "AccessKeyId": one.access_key_id}),
        (iam.delete_access_key, strange),
        (iam.update_access_key, {**strange, "Status": "Inactive"}),
        (iam.get_access_key_last_used, {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"}),
        (iam.list_user_tags, {"UserName": "nobody"}),
    ):
        assert code(refused(call, **parameters)) == "NoSuchEntity", call
    assert [key["Status"] for key in iam.list_access_keys(UserName="one")["AccessKeyMetadata"]] == ["Active"]


def test_dates_follow_the_clock(aws: Any) -> None:
    iam = aws.client("iam")
    aws.control("POST", "clock", {"advance_seconds": 50 * 86400})
    aws.user("ann")
    made = iam.list_access_keys(UserName="ann")["AccessKeyMetadata"][0]["CreateDate"]
    assert abs(made - aws.world.clock.utcnow()) < timedelta(minutes=1)
    assert made - datetime.now(UTC) > timedelta(days=49)


class TestLastUse:
    def test_never_used(self, aws: Any) -> None:
        keys = aws.user("ann")
        used = aws.client("iam").get_access_key_last_used(AccessKeyId=keys.access_key_id)
        assert used["UserName"] == "ann"
        assert used["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}

    def test_last_service_and_region_even_of_a_denied_call(self, aws: Any, refused: Any) -> None:
        keys, iam = aws.user("ann"), aws.client("iam")
        aws.client("sts", keys).get_caller_identity()
        assert self.last(iam, keys)[:2] == ("sts", "us-east-1")
        refused(aws.client("secretsmanager", keys, "eu-west-1").list_secrets)
        service, region, date = self.last(iam, keys)
        assert (service, region) == ("secretsmanager", "eu-west-1")
        assert abs(date - aws.world.clock.utcnow()) < timedelta(minutes=1)

    def test_the_service_has_the_name_that_aws_gives_it(self, aws: Any) -> None:
        keys, iam = aws.user("ann", {"Effect": "Allow", "Action": "*", "Resource": "*"}), aws.client("iam")
        aws.client("lambda", keys).list_functions()
        assert self.last(iam, keys)[0] == "lambda"
        aws.client("sesv2", keys).list_email_identities()
        assert self.last(iam, keys)[0] == "ses"

    def test_a_refused_key_was_not_used(self, aws: Any, refused: Any) -> None:
        keys, iam = aws.user("ann"), aws.client("iam")
        wrong = type(keys)(keys.access_key_id, "x" * 40)
        refused(aws.client("sts", wrong).get_caller_identity)
        iam.update_access_key(UserName="ann", AccessKeyId=keys.access_key_id, Status="Inactive")
        refused(aws.client("sts", keys).get_caller_identity)
        used = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)["AccessKeyLastUsed"]
        assert used["ServiceName"] == "N/A"

    @staticmethod
    def last(iam: Any, keys: Any) -> tuple[str, str, datetime]:
        used = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)["AccessKeyLastUsed"]
        return used["ServiceName"], used["Region"], used["LastUsedDate"]


def test_stale_lists(aws: Any, refused: Any) -> None:
    old, iam = aws.user("ann"), aws.client("iam")
    aws.control("POST", "clock", {"advance_seconds": 100})
    aws.control("POST", "knobs", {"key_unlisted_seconds": 30})

    def listed() -> set[str]:
        return {key["AccessKeyId"] for key in iam.list_access_keys(UserName="ann")["AccessKeyMetadata"]}

    new = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    assert listed() == {old.access_key_id}
    assert code(refused(iam.create_access_key, UserName="ann")) == "LimitExceeded"
    aws.control("POST", "clock", {"advance_seconds": 31})
    assert listed() == {old.access_key_id, new}
    iam.delete_access_key(UserName="ann", AccessKeyId=old.access_key_id)
    assert listed() == {old.access_key_id, new}
    assert code(refused(iam.delete_access_key, UserName="ann", AccessKeyId=old.access_key_id)) == "NoSuchEntity"
    aws.control("POST", "clock", {"advance_seconds": 31})
    assert listed() == {new}


class TestCredentialReport:
    def test_needs_to_be_generated(self, aws: Any, refused: Any) -> None:
        iam = aws.client("iam")
        assert code(refused(iam.get_credential_report)) == "ReportNotPresent"
        assert iam.generate_credential_report()["State"] == "STARTED"
        assert iam.generate_credential_report()["State"] == "COMPLETE"

    def test_root_and_ages(self, aws: Any) -> None:
        keys, iam = aws.user("ann"), aws.client("iam")
        iam.create_access_key(UserName="ann")
        aws.control("POST", "keys", {"access_key_id": keys.access_key_id, "age_days": 100, "last_used_days": 2})
        iam.update_access_key(UserName="ann", AccessKeyId=keys.access_key_id, Status="Inactive")
        aws.client("iam").create_user(UserName="bob")
        rows = report(aws)
        assert list(rows) == ["<root_account>", "ann", "bob"]
        assert all(len(row) == 22 and None not in row.values() for row in rows.values())
        assert rows["<root_account>"]["access_key_1_active"] == "false"
        ann = rows["ann"]
        assert (ann["access_key_1_active"], ann["access_key_2_active"]) == ("false", "true")
        made = datetime.fromisoformat(ann["access_key_1_last_rotated"])
        assert (aws.world.clock.utcnow() - made).days == 100
        assert ann["access_key_1_last_used_service"] == "s3"
        assert ann["access_key_2_last_used_date"] == "N/A"
        assert rows["bob"]["access_key_1_last_rotated"] == "N/A"


def test_aws_managed_policies_exist_and_survive_a_reset(aws: Any) -> None:
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    role = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    for _ in range(2):
        aws.role("worker", trust=role)
        aws.client("iam").attach_role_policy(RoleName="worker", PolicyArn=arn)
        assert aws.client("iam").get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
        aws.control("POST", "reset")


@pytest.mark.parametrize("call", ["create_access_key", "get_user", "list_access_keys"])
def test_the_administrator_is_no_user(aws: Any, refused: Any, call: str) -> None:
    assert code(refused(getattr(aws.client("iam"), call))) == "ValidationError"


def test_a_user_can_ask_about_itself(aws: Any) -> None:
    keys = aws.user("ann", {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::123456789012:user/ann"})
    iam = aws.client("iam", keys)
    assert iam.get_user()["User"]["UserName"] == "ann"
    assert iam.list_access_keys()["AccessKeyMetadata"][0]["AccessKeyId"] == keys.access_key_id
    second = iam.create_access_key()["AccessKey"]["AccessKeyId"]
    iam.update_access_key(AccessKeyId=second, Status="Inactive")
    iam.delete_access_key(AccessKeyId=second)


def test_without_a_name_only_ones_own_keys_are_meant(aws: Any, refused: Any) -> None:
    own = {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::123456789012:user/ann"}
    client, other = aws.client("iam", aws.user("ann", own)), aws.user("bob").access_key_id
    assert code(refused(client.update_access_key, AccessKeyId=other, Status="Inactive")) == "NoSuchEntity"
    assert code(refused(client.delete_access_key, AccessKeyId=other)) == "NoSuchEntity"
    assert [key["Status"] for key in aws.client("iam").list_access_keys(UserName="bob")["AccessKeyMetadata"]] == [
        "Active"
    ]


def test_a_status_is_active_or_inactive(aws: Any, refused: Any) -> None:
    keys = aws.user("ann")
    wrong = {"UserName": "ann", "AccessKeyId": keys.access_key_id, "Status": "active"}
    assert code(refused(aws.client("iam").update_access_key, **wrong)) == "ValidationError"
