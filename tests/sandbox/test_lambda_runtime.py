# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Lambda processes: what a function sees, how it can end, and what its log keeps."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import ACCOUNT, LOG_ACTIONS, Account, until


def test_a_function_sees_what_aws_gives_and_nothing_of_ours(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET_OF_THE_PARENT", "x")
    account.function(
        """
import os
def handler(event, context):
    return {"environment": dict(os.environ), "arn": context.invoked_function_arn, "id": context.aws_request_id,
            "memory": context.memory_limit_in_mb, "left": context.get_remaining_time_in_millis(),
            "group": context.log_group_name, "stream": context.log_stream_name, "event": event}
""",
        MemorySize=256,
        Environment={"Variables": {"OWN": "1"}},
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"},
    )
    seen, error = account.invoke(event={"a": 1})
    assert error is None
    environment = seen["environment"]
    assert environment["OWN"] == "1"
    assert environment["AWS_LAMBDA_FUNCTION_NAME"] == "f"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert environment["AWS_ENDPOINT_URL"] == account.world.endpoint
    assert environment["AWS_LAMBDA_LOG_FORMAT"] == "JSON"
    assert environment["AWS_LAMBDA_LOG_LEVEL"] == "DEBUG"
    assert "A_SECRET_OF_THE_PARENT" not in environment
    assert seen["arn"] == f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f"
    assert (seen["memory"], seen["group"], seen["event"]) == ("256", "/aws/lambda/f", {"a": 1})
    assert 15_000 < seen["left"] <= 20_000
    assert "[$LATEST]" in seen["stream"]


def test_only_the_runtime_and_boto3_can_be_imported(account: Account) -> None:
    account.function(
        """
import importlib.util
def handler(event, context):
    return [name for name in event if importlib.util.find_spec(name)]
"""
    )
    found, _ = account.invoke(event=["boto3", "awslambdaric", "moto", "ansible", "sandbox", "pytest"])
    assert found == ["boto3", "awslambdaric"]


def test_calls_are_made_and_judged_as_the_execution_role(account: Account) -> None:
    source = """
import boto3
def handler(event, context):
    who = boto3.client("sts").get_caller_identity()["Arn"]
    boto3.client("secretsmanager").create_secret(Name="x", SecretString="y")
    return who
"""
    account.function(source, "may", ["secretsmanager:CreateSecret"])
    account.function(source, "maynot", [])
    assert account.invoke("may") == (f"arn:aws:sts::{ACCOUNT}:assumed-role/may-role/may", None)
    payload, error = account.invoke("maynot")
    assert error == "Unhandled"
    assert "is not authorized to perform: secretsmanager:CreateSecret" in payload["errorMessage"]


def test_the_process_stays_warm_until_the_configuration_changes(account: Account) -> None:
    account.function("import os\ndef handler(event, context):\n    return os.getpid()\n")
    first, _ = account.invoke()
    assert account.invoke()[0] == first
    account.functions.update_function_configuration(FunctionName="f", Environment={"Variables": {"NEW": "1"}})
    assert account.invoke()[0] != first


def test_several_events_at_once_run_in_several_processes(account: Account) -> None:
    account.function("import os, time\ndef handler(event, context):\n    time.sleep(0.5)\n    return os.getpid()\n")
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(account.invoke()[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 3


def test_an_error_has_the_shape_of_aws(account: Account) -> None:
    account.function("def handler(event, context):\n    raise KeyError('gone')\n")
    payload, error = account.invoke()
    assert error == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == ("KeyError", "'gone'")
    assert payload["requestId"]
    assert "raise KeyError" in "".join(payload["stackTrace"])


def test_a_timeout_ends_the_process(account: Account) -> None:
    account.function(
        "import os, time\ndef handler(event, context):\n    time.sleep(event.get('s', 0))\n    return os.getpid()\n",
        Timeout=1,
    )
    first, _ = account.invoke()
    payload, error = account.invoke(event={"s": 20})
    assert (error, payload["errorType"]) == ("Unhandled", "Sandbox.Timedout")
    assert payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert account.invoke()[0] != first


def test_a_handler_that_cannot_be_imported_says_so_every_time(account: Account) -> None:
    account.function("import nothing_of_this_name\n")
    for _ in range(2):
        payload, error = account.invoke()
        assert (error, payload["errorType"]) == ("Unhandled", "Runtime.ImportModuleError")


def test_a_fault_kills_the_process_that_makes_the_call(account: Account) -> None:
    account.function(
        """
import boto3
def handler(event, context):
    boto3.client("secretsmanager").create_secret(Name=event["name"], SecretString="y")
""",
        actions=["secretsmanager:CreateSecret"],
    )
    wish = {"service": "secretsmanager", "action": "CreateSecret", "kind": "kill", "when": "after"}
    account.control("faults", wish)
    payload, error = account.invoke(event={"name": "one"})
    assert (error, payload["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert payload["errorMessage"].endswith("signal: killed")
    assert account.secrets.describe_secret(SecretId="one")["Name"] == "one"
    assert account.invoke(event={"name": "two"}) == (None, None)


def test_the_process_lives_on_the_virtual_clock(account: Account) -> None:
    account.function(
        """
import datetime, logging, time, email.utils
def handler(event, context):
    logging.getLogger().warning("stamped")
    parsed = datetime.datetime.strptime("2026-01-01", "%Y-%m-%d")
    started = time.monotonic()
    return {"time": time.time(), "ns": time.time_ns(), "now": datetime.datetime.now(datetime.timezone.utc).isoformat(),
            "utcnow": datetime.datetime.utcnow().isoformat(), "today": datetime.date.today().isoformat(),
            "gm": time.strftime("%Y-%m-%d", time.gmtime()), "left": context.get_remaining_time_in_millis(),
            "like": [isinstance(parsed, datetime.datetime), isinstance(parsed, datetime.date),
                     issubclass(datetime.datetime, datetime.date)]}
"""
    )
    account.invoke()
    account.world.clock.advance(100 * 86_400)
    seen, error = account.invoke()
    assert error is None
    now = account.world.clock.now()
    assert now - 5 < seen["time"] <= now
    assert abs(seen["ns"] / 1e9 - seen["time"]) < 1
    assert abs(datetime.fromisoformat(seen["now"]).timestamp() - now) < 5
    assert datetime.fromisoformat(seen["utcnow"] + "+00:00") - datetime.fromisoformat(seen["now"]) < timedelta(
        seconds=1
    )
    assert seen["today"] == seen["gm"] == seen["now"][:10]
    assert 15_000 < seen["left"] <= 20_000
    assert seen["like"] == [True, True, True]
    stamped = account.logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern="stamped")["events"]
    assert seen["now"][:10] in stamped[-1]["message"]
    assert abs(stamped[-1]["timestamp"] / 1000 - now) < 5


@pytest.mark.parametrize("missing", LOG_ACTIONS)
def test_a_role_that_may_not_log_leaves_no_log(account: Account, missing: str) -> None:
    account.function('def handler(event, context):\n    print("said")\n    return "done"\n')
    rest = {"Effect": "Allow", "Action": [action for action in LOG_ACTIONS if action != missing], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [rest]})
    account.iam.put_role_policy(RoleName="f-role", PolicyName="own", PolicyDocument=document)
    assert account.invoke() == ("done", None)
    groups = account.logs.describe_log_groups()["logGroups"]
    assert bool(groups) is (missing != "logs:CreateLogGroup")
    if groups:
        assert account.logs.filter_log_events(logGroupName="/aws/lambda/f")["events"] == []


def test_the_log_is_in_cloudwatch_and_can_be_searched(account: Account) -> None:
    account.function('def handler(event, context):\n    print("alpha beta")\n    print("alpha gamma")\n')
    account.invoke()

    def lines(pattern: str) -> list[str]:
        found = account.logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern=pattern)["events"]
        return [event["message"] for event in found]

    assert lines('"alpha beta"') == ["alpha beta"]
    assert lines("alpha gamma") == ["alpha gamma"]
    assert lines('"alpha" "gamma"') == ["alpha gamma"]
    assert lines("nowhere") == []
    assert lines("?beta ?gamma") == ["alpha beta", "alpha gamma"]
    assert lines("alpha -beta") == ["alpha gamma"]
    assert [line.split(" ")[0] for line in lines("RequestId")] == ["START", "END", "REPORT"]


def test_json_lines_are_found_by_their_fields(account: Account) -> None:
    account.function(
        """
import logging
def handler(event, context):
    logging.getLogger().error("bad", extra={"count": 3})
    logging.getLogger().warning("less bad")
""",
        LoggingConfig={"LogFormat": "JSON"},
    )
    account.invoke()

    def count(pattern: str) -> int:
        return len(account.logs.filter_log_events(logGroupName="/aws/lambda/f", filterPattern=pattern)["events"])

    assert count('{ $.level = "ERROR" }') == 1
    assert count('{ $.level = "ERROR" || $.level = "WARN*" }') == 2
    assert count('{ $.level = "ERROR" && $.message = "less bad" }') == 0
    assert count('{ $.type = "platform.report" && $.record.metrics.memorySizeMB > 100 }') == 1
    with pytest.raises(ClientError, match="Invalid filter pattern"):
        count("{ nonsense }")


def test_reset_ends_every_process(account: Account) -> None:
    account.function("import os, time\ndef handler(event, context):\n    time.sleep(30)\n")
    results: list[tuple[object, str | None]] = []
    thread = threading.Thread(target=lambda: results.append(account.invoke()))
    thread.start()
    until(lambda: any(entry["action"] == "Invoke" for entry in account.world.journal))
    account.control("reset", {})
    thread.join(20)
    assert results[0][1] == "Unhandled"
