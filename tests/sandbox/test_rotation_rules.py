# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the rotation engine refuses and keeps, and when it rotates by itself."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import DAY, GOOD_ROTATION, Account, described, now

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "both rules": ({"AutomaticallyAfterDays": 1, "ScheduleExpression": "rate(1 day)"}, "exactly one"),
    "no rule": ({"Duration": "3h"}, "exactly one"),
    "1001 days": ({"AutomaticallyAfterDays": 1001}, "1-1000"),
    "3 hours": ({"ScheduleExpression": "rate(3 hours)"}, "4 hours"),
    "1000 days": ({"ScheduleExpression": "rate(1000 days)"}, "999 days"),
    "minutes": ({"ScheduleExpression": "rate(600 minutes)"}, "rate"),
    "cron minute": ({"ScheduleExpression": "cron(5 0 * * ? *)"}, "minutes must be 0"),
    "cron two days": ({"ScheduleExpression": "cron(0 0 1 * 2 *)"}, "exactly one of"),
    "cron year": ({"ScheduleExpression": "cron(0 0 1 * ? 2030)"}, "year"),
    "cron never": ({"ScheduleExpression": "cron(0 0 31 2 ? *)"}, "never fires"),
    "garbage": ({"ScheduleExpression": "tomorrow"}, "cron"),
    "duration": ({"AutomaticallyAfterDays": 1, "Duration": "25h"}, "Duration"),
    "past midnight": ({"ScheduleExpression": "cron(0 22 * * ? *)", "Duration": "3h"}, "midnight"),
    "into the next": ({"ScheduleExpression": "rate(4 hours)", "Duration": "5h"}, "next window"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_rules_change_nothing(account: Account, kind: str) -> None:
    rules, text = REFUSED[kind]
    _, function = account.rotating()
    before = described(account)
    with pytest.raises(ClientError, match=text) as refused:
        account.rotate(function, RotationRules=rules)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterException"
    after = described(account)
    assert {**after, "ResponseMetadata": 0} == {**before, "ResponseMetadata": 0}


def test_a_function_that_may_not_be_invoked_is_refused(account: Account) -> None:
    function = account.function(GOOD_ROTATION)
    account.secret()
    with pytest.raises(ClientError, match="cannot invoke the specified Lambda function") as refused:
        account.rotate(function)
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    account.functions.add_permission(
        FunctionName="f", StatementId="a", Action="lambda:InvokeFunction", Principal="secretsmanager.amazonaws.com"
    )
    with pytest.raises(ClientError, match="SourceAccount"):
        account.rotate(function)
    account.functions.remove_permission(FunctionName="f", StatementId="a")
    account.permit(SourceAccount="999999999999")
    with pytest.raises(ClientError, match="cannot invoke the specified Lambda function"):
        account.rotate(function)
    with pytest.raises(ClientError, match="can't find the Lambda function"):
        account.rotate(function + "x")
    assert "RotationEnabled" not in described(account)


def test_function_and_rules_are_kept_when_left_out(account: Account) -> None:
    _, function = account.rotating()
    with pytest.raises(ClientError, match="doesn't already have a Lambda function ARN"):
        account.rotate()
    account.rotate(function, RotationRules={"ScheduleExpression": "rate(10 days)", "Duration": "3h"})
    account.idle()
    account.rotate()
    account.idle()
    found = described(account)
    assert found["RotationLambdaARN"] == function
    assert found["RotationRules"] == {
        "ScheduleExpression": "rate(10 days)",
        "Duration": "3h",
        "AutomaticallyAfterDays": 10,
    }
    assert account.events().count("RotationSucceeded") == 2


def test_a_repeated_call_with_the_same_token_rotates_once(account: Account) -> None:
    _, function = account.rotating()
    token = str(uuid.uuid4())
    assert account.rotate(function, ClientRequestToken=token) == token
    assert account.rotate(function, ClientRequestToken=token) == token
    account.idle()
    assert account.rotate(function, ClientRequestToken=token) == token
    account.idle()
    assert account.events().count("RotationStarted") == 1


def test_a_schedule_in_days_fires_in_its_window(account: Account) -> None:
    _, function = account.rotating()
    account.rotate(function, RotateImmediately=False)
    account.idle()
    start = now(account)
    due = (start + timedelta(days=30)).replace(hour=0, minute=0, second=0, microsecond=0)
    assert described(account)["NextRotationDate"] == due + timedelta(days=1, seconds=-1)
    account.world.clock.advance((due - now(account)).total_seconds() - 60)
    assert "RotationStarted" not in account.events()
    account.world.clock.advance(120)
    assert account.events()[-1] == "RotationSucceeded"
    assert due <= described(account)["LastRotatedDate"] < due + timedelta(seconds=90)
    assert described(account)["NextRotationDate"] == due + timedelta(days=31, seconds=-1)
    account.world.clock.advance(60 * DAY)
    assert account.events().count("RotationSucceeded") == 3


def test_the_window_knob_moves_the_start_to_its_end(account: Account) -> None:
    _, function = account.rotating()
    account.world.set_knobs({"rotation_window": "end"})
    account.rotate(function, RotateImmediately=False, RotationRules={"AutomaticallyAfterDays": 2, "Duration": "3h"})
    account.idle()
    midnight = now(account).replace(hour=0, minute=0, second=0, microsecond=0)
    opens = midnight + timedelta(days=2)
    account.world.clock.advance((opens - now(account)).total_seconds() + 2 * 3600)
    assert "RotationStarted" not in account.events()
    account.world.clock.advance(3600)
    assert account.events()[-1] == "RotationSucceeded"


def test_a_cron_schedule_fires_at_its_hour(account: Account) -> None:
    _, function = account.rotating()
    rules = {"ScheduleExpression": "cron(0 16 1,15 * ? *)", "Duration": "2h"}
    account.rotate(function, RotateImmediately=False, RotationRules=rules)
    account.idle()
    last_second = described(account)["NextRotationDate"].astimezone(UTC)
    assert (last_second.day in (1, 15), last_second.hour, last_second.minute, last_second.second) == (True, 17, 59, 59)
    opens = last_second - timedelta(hours=2) + timedelta(seconds=1)
    account.world.clock.advance((opens - now(account)).total_seconds() + 30)
    assert account.events()[-1] == "RotationSucceeded"
    assert described(account)["LastRotatedDate"] >= opens


def test_a_value_put_by_hand_begins_a_new_period(account: Account) -> None:
    _, function = account.rotating()
    account.rotate(function, RotateImmediately=False)
    account.idle()
    account.world.clock.advance(20 * DAY)
    account.secrets.put_secret_value(SecretId="s", SecretString="by hand")
    due = (now(account) + timedelta(days=30)).date()
    assert described(account)["NextRotationDate"].astimezone(UTC).date() == due
    account.world.clock.advance(20 * DAY)
    assert "RotationStarted" not in account.events()
