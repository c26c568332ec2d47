# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""rotation_run and rotation_info: what is due rotates once, failures speak, and no value gets out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ansible_collections.evergreen.key_rotation.plugins.modules import rotation_info, rotation_run, rotation_schedule
from ansible_collections.evergreen.key_rotation.tests.modules.conftest import ALL, Lab, service_account
from sandbox.world import ACCOUNT


@pytest.fixture
def enrolled(functions: Lab) -> Lab:
    fleet = [service_account(name, grace_period_hours=0) for name in ALL]
    functions.changed(rotation_schedule, True, service_accounts=fleet, functions=functions.function_arns)
    return functions


def fleet(*names: str) -> list[dict[str, object]]:
    return [service_account(name, grace_period_hours=0) for name in names]


def test_what_is_due_rotates_four_ways(enrolled: Lab) -> None:
    values = {name: enrolled.aws.value(service_account(name)["secret_name"]) for name in ALL}
    result = enrolled.four_ways(rotation_run, service_accounts=fleet(*ALL))
    assert [entry["msg"] for entry in result["secrets"]] == ["rotated"] * 5
    for name in ALL:
        same = enrolled.aws.value(service_account(name)["secret_name"]) == values[name]
        assert same == name.startswith("database")


def test_always_and_a_resumed_run(enrolled: Lab) -> None:
    begun = enrolled.run(rotation_info, service_accounts=fleet("bitbucket"))["now"]
    enrolled.changed(rotation_run, True, service_accounts=fleet("bitbucket"), rotate_if="always")
    options = {"rotate_if": "last_rotated_before", "last_rotated_before": begun}
    result = enrolled.changed(rotation_run, True, service_accounts=fleet("bitbucket", "database-dev"), **options)
    assert [entry["changed"] for entry in result["secrets"]] == [False, True]
    enrolled.changed(rotation_run, False, service_accounts=fleet("bitbucket", "database-dev"), **options)


def test_a_nonsensical_time_is_refused(lab: Lab) -> None:
    options = {"rotate_if": "last_rotated_before", "last_rotated_before": "yesterday"}
    assert "ISO 8601" in lab.run(rotation_run, service_accounts=fleet("bitbucket"), **options)["msg"]


def test_a_failure_speaks_and_stops_nobody(enrolled: Lab) -> None:
    enrolled.aws.client("iam").untag_user(UserName="bitbucket", TagKeys=["key-rotation:secret"])
    options = {"service_accounts": fleet("bitbucket", "ecr-deployments"), "wait_timeout": 60}
    result = enrolled.run(rotation_run, **options)
    assert (result["failed"], result["changed"]) == (True, True)
    bad, good = result["secrets"]
    assert "createSecret: IAM user bitbucket is bound to no secret" in bad["msg"]
    assert "Secrets Manager will retry" in bad["msg"]
    assert good["msg"] == "rotated"


def test_held_back_is_reported_and_not_rotated(enrolled: Lab) -> None:
    held = [service_account("bitbucket", hold_back="set notify_email")]
    result = enrolled.changed(rotation_run, False, service_accounts=held)
    assert result["secrets"][0]["msg"] == "due, not rotated: it has never rotated; set notify_email"


def test_without_a_schedule_the_way_out_is_named(functions: Lab) -> None:
    result = functions.run(rotation_run, service_accounts=fleet("bitbucket"))
    assert "is off; run the deploy playbook first" in result["msg"]


def test_info_says_what_is_there_and_no_value(enrolled: Lab) -> None:
    result = {}

    def look() -> None:
        result.update(enrolled.run(rotation_info, service_accounts=fleet(*ALL)))

    enrolled.expect_no_write(look)
    assert result["changed"] is False
    assert result["ready"] == ALL
    assert result["heaviest_day"]["rotations"] == 5
    assert result["heaviest_day"]["date"] == result["secrets"][0]["next_rotation_date"][:10]
    by_name = {entry["name"]: entry for entry in result["secrets"]}
    key = by_name["bitbucket"]["current_key"]
    assert (key["age_days"], key["status"]) == (100, "Active")
    assert key["access_key_id"] == enrolled.aws.current_key(service_account("bitbucket")["secret_name"])
    found = {finding["id"] for finding in by_name["bitbucket"]["findings"]}
    # The service's testSecret may still run: it holds AWSPENDING, and is the first to read the value.
    assert found - {"pending", "secret-unused"} == {"key-too-old", "never-rotated"}
    assert by_name["database-dev"]["due"] == "it has never rotated"
    text = json.dumps(result)
    for name in ALL:
        value = json.loads(enrolled.aws.value(service_account(name)["secret_name"]))
        assert str(value.get("AWS_SECRET_ACCESS_KEY") or value.get("password")) not in text


@pytest.mark.parametrize(
    ("account", "value", "identity"),
    [
        (service_account("bitbucket", secret_name="/gone"), None, "secret-missing"),
        (service_account("bitbucket", iam_user="nobody"), None, "user-missing"),
        (service_account("bitbucket"), "mark no json", "document"),
        (service_account("bitbucket"), '{"password": "mark"}', "document"),
        (service_account("bitbucket"), '["mark"]', "document"),
        (service_account("bitbucket"), '{"USER_NAME": "mark"}', "user-differs"),
        (service_account("database-dev"), '{"AWS_ACCESS_KEY_ID": "mark"}', "noop-with-access-key"),
    ],
)
def test_info_finds_what_cannot_be_worked_on(
    lab: Lab, account: dict[str, str], value: str | None, identity: str
) -> None:
    if value is not None:
        lab.aws.client("secretsmanager").put_secret_value(SecretId=account["secret_name"], SecretString=value)
    result = lab.run(rotation_info, service_accounts=[account])
    errors = [finding for finding in result["secrets"][0]["findings"] if finding["severity"] == "error"]
    assert identity in [finding["id"] for finding in errors]
    assert all(finding["mend"] for finding in errors)
    assert result["ready"] == []
    assert identity == "user-differs" or "mark" not in json.dumps(result)


def test_info_sees_a_secret_that_awaits_deletion(lab: Lab) -> None:
    lab.aws.client("secretsmanager").delete_secret(SecretId=service_account("bitbucket")["secret_name"])
    (entry,) = lab.run(rotation_info, service_accounts=[service_account("bitbucket")])["secrets"]
    assert [finding["id"] for finding in entry["findings"]] == ["secret-awaits-deletion", "key-too-old"]


def test_an_audit_sees_the_account_around_the_fleet(enrolled: Lab) -> None:
    secretsmanager, iam = enrolled.aws.client("secretsmanager"), enrolled.aws.client("iam")
    iam.create_user(UserName="somebody")
    key = iam.create_access_key(UserName="somebody")["AccessKey"]["AccessKeyId"]
    enrolled.aws.remote.age_key(key, 91)
    names = ALL[:-1]
    options = {
        "service_accounts": fleet(*names),
        "whole_account": True,
        "functions": enrolled.function_arns,
        "known_users": [service_account(name).get("iam_user", "") for name in names],
        "known_secrets": [service_account(name)["secret_name"] for name in names],
    }
    result: dict[str, object] = {}
    enrolled.expect_no_write(lambda: result.update(enrolled.run(rotation_info, **options)))
    found = {(item["id"], item["check"]): item["text"] for item in result["account_findings"]}
    assert set(found) == {("user-uncovered", "iam_rotate_access_key_90_days"), ("secret-uncovered", None)}
    assert "somebody" in found["user-uncovered", "iam_rotate_access_key_90_days"]
    assert service_account(ALL[-1])["secret_name"] in found["secret-uncovered", None]
    value = json.loads(secretsmanager.get_secret_value(SecretId=service_account(ALL[0])["secret_name"])["SecretString"])
    assert value["AWS_SECRET_ACCESS_KEY"] not in json.dumps(result)


def test_an_audit_follows_the_previous_key(enrolled: Lab) -> None:
    account, user = fleet("bitbucket"), service_account("bitbucket")["iam_user"]
    enrolled.changed(rotation_run, True, service_accounts=account, rotate_if="always")
    options = {"service_accounts": account, "whole_account": True, "functions": enrolled.function_arns}

    def ids(**more: object) -> list[str]:
        (entry,) = enrolled.run(rotation_info, **options, **more)["secrets"]
        return [finding["id"] for finding in entry["findings"]]

    assert ids() == ["key-inactive"]
    old = next(key.key_id for key in enrolled.aws.keys(user) if key.age_days)
    enrolled.aws.client("iam").update_access_key(UserName=user, AccessKeyId=old, Status="Active")
    assert ids() == ["key-too-old", "two-active-keys", "retirement-missing"]

    # A retirement that began 20 hours ago, of a key that was used just before.
    scheduler = enrolled.aws.client("scheduler")
    scheduler.create_schedule_group(Name="key-rotation")
    scheduler.create_schedule(
        GroupName="key-rotation",
        Name=f"retire-{old}",
        State="DISABLED",
        StartDate=datetime.fromtimestamp(enrolled.aws.remote.now(), UTC),
        ScheduleExpression="rate(4 hours)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": enrolled.function_arns["iam_access_key"], "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/everything"},
    )
    enrolled.aws.remote.age_key(old, 80, last_used_days=0)
    enrolled.aws.remote.advance(20 * 3600)
    assert ids() == ["two-active-keys", "retirement-overdue"]
    assert ids(quiet_hours=24) == ["two-active-keys", "retirement-postponed"]
