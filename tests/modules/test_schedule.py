# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""rotation_schedule: four ways, one failure stops nobody, other people's tags stay."""

from __future__ import annotations

import pytest

from ansible_collections.evergreen.key_rotation.plugins.modules import rotation_schedule
from ansible_collections.evergreen.key_rotation.tests.modules.conftest import ALL, Lab, service_account


def tags(lab: Lab, name: str) -> dict[str, str]:
    answer = lab.aws.client("secretsmanager").describe_secret(SecretId=service_account(name)["secret_name"])
    return {tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])}


def test_a_fleet_is_brought_in_four_ways_without_reading_a_value(functions: Lab) -> None:
    before = len(functions.aws.remote.journal())
    fleet = [service_account(name, notify_email="p@acmecorp.com") for name in ALL]
    result = functions.four_ways(rotation_schedule, service_accounts=fleet, functions=functions.function_arns)
    assert [entry["enrolled"] for entry in result["secrets"]] == [True] * 5
    operator = [
        call for call in functions.aws.remote.journal()[before:] if ":assumed-role/" not in (call["principal"] or "")
    ]
    assert "GetSecretValue" not in {call["action"] for call in operator}
    for name in ALL:
        answer = functions.aws.client("secretsmanager").describe_secret(SecretId=service_account(name)["secret_name"])
        assert answer["RotationEnabled"]
        assert answer.get("LastRotatedDate") is None, "attaching a schedule must not rotate"


@pytest.mark.parametrize(
    ("variables", "changes"),
    [
        ({"grace_period_hours": 48}, ["set key-rotation:grace-period-hours to 48"]),
        ({"disposable_keys": ["AKIAIOSFODNN7EXAMPLE"]}, ["set key-rotation:disposable-keys to AKIAIOSFODNN7EXAMPLE"]),
        ({"schedule_expression": "rate(30 days)"}, ["change the schedule: rate(30 days)"]),
        ({"rotation_window": "3h"}, ["change the schedule: every 85 days, window 3h"]),
    ],
)
def test_a_changed_variable_is_exactly_that_change(
    functions: Lab, variables: dict[str, object], changes: list[str]
) -> None:
    arns = functions.function_arns
    functions.changed(rotation_schedule, True, service_accounts=[service_account("bitbucket")], functions=arns)
    functions.aws.client("secretsmanager").tag_resource(
        SecretId=service_account("bitbucket")["secret_name"], Tags=[{"Key": "team", "Value": "platform"}]
    )
    fleet = [service_account("bitbucket", **variables)]
    result = functions.four_ways(rotation_schedule, service_accounts=fleet, functions=arns)
    assert result["secrets"][0]["changes"] == changes
    assert tags(functions, "bitbucket")["team"] == "platform"


def test_one_failure_stops_nobody(functions: Lab) -> None:
    fleet = [service_account("bitbucket", iam_user="nobody"), service_account("database-dev")]
    result = functions.run(rotation_schedule, service_accounts=fleet, functions=functions.function_arns)
    assert (result["failed"], result["changed"]) == (True, True)
    assert [entry["failed"] for entry in result["secrets"]] == [True, False]
    assert result["msg"].startswith("1 of 2 service accounts failed: bitbucket: IAM user nobody does not exist")
    assert tags(functions, "bitbucket") == {}


def test_a_user_of_another_secret_is_refused_unless_told(functions: Lab) -> None:
    arns = functions.function_arns
    functions.changed(rotation_schedule, True, service_accounts=[service_account("bitbucket")], functions=arns)
    thief = [service_account("ecr-deployments", iam_user="bitbucket")]
    functions.expect_no_write(lambda: functions.run(rotation_schedule, service_accounts=thief, functions=arns))
    refused = functions.run(rotation_schedule, service_accounts=thief, functions=arns)
    assert "is bound to another secret" in refused["msg"]
    assert service_account("bitbucket")["secret_name"] in refused["msg"]


def test_absent_leaves_what_is_not_ours(functions: Lab) -> None:
    arns = functions.function_arns
    fleet = [service_account(name) for name in ("bitbucket", "database-dev")]
    functions.changed(rotation_schedule, True, service_accounts=fleet, functions=arns)
    functions.aws.client("iam").tag_user(UserName="bitbucket", Tags=[{"Key": "cost", "Value": "7"}])
    functions.four_ways(rotation_schedule, service_accounts=fleet, functions=arns, state="absent")
    user = functions.aws.client("iam").get_user(UserName="bitbucket")["User"]
    assert user["Tags"] == [{"Key": "cost", "Value": "7"}]
    assert tags(functions, "bitbucket") == {}
