# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""EventBridge Scheduler: what it refuses, when it fires, as whom, and what becomes of failures."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import ACCOUNT, Account

HOUR = 3600.0
DAY = 86_400.0
GROUP_ARN = f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule-group/g"
PRINTS = "def handler(event, context):\n    print('ran', event)\n"


class Schedules:
    """A function as target, a role that may invoke it, and a group."""

    def __init__(self, account: Account, actions: list[str] | None = None, source: str = PRINTS) -> None:
        self.account = account
        self.function = account.function(source)
        condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": GROUP_ARN}}
        allowed = ["lambda:InvokeFunction", "sqs:SendMessage"] if actions is None else actions
        self.role = account.role("caller", allowed, "scheduler.amazonaws.com", condition=condition)
        account.schedules.create_schedule_group(Name="g")

    def params(self, expression: str, **more: Any) -> dict[str, Any]:
        target = {"Arn": self.function, "RoleArn": self.role, "Input": '{"a": 1}', **more.pop("target", {})}
        return {
            "Name": "n",
            "GroupName": "g",
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": target,
            **more,
        }

    def create(self, expression: str, **more: Any) -> None:
        self.account.schedules.create_schedule(**self.params(expression, **more))

    def runs(self) -> int:
        groups = self.account.logs.describe_log_groups()["logGroups"]
        if not groups:
            return 0
        found = self.account.logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="ran")
        return len(found["events"])

    def names(self) -> list[str]:
        return [found["Name"] for found in self.account.schedules.list_schedules()["Schedules"]]


def at(moment: datetime) -> str:
    return f"at({moment:%Y-%m-%dT%H:%M:%S})"


def now(account: Account) -> datetime:
    return account.world.clock.utcnow()


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_one_time_schedule_fires_once_and_is_deleted(account: Account) -> None:
    schedules = Schedules(account)
    schedules.create(at(now(account) + timedelta(hours=24)), ActionAfterCompletion="DELETE")
    account.world.clock.advance(24 * HOUR - 60)
    assert (schedules.runs(), schedules.names()) == (0, ["n"])
    account.world.clock.advance(61)
    assert (schedules.runs(), schedules.names()) == (1, [])
    entry = next(one for one in account.world.journal if "assumed-role/caller/n" in str(one["principal"]))
    assert (entry["action"], entry["allowed"], entry["resource"]) == ("Invoke", True, schedules.function)


def test_a_rate_fires_at_its_start_date_and_every_interval_from_it(account: Account) -> None:
    schedules = Schedules(account)
    start = (now(account) + timedelta(hours=24)).replace(microsecond=0)
    schedules.create("rate(6 hours)", StartDate=start)
    assert account.schedules.get_schedule(Name="n", GroupName="g")["StartDate"] == start
    account.world.clock.advance(24 * HOUR - 60)
    assert schedules.runs() == 0
    account.world.clock.advance(120)
    assert schedules.runs() == 1
    account.world.clock.advance(DAY)
    assert schedules.runs() == 5
    account.schedules.delete_schedule(Name="n", GroupName="g")
    account.world.clock.advance(DAY)
    assert schedules.runs() == 5


def test_a_rate_without_start_fires_at_once_and_ends_at_its_end_date(account: Account) -> None:
    schedules = Schedules(account)
    end = now(account) + timedelta(hours=13)
    schedules.create("rate(6 hours)", EndDate=end, ActionAfterCompletion="DELETE")
    account.world.clock.advance(1)
    assert schedules.runs() == 1
    account.world.clock.advance(DAY)
    assert (schedules.runs(), schedules.names()) == (3, [])


def test_a_cron_fires_at_its_hour(account: Account) -> None:
    schedules = Schedules(account)
    schedules.create("cron(30 4 * * ? *)")
    account.world.clock.advance(3 * DAY)
    assert schedules.runs() == 3


def test_update_replaces_everything(account: Account) -> None:
    schedules = Schedules(account)
    schedules.create("rate(6 hours)", StartDate=now(account) + timedelta(hours=1), Description="old")
    later = (now(account) + timedelta(hours=48)).replace(microsecond=0)
    account.schedules.update_schedule(**schedules.params("rate(6 hours)", StartDate=later))
    found = account.schedules.get_schedule(Name="n", GroupName="g")
    assert found["StartDate"] == later
    assert "Description" not in found
    account.world.clock.advance(47 * HOUR)
    assert schedules.runs() == 0
    account.world.clock.advance(2 * HOUR)
    assert schedules.runs() == 1


def test_a_disabled_schedule_does_not_fire(account: Account) -> None:
    schedules = Schedules(account)
    schedules.create("rate(6 hours)", State="DISABLED")
    account.world.clock.advance(DAY)
    assert schedules.runs() == 0
    account.schedules.update_schedule(**schedules.params("rate(6 hours)", State="ENABLED"))
    account.world.clock.advance(1)
    assert schedules.runs() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"ScheduleExpression": "tomorrow"},
        {"ScheduleExpression": "rate(0 hours)"},
        {"ScheduleExpression": "rate(1 hours)"},
        {"ScheduleExpression": "at(2020-01-01T00:00:00)"},
        {"ScheduleExpression": "at(2020-13-41T00:00:00)"},
        {"ScheduleExpression": "cron(0 0 1 * 2 *)"},
        {"ScheduleExpressionTimezone": "Moon/Crater"},
        {"StartDate": datetime(2020, 1, 1)},
        {"FlexibleTimeWindow": {"Mode": "FLEXIBLE"}},
    ],
    ids=str,
)
def test_garbage_is_refused(account: Account, change: dict[str, Any]) -> None:
    schedules = Schedules(account)
    with pytest.raises(ClientError) as refused:
        account.schedules.create_schedule(**{**schedules.params("rate(6 hours)"), **change})
    assert code(refused) == "ValidationException"
    assert schedules.names() == []


def test_a_start_date_of_four_minutes_ago_is_accepted(account: Account) -> None:
    schedules = Schedules(account)
    schedules.create("rate(6 hours)", StartDate=now(account) - timedelta(minutes=4))
    account.world.clock.advance(6 * HOUR)
    assert schedules.runs() == 1


def test_names_groups_and_tokens(account: Account) -> None:
    schedules = Schedules(account)
    schedules.create("rate(6 hours)", StartDate=now(account) + timedelta(days=1), ClientToken="t" * 10)
    schedules.create("rate(6 hours)", ClientToken="t" * 10)
    with pytest.raises(ClientError) as refused:
        schedules.create("rate(6 hours)", ClientToken="u" * 10)
    assert code(refused) == "ConflictException"
    for call, params in (
        (account.schedules.create_schedule, schedules.params("rate(6 hours)", GroupName="nobody")),
        (account.schedules.get_schedule, {"Name": "nobody", "GroupName": "g"}),
        (account.schedules.get_schedule, {"Name": "n", "GroupName": "nobody"}),
        (account.schedules.update_schedule, schedules.params("rate(6 hours)", Name="nobody")),
        (account.schedules.delete_schedule, {"Name": "nobody", "GroupName": "g"}),
        (account.schedules.delete_schedule_group, {"Name": "nobody"}),
    ):
        with pytest.raises(ClientError) as refused:
            call(**params)
        assert code(refused) == "ResourceNotFoundException"
    with pytest.raises(ClientError) as refused:
        account.schedules.create_schedule_group(Name="g")
    assert code(refused) == "ConflictException"
    account.schedules.delete_schedule_group(Name="g")
    account.world.clock.advance(3 * DAY)
    assert schedules.runs() == 0


def test_a_role_that_does_not_trust_scheduler_for_this_group_is_refused(account: Account) -> None:
    schedules = Schedules(account)
    other = {"StringEquals": {"aws:SourceArn": GROUP_ARN + "x"}}
    wrong = account.role("wrong", ["lambda:InvokeFunction"], "scheduler.amazonaws.com", condition=other)
    for role in (wrong, account.role("stranger", [], "lambda.amazonaws.com"), schedules.role + "x"):
        with pytest.raises(ClientError, match="must allow AWS EventBridge Scheduler to assume the role"):
            schedules.create("rate(6 hours)", target={"RoleArn": role})


DEAD = f"arn:aws:sqs:us-east-1:{ACCOUNT}:dead"


@pytest.mark.parametrize(
    ("policy", "seconds", "exhausted", "attempts"),
    [
        ({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 3600}, 180, "MaximumRetryAttempts", "2"),
        ({"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 600}, 420, "MaximumEventAgeInSeconds", "3"),
    ],
)
def test_a_role_without_permission_ends_in_the_dead_letters(
    account: Account, policy: dict[str, int], seconds: float, exhausted: str, attempts: str
) -> None:
    url = account.queues.create_queue(QueueName="dead")["QueueUrl"]
    schedules = Schedules(account, actions=["sqs:SendMessage"])
    fires = now(account) + timedelta(hours=1)
    schedules.create(at(fires), target={"DeadLetterConfig": {"Arn": DEAD}, "RetryPolicy": policy})
    account.world.clock.advance(HOUR + seconds - 2)
    assert account.queues.receive_message(QueueUrl=url).get("Messages") is None
    account.world.clock.advance(4)
    (message,) = account.queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    assert json.loads(message["Body"]) == {
        "FunctionName": schedules.function,
        "InvocationType": "Event",
        "Payload": '{"a": 1}',
    }
    attributes = {name: found["StringValue"] for name, found in message["MessageAttributes"].items()}
    assert len(attributes.pop("EXECUTION_ID")) == 16
    assert "may not call lambda:InvokeFunction" in attributes.pop("ERROR_MESSAGE")
    assert attributes == {
        "ERROR_CODE": "AccessDeniedException",
        "EXHAUSTED_RETRY_CONDITION": exhausted,
        "IS_PAYLOAD_TRUNCATED": "false",
        "RETRY_ATTEMPTS": attempts,
        "SCHEDULED_TIME": f"{fires:%Y-%m-%dT%H:%M:%SZ}",
        "SCHEDULE_ARN": f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/g/n",
        "TARGET_ARN": "arn:aws:scheduler:::aws-sdk:lambda:invoke",
    }
    account.world.clock.advance(DAY)
    sent = [call for call in account.world.journal if call["action"] == "SendMessage"]
    assert [(call["allowed"], call["resource"]) for call in sent] == [(True, DEAD)]
    assert schedules.runs() == 0


def test_a_queue_that_is_gone_leaves_a_dead_letter_as_in_the_user_guide(account: Account) -> None:
    url = account.queues.create_queue(QueueName="dead")["QueueUrl"]
    target = {
        "Arn": DEAD.replace(":dead", ":gone"),
        "DeadLetterConfig": {"Arn": DEAD},
        "RetryPolicy": {"MaximumRetryAttempts": 0},
    }
    Schedules(account).create(at(now(account) + timedelta(hours=1)), target=target)
    account.world.clock.advance(HOUR + 1)
    (message,) = account.queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    gone = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/gone"
    assert json.loads(message["Body"]) == {"MessageBody": '{"a": 1}', "QueueUrl": gone}
    attributes = {name: found["StringValue"] for name, found in message["MessageAttributes"].items()}
    assert attributes["ERROR_CODE"] == "AWS.SimpleQueueService.NonExistentQueue"
    assert attributes["TARGET_ARN"] == "arn:aws:scheduler:::aws-sdk:sqs:sendMessage"


@pytest.mark.parametrize("missing", ["the right", "the trust", "the queue"])
def test_a_dead_letter_that_cannot_be_sent_is_lost(account: Account, missing: str) -> None:
    url = account.queues.create_queue(QueueName="dead")["QueueUrl"]
    schedules = Schedules(account, actions=[] if missing == "the right" else ["sqs:SendMessage"])
    target = {"DeadLetterConfig": {"Arn": DEAD}, "RetryPolicy": {"MaximumRetryAttempts": 0}}
    schedules.create(at(now(account) + timedelta(hours=1)), target=target)
    if missing == "the trust":
        nobody = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [nobody]})
        account.iam.update_assume_role_policy(RoleName="caller", PolicyDocument=document)
    if missing == "the queue":
        account.queues.delete_queue(QueueUrl=url)
    account.world.clock.advance(DAY)
    assert [call["error"] for call in account.world.journal if call["action"] == "SendMessage"] == [
        "AWS.SimpleQueueService.NonExistentQueue" if missing == "the queue" else "AccessDeniedException"
    ]
    if missing != "the queue":
        assert account.queues.receive_message(QueueUrl=url).get("Messages") is None


@pytest.mark.parametrize(
    "target",
    [
        {"DeadLetterConfig": {"Arn": f"arn:aws:sns:us-east-1:{ACCOUNT}:dead"}},
        {"DeadLetterConfig": {"Arn": f"{DEAD}.fifo"}},
        {"DeadLetterConfig": {"Arn": DEAD.replace("us-east-1", "eu-west-1")}},
        {"RetryPolicy": {"MaximumEventAgeInSeconds": 86_401}},
        {"RetryPolicy": {"MaximumRetryAttempts": 186}},
    ],
)
def test_a_target_that_aws_refuses(account: Account, target: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refused:
        Schedules(account).create("rate(6 hours)", target=target)
    assert code(refused) == "ValidationException"


def test_a_delivery_that_failed_is_tried_again(account: Account) -> None:
    schedules = Schedules(account, actions=[])
    schedules.create(at(now(account) + timedelta(hours=1)))
    account.world.clock.advance(HOUR + 1)
    statement = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": schedules.function}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.iam.put_role_policy(RoleName="caller", PolicyName="own", PolicyDocument=document)
    account.world.clock.advance(61)
    assert schedules.runs() == 1


def test_reset_forgets_every_schedule(account: Account) -> None:
    schedules = Schedules(account)
    schedules.create("rate(6 hours)", StartDate=now(account) + timedelta(hours=1))
    account.control("reset", {})
    account.world.clock.advance(DAY)
    assert account.world.journal == []
