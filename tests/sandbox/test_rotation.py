# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The rotation engine: it runs four steps, notices every broken function, and retries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.account import ACCOUNT, DAY, GOOD_ROTATION, NO_RETRY, SECRETS_ACTIONS, Account, described, now


def test_a_rotation_runs_four_steps_and_moves_the_labels(account: Account) -> None:
    secret, function = account.rotating()
    first = account.labels()["AWSCURRENT"]
    token = account.rotate(function)
    assert described(account).get("LastRotatedDate") is None
    account.idle()
    assert account.labels() == {"AWSCURRENT": token, "AWSPREVIOUS": first}
    assert account.secrets.get_secret_value(SecretId="s")["SecretString"] == "value-" + token
    assert abs(described(account)["LastRotatedDate"] - now(account)) < timedelta(seconds=30)
    assert account.events() == ["RotationStarted", "RotationSucceeded"]
    steps = [entry for entry in account.world.journal if entry["principal"] == "secretsmanager.amazonaws.com"]
    assert [entry["ids"]["Step"] for entry in steps] == ["createSecret", "setSecret", "testSecret", "finishSecret"]
    assert {entry["resource"] for entry in steps} == {function}
    assert {entry["ids"]["SecretId"] for entry in steps} == {secret}
    assert account.control("events") == account.world.events


def test_the_pending_version_is_there_and_empty_before_the_function_runs(account: Account) -> None:
    _, function = account.rotating(
        """
import boto3
client = boto3.client("secretsmanager")
def handler(event, context):
    labels = client.describe_secret(SecretId=event["SecretId"])["VersionIdsToStages"]
    assert labels[event["ClientRequestToken"]] == ["AWSPENDING"]
    try:
        client.get_secret_value(SecretId=event["SecretId"], VersionStage="AWSPENDING")
    except client.exceptions.ResourceNotFoundException:
        raise RuntimeError("empty as it should be")
"""
    )
    account.world.set_knobs(NO_RETRY)
    account.rotate(function)
    account.idle()
    reasons = [event["detail"]["additionalEventData"].get("Reason") for event in account.world.events]
    assert reasons[-1] == "createSecret: RuntimeError"


BROKEN = {
    "always raises": ("def handler(event, context):\n    raise ValueError('no')\n", "createSecret: ValueError"),
    "finish does nothing": (
        GOOD_ROTATION.replace('event["Step"] == "finishSecret"', "False"),
        "finishSecret did not move AWSCURRENT",
    ),
    "moves the wrong label": (
        GOOD_ROTATION.replace('VersionStage="AWSCURRENT"', 'VersionStage="AWSPREVIOUS"').replace(
            "RemoveFromVersionId=current", ""
        ),
        "finishSecret did not move AWSCURRENT",
    ),
    "overwrites its pending value": (
        GOOD_ROTATION.replace(
            'if event["Step"] == "finishSecret":',
            'if event["Step"] == "setSecret":\n'
            '        client.put_secret_value(SecretId=secret, ClientRequestToken=token, SecretString="other",\n'
            '                                VersionStages=["AWSPENDING"])\n'
            '    if event["Step"] == "finishSecret":',
        ),
        "setSecret: ResourceExistsException",
    ),
    "leaves RemoveFromVersionId out": (
        GOOD_ROTATION.replace("RemoveFromVersionId=current", ""),
        "finishSecret: InvalidParameterException",
    ),
    "takes the label off a version that has it not": (
        GOOD_ROTATION.replace("RemoveFromVersionId=current", "RemoveFromVersionId=token"),
        "finishSecret: InvalidParameterException",
    ),
    "removes AWSCURRENT": (
        GOOD_ROTATION.replace("MoveToVersionId=token,", ""),
        "finishSecret: InvalidParameterException",
    ),
    "ends its process": (
        "import os\ndef handler(event, context):\n    os._exit(3)\n",
        "createSecret: Runtime.ExitError",
    ),
    "cannot be imported": ("import nothing_of_this_name\n", "createSecret: Runtime.ImportModuleError"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_function_is_noticed(account: Account, kind: str) -> None:
    source, reason = BROKEN[kind]
    _, function = account.rotating(source)
    before = account.labels()["AWSCURRENT"]
    account.world.set_knobs(NO_RETRY)
    token = account.rotate(function)
    account.idle()
    assert account.events() == ["RotationStarted", "RotationFailed"]
    assert account.world.events[-1]["detail"]["additionalEventData"]["Reason"] == reason
    assert account.labels()["AWSCURRENT"] == before
    assert account.labels()["AWSPENDING"] == token
    assert "LastRotatedDate" not in described(account)
    with pytest.raises(
        ClientError, match="A previous rotation isn\N{RIGHT SINGLE QUOTATION MARK}t complete"
    ) as refused:
        account.rotate()
    assert refused.value.response["Error"]["Code"] == "InvalidRequestException"


def test_a_function_that_promotes_an_empty_version_is_noticed(account: Account) -> None:
    _, function = account.rotating(GOOD_ROTATION.replace("client.put_secret_value(", "dict("))
    account.world.set_knobs(NO_RETRY)
    account.rotate(function)
    account.idle()
    assert account.events() == ["RotationStarted", "RotationFailed"]
    reason = account.world.events[-1]["detail"]["additionalEventData"]["Reason"]
    assert reason == "AWSCURRENT is on a version without a value"
    assert "LastRotatedDate" not in described(account)


def test_a_function_that_runs_too_long_is_killed(account: Account) -> None:
    account.function("import time\ndef handler(event, context):\n    time.sleep(30)\n", Timeout=1)
    account.permit()
    account.secret()
    account.world.set_knobs(NO_RETRY)
    account.rotate(f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f")
    account.idle()
    assert account.world.events[-1]["detail"]["additionalEventData"]["Reason"].startswith(
        "createSecret: Task timed out"
    )


def test_a_missing_permission_fails_the_rotation(account: Account) -> None:
    actions = [action for action in SECRETS_ACTIONS if "Put" not in action]
    function = account.function(GOOD_ROTATION, actions=actions)
    account.permit()
    account.secret()
    account.world.set_knobs(NO_RETRY)
    account.rotate(function)
    account.idle()
    denied = [entry for entry in account.world.journal if entry["error"] == "AccessDeniedException"]
    assert [entry["action"] for entry in denied] == ["PutSecretValue"]
    assert account.events()[-1] == "RotationFailed"


def test_a_function_killed_in_the_middle_is_retried_and_converges(account: Account) -> None:
    _, function = account.rotating()
    wish = {"service": "secretsmanager", "action": "PutSecretValue", "kind": "kill", "when": "after"}
    account.control("faults", wish)
    token = account.rotate(function)
    account.idle()
    assert account.events() == ["RotationStarted", "RotationFailed"]
    assert account.world.events[-1]["detail"]["additionalEventData"]["Reason"] == "createSecret: Runtime.ExitError"
    account.world.clock.advance(301)
    assert account.labels()["AWSCURRENT"] == token
    assert account.events()[-1] == "RotationSucceeded"


@pytest.mark.parametrize("retry", ["same", "new"])
def test_a_failed_rotation_is_retried_under_the_token_that_the_knob_says(account: Account, retry: str) -> None:
    _, function = account.rotating(
        GOOD_ROTATION.replace(
            "context):",
            'context):\n    assert not client.describe_secret(SecretId=event["SecretId"]).get("Tags")',
        )
    )
    account.world.set_knobs({"rotation_retry_token": retry, "rotation_retry_seconds": [300, 900]})
    account.secrets.tag_resource(SecretId="s", Tags=[{"Key": "broken", "Value": "yes"}])
    token = account.rotate(function)
    account.idle()
    account.world.clock.advance(301)
    assert account.events().count("RotationFailed") == 2
    account.secrets.untag_resource(SecretId="s", TagKeys=["broken"])
    account.world.clock.advance(901)
    assert account.events()[-1] == "RotationSucceeded"
    assert (account.labels()["AWSCURRENT"] == token) is (retry == "same")
    assert "AWSPENDING" not in account.labels()


def test_after_the_last_retry_the_empty_pending_version_dangles_until_the_next_window(account: Account) -> None:
    _, function = account.rotating(BROKEN["always raises"][0])
    account.world.set_knobs({"rotation_retry_seconds": [300]})
    token = account.rotate(function)
    account.idle()
    account.world.clock.advance(301)
    assert account.events().count("RotationFailed") == 2
    assert account.labels()["AWSPENDING"] == token
    account.world.clock.advance(DAY)
    assert account.events().count("RotationStarted") > 2


def test_a_value_put_by_hand_abandons_the_rotation(account: Account) -> None:
    _, function = account.rotating(
        GOOD_ROTATION.replace(
            'if event["Step"] == "finishSecret":',
            'if event["Step"] == "setSecret":\n'
            '        client.put_secret_value(SecretId=secret, SecretString="by hand")\n'
            '    if event["Step"] == "finishSecret":',
        )
    )
    account.rotate(function)
    account.idle()
    assert account.events() == ["RotationStarted", "RotationAbandoned"]
    assert account.secrets.get_secret_value(SecretId="s")["SecretString"] == "by hand"


def test_rotate_later_runs_the_test_alone(account: Account) -> None:
    _, function = account.rotating()
    before = account.labels()
    account.rotate(function, RotateImmediately=False)
    account.idle()
    steps = [e["ids"]["Step"] for e in account.world.journal if e["principal"] == "secretsmanager.amazonaws.com"]
    assert steps == ["testSecret"]
    assert account.labels() == before
    assert account.events() == ["TestRotationStarted", "TestRotationSucceeded"]
    found = described(account)
    assert found["RotationEnabled"] is True
    assert "LastRotatedDate" not in found
    assert len(account.secrets.list_secret_version_ids(SecretId="s", IncludeDeprecated=True)["Versions"]) == 1


@pytest.mark.parametrize(("holds", "error"), [("empty", "ResourceNotFoundException"), ("copy", None)])
def test_what_the_test_version_holds_is_a_knob(account: Account, holds: str, error: str | None) -> None:
    _, function = account.rotating(
        """
import boto3
client = boto3.client("secretsmanager")
def handler(event, context):
    found = client.get_secret_value(SecretId=event["SecretId"], VersionStage="AWSPENDING")
    assert found["SecretString"] == "first"
"""
    )
    account.world.set_knobs({"rotation_test_version": holds})
    account.rotate(function, RotateImmediately=False)
    account.idle()
    reason = account.world.events[-1]["detail"]["additionalEventData"].get("Reason")
    assert reason == (None if error is None else f"testSecret: {error}")


def test_cancel_turns_off_and_leaves_labels(account: Account) -> None:
    _, function = account.rotating(BROKEN["always raises"][0])
    account.rotate(function)
    account.idle()
    account.secrets.cancel_rotate_secret(SecretId="s")
    pending = account.labels()["AWSPENDING"]
    found = described(account)
    assert found["RotationEnabled"] is False
    assert "NextRotationDate" not in found
    account.world.clock.advance(40 * DAY)
    assert account.events().count("RotationStarted") == 1
    account.secrets.update_secret_version_stage(SecretId="s", VersionStage="AWSPENDING", RemoveFromVersionId=pending)
    assert "AWSPENDING" not in account.labels()


def test_five_rotations_at_once(account: Account) -> None:
    _, function = account.rotating()
    names = [f"s{number}" for number in range(5)]
    for name in names:
        account.secret(name)
        account.secrets.rotate_secret(
            SecretId=name, RotationLambdaARN=function, RotationRules={"AutomaticallyAfterDays": 30}
        )
    account.idle()
    assert account.events().count("RotationSucceeded") == 5


def test_the_rotation_token_is_nowhere_to_be_read(account: Account) -> None:
    _, function = account.rotating(
        GOOD_ROTATION.replace(
            "def handler(event, context):", 'def handler(event, context):\n    print(event["RotationToken"])'
        )
    )
    account.rotate(function)
    account.idle()
    lines = account.logs.filter_log_events(logGroupName="/aws/lambda/f")["events"]
    tokens = {line["message"] for line in lines if len(line["message"]) == 36}
    assert len(tokens) == 1
    assert not any(token in str([account.world.journal, account.world.events]) for token in tokens)
