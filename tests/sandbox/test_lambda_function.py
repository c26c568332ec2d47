# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Lambda's control side: what a function keeps, when it settles, its policy, asynchronous events."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import ACCOUNT, Account, zipped

GOOD = "def handler(event, context):\n    return event\n"


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def queue(account: Account, name: str) -> tuple[str, str]:
    url = account.queues.create_queue(QueueName=name)["QueueUrl"]
    return url, f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"


def received(account: Account, url: str) -> list[dict[str, Any]]:
    found = account.queues.receive_message(QueueUrl=url, MessageAttributeNames=["All"], MaxNumberOfMessages=10)
    return list(found.get("Messages", []))


def test_a_function_keeps_its_configuration(account: Account) -> None:
    _, dead_letters = queue(account, "dead")
    role = account.role("r", ["sqs:SendMessage"])
    settings = {
        "DeadLetterConfig": {"TargetArn": dead_letters},
        "Architectures": ["arm64"],
        "EphemeralStorage": {"Size": 1024},
        "TracingConfig": {"Mode": "Active"},
        "KMSKeyArn": f"arn:aws:kms:us-east-1:{ACCOUNT}:key/11111111-1111-1111-1111-111111111111",
        "LoggingConfig": {
            "LogFormat": "JSON",
            "ApplicationLogLevel": "WARN",
            "SystemLogLevel": "INFO",
            "LogGroup": "g",
        },
        "Environment": {"Variables": {"A": "1"}},
        "Timeout": 60,
        "MemorySize": 256,
        "Description": "d",
    }
    package = zipped(GOOD)
    made = account.functions.create_function(
        FunctionName="f", Runtime="python3.13", Handler="f.handler", Role=role, Code={"ZipFile": package},
        Tags={"owner": "me"}, **settings,
    )  # fmt: skip
    assert made["State"] == "Pending"
    found = account.functions.get_function(FunctionName="f")
    for config in (made, found["Configuration"]):
        assert {name: config[name] for name in settings} == settings
        assert config["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
        assert config["CodeSize"] == len(package)
    assert found["Tags"] == {"owner": "me"}


def test_a_function_settles_after_it_was_looked_at(account: Account) -> None:
    account.world.set_knobs({"function_pending_reads": 2})
    role = account.role("r", [])
    account.functions.create_function(
        FunctionName="f", Runtime="python3.13", Handler="f.handler", Role=role, Code={"ZipFile": zipped(GOOD)}
    )
    with pytest.raises(ClientError) as refused:
        account.functions.invoke(FunctionName="f")
    assert code(refused) == "ResourceConflictException"
    states = [account.functions.get_function_configuration(FunctionName="f")["State"] for _ in range(3)]
    assert states == ["Pending", "Pending", "Active"]
    assert (
        account.functions.update_function_configuration(FunctionName="f", Timeout=9)["LastUpdateStatus"] == "InProgress"
    )
    with pytest.raises(ClientError, match="An update is in progress") as refused:
        account.functions.update_function_code(FunctionName="f", ZipFile=zipped(GOOD + "\n"))
    assert code(refused) == "ResourceConflictException"
    statuses = [account.functions.get_function_configuration(FunctionName="f")["LastUpdateStatus"] for _ in range(3)]
    assert statuses == ["InProgress", "InProgress", "Successful"]


def test_a_function_nobody_looks_at_settles_by_itself(account: Account) -> None:
    account.world.set_knobs({"function_pending_reads": 100})
    role = account.role("r", [])
    account.functions.create_function(
        FunctionName="f", Runtime="python3.13", Handler="f.handler", Role=role, Code={"ZipFile": zipped(GOOD)}
    )
    account.world.clock.advance(4)
    assert account.invoke(event={"a": 1}) == ({"a": 1}, None)


def test_updates_replace_what_they_name_and_keep_the_rest(account: Account) -> None:
    account.function(GOOD, Environment={"Variables": {"A": "1"}}, LoggingConfig={"LogFormat": "JSON"}, Timeout=7)
    before = account.functions.get_function_configuration(FunctionName="f")
    account.functions.update_function_configuration(FunctionName="f", Environment={})
    account.settle("f")
    account.functions.update_function_configuration(
        FunctionName="f",
        TracingConfig={"Mode": "Active"},
        EphemeralStorage={"Size": 600},
        LoggingConfig={"ApplicationLogLevel": "DEBUG"},
    )
    account.settle("f")
    found = account.functions.get_function_configuration(FunctionName="f")
    assert "Environment" not in found
    assert found["Timeout"] == 7
    assert found["TracingConfig"] == {"Mode": "Active"}
    assert found["EphemeralStorage"] == {"Size": 600}
    assert found["LoggingConfig"]["LogFormat"] == "JSON"
    assert found["LoggingConfig"]["ApplicationLogLevel"] == "DEBUG"
    assert found["RevisionId"] != before["RevisionId"]


def test_new_code_runs_and_dry_run_changes_nothing(account: Account) -> None:
    account.function(GOOD)
    assert account.invoke(event={"a": 1})[0] == {"a": 1}
    new = zipped("def handler(event, context):\n    return 'new'\n")
    account.functions.update_function_code(FunctionName="f", ZipFile=new, DryRun=True)
    assert account.invoke(event={"a": 1})[0] == {"a": 1}
    changed = account.functions.update_function_code(FunctionName="f", ZipFile=new, Architectures=["arm64"])
    assert changed["CodeSha256"] == base64.b64encode(hashlib.sha256(new).digest()).decode()
    assert changed["Architectures"] == ["arm64"]
    assert account.invoke()[0] == "new"


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"Timeout": 901}, "InvalidParameterValueException"),
        ({"MemorySize": 64_000}, "InvalidParameterValueException"),
        ({"Code": {"ZipFile": b"this is no zip"}}, "InvalidParameterValueException"),
        ({"Role": f"arn:aws:iam::{ACCOUNT}:role/nobody"}, "InvalidParameterValueException"),
    ],
)
def test_bad_functions_are_refused(account: Account, settings: dict[str, Any], error: str) -> None:
    params = {"Role": account.role("r", []), "Code": {"ZipFile": zipped(GOOD)}, **settings}
    with pytest.raises(ClientError) as refused:
        account.functions.create_function(FunctionName="f", Runtime="python3.13", Handler="f.handler", **params)
    assert code(refused) == error


def test_the_role_may_enter_the_vpc(account: Account) -> None:
    ec2 = account.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    groups = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [subnet["VpcId"]]}])
    vpc = {"SubnetIds": [subnet["SubnetId"]], "SecurityGroupIds": [groups["SecurityGroups"][0]["GroupId"]]}
    params: dict[str, Any] = {"Runtime": "python3.13", "Handler": "f.handler", "Code": {"ZipFile": zipped(GOOD)}}
    poor = account.role("poor", [])
    with pytest.raises(ClientError, match="CreateNetworkInterface on EC2"):
        account.functions.create_function(FunctionName="f", Role=poor, VpcConfig=vpc, **params)
    account.functions.create_function(FunctionName="f", Role=poor, **params)
    account.functions.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 1})
    with pytest.raises(ClientError, match="CreateNetworkInterface on EC2"):
        account.functions.update_function_configuration(FunctionName="f", VpcConfig=vpc)
    rights = ("*NetworkInterface*", "DescribeSubnets", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses")
    rich = account.role("rich", [f"ec2:{one}" for one in rights])
    account.functions.create_function(FunctionName="g", Role=rich, VpcConfig=vpc, **params)


def test_the_role_must_trust_lambda_and_may_feed_the_dead_letter_queue(account: Account) -> None:
    _, dead_letters = queue(account, "dead")
    stranger = account.role("stranger", [], service="ec2.amazonaws.com")
    poor = account.role("poor", [])
    params: dict[str, Any] = {"Runtime": "python3.13", "Handler": "f.handler", "Code": {"ZipFile": zipped(GOOD)}}
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        account.functions.create_function(FunctionName="f", Role=stranger, **params)
    with pytest.raises(ClientError, match="SendMessage on SQS"):
        account.functions.create_function(
            FunctionName="f", Role=poor, DeadLetterConfig={"TargetArn": dead_letters}, **params
        )


def test_a_stale_revision_is_refused(account: Account) -> None:
    account.function(GOOD)
    with pytest.raises(ClientError) as refused:
        account.functions.update_function_configuration(FunctionName="f", Timeout=9, RevisionId="other")
    assert code(refused) == "PreconditionFailedException"


def test_a_statement_id_is_taken_once(account: Account) -> None:
    account.function(GOOD)
    account.permit()
    with pytest.raises(ClientError, match="already exists") as refused:
        account.permit()
    assert code(refused) == "ResourceConflictException"
    policy = json.loads(account.functions.get_policy(FunctionName="f")["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == ["secretsmanager"]


def test_reserved_concurrency_is_kept_and_enforced(account: Account) -> None:
    account.function(GOOD)
    account.functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    found = account.functions.get_function(FunctionName="f")
    assert found["Concurrency"] == {"ReservedConcurrentExecutions": 0}
    with pytest.raises(ClientError) as refused:
        account.functions.invoke(FunctionName="f")
    assert code(refused) == "TooManyRequestsException"
    account.functions.delete_function_concurrency(FunctionName="f")
    assert account.invoke(event={"a": 1}) == ({"a": 1}, None)


def test_kinds_of_invocation(account: Account) -> None:
    account.function("def handler(event, context):\n    print('ran')\n    return 7\n")
    assert account.functions.invoke(FunctionName="f", InvocationType="DryRun")["StatusCode"] == 204
    accepted = account.functions.invoke(FunctionName="f", InvocationType="Event", Payload=b"{}")
    assert accepted["StatusCode"] == 202
    account.idle()
    direct = account.functions.invoke(FunctionName="f", LogType="Tail")
    assert direct["Payload"].read() == b"7"
    assert direct["ExecutedVersion"] == "$LATEST"
    assert base64.b64decode(direct["LogResult"]) == b"ran"
    lines = account.logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="ran")["events"]
    assert len(lines) == 2
    with pytest.raises(ClientError) as refused:
        account.functions.invoke(FunctionName="f", Payload=b"{no json")
    assert code(refused) == "InvalidRequestContentException"
    with pytest.raises(ClientError) as refused:
        account.functions.invoke(FunctionName="nobody")
    assert code(refused) == "ResourceNotFoundException"


def test_a_failing_event_is_tried_three_times_and_goes_to_the_dead_letters(account: Account) -> None:
    url, dead_letters = queue(account, "dead")
    account.function(
        "def handler(event, context):\n    print('tried')\n    raise ValueError('no')\n",
        actions=["sqs:SendMessage"],
        DeadLetterConfig={"TargetArn": dead_letters},
    )
    account.functions.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"a": 1}')

    def tries() -> int:
        found = account.logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="tried")
        return len(found["events"])

    account.idle()
    assert tries() == 1
    account.world.clock.advance(61)
    assert (tries(), received(account, url)) == (2, [])
    account.world.clock.advance(121)
    assert tries() == 3
    messages = received(account, url)
    assert [json.loads(message["Body"]) for message in messages] == [{"a": 1}]
    attributes = messages[0]["MessageAttributes"]
    assert attributes["ErrorMessage"]["StringValue"] == "ValueError"
    account.world.clock.advance(86_400)
    assert tries() == 3


def test_a_failing_event_goes_to_its_on_failure_destination(account: Account) -> None:
    url, destination = queue(account, "failed")
    account.function("def handler(event, context):\n    raise ValueError('no')\n", actions=["sqs:SendMessage"])
    account.functions.put_function_event_invoke_config(
        FunctionName="f", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": destination}}
    )
    account.functions.invoke(FunctionName="f", InvocationType="Event", Payload=b'{"a": 1}')
    account.idle()
    record = json.loads(received(account, url)[0]["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestPayload"] == {"a": 1}
    assert record["responsePayload"]["errorType"] == "ValueError"
