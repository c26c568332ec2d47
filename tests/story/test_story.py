# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The main job, end to end: real playbooks, the real zip, the embedded AWS."""

from __future__ import annotations

import json
from typing import Any

from demo.old_fleet import DATABASES, SECRETS, USERS
from demo.story import Fleet, calls_of_rotations, writes
from sandbox.rotation import STEPS

HOUR = 3600
DAY = 24 * HOUR


def rotated(before: Fleet, after: Fleet) -> set[str]:
    """The service accounts that rotated between two readings."""
    return {host for host in after.accounts if before.accounts[host].version != after.accounts[host].version}


def test_check_mode_on_the_untouched_account_writes_nothing_and_says_what_would_rotate(old_fleet):
    before, journal = Fleet.read(old_fleet.aws), len(old_fleet.aws.remote.journal())
    done = old_fleet.play("deploy", "--check")
    assert writes(old_fleet.aws.remote.journal()[journal:]) == []
    assert Fleet.read(old_fleet.aws) == before
    assert all(host in done.summary for host in SECRETS)


def test_a_deploy_that_takes_long_says_meanwhile_how_far_it_is(old_fleet):
    slow = old_fleet.play("deploy", "-e", "rotation_writes_per_second=1", "-e", "rotate_on_enrol=none")
    assert "Attach the schedules in acmecorp-prod, us-east-1: 5 of 5 done\n" in slow.output


def test_the_first_deploy_rotates_what_is_due_and_the_second_changes_nothing(old_fleet):
    before = Fleet.read(old_fleet.aws)
    done = old_fleet.play("deploy")
    assert "Rotate what is due in acmecorp-prod, us-east-1: 5 of 5 done\n" in done.output
    after = Fleet.read(old_fleet.aws)
    assert rotated(before, after) == set(SECRETS)
    for host in USERS:
        keys = {key.key_id: key for key in after.accounts[host].keys}
        assert keys[after.accounts[host].current_key].age_days == 0
        assert keys[before.accounts[host].current_key].active
    for host in DATABASES:
        assert after.accounts[host].value == before.accounts[host].value
        assert after.accounts[host].last_rotated is not None
    assert old_fleet.play("deploy").changed == 0
    assert Fleet.read(old_fleet.aws) == after
    journal = len(old_fleet.aws.remote.journal())
    assert old_fleet.play("deploy", "-e", "rotation_read=list").changed == 0
    calls = [call["action"] for call in old_fleet.aws.remote.journal()[journal:]]
    assert "ListSecrets" in calls
    # Three users in their grace period are worth a second look before anything is written; nothing else is.
    assert calls.count("DescribeSecret") == 3


def test_after_the_grace_period_only_the_new_key_is_active_and_the_next_rotation_deletes_the_old_one(deployed):
    first = Fleet.read(deployed.aws)
    deployed.aws.remote.advance(24 * HOUR + 600)
    retired = Fleet.read(deployed.aws)
    for host in USERS:
        active = [key.key_id for key in retired.accounts[host].keys if key.active]
        assert active == [first.accounts[host].current_key]
    journal = len(deployed.aws.remote.journal())
    deployed.aws.remote.advance(85 * DAY)
    after = Fleet.read(deployed.aws)
    assert rotated(retired, after) >= set(USERS)
    for host in USERS:
        assert retired.accounts[host].keys[0] not in after.accounts[host].keys
    calls = calls_of_rotations(deployed.aws.remote.journal()[journal:], retired)
    assert set(calls) == set(SECRETS)
    assert all(len(made) <= 20 for made in calls.values()), calls


def test_a_changed_grace_period_and_a_changed_schedule_are_the_only_changes(deployed):
    deployed.service_accounts["vars"]["grace_period_hours"] = 48
    journal = len(deployed.aws.remote.journal())
    done = deployed.play("deploy", "--diff")
    written = writes(deployed.aws.remote.journal()[journal:])
    assert "48" in done.output
    assert {call.partition(":")[0] for call in written} == {"secretsmanager"}

    deployed.service_accounts["hosts"]["bitbucket"]["rotation_days"] = 30
    before, journal = Fleet.read(deployed.aws), len(deployed.aws.remote.journal())
    done = deployed.play("deploy", "--diff")
    assert writes(deployed.aws.remote.journal()[journal:]) == ["secretsmanager:RotateSecret"]
    assert "30" in done.output
    assert rotated(before, Fleet.read(deployed.aws)) == set()
    assert deployed.play("deploy").changed == 0


def test_a_limit_names_exactly_what_rotates_and_a_limited_deploy_takes_nothing_from_the_others(deployed):
    for limit, hosts in (
        ("bedrock-api", {"bedrock-api"}),
        ("acmecorp_prod", set(SECRETS)),
        ("all:!bedrock-api", set(SECRETS) - {"bedrock-api"}),
    ):
        deployed.play("deploy", "--limit", "bedrock-api")
        deployed.aws.remote.advance(25 * HOUR)  # out of the grace period of the rotation before
        before = Fleet.read(deployed.aws)
        deployed.play("rotate", "--limit", limit)
        assert rotated(before, Fleet.read(deployed.aws)) == hosts, limit


def test_one_failing_service_account_stops_nobody_and_completes_after_it_is_mended(deployed):
    deployed.aws.remote.advance(25 * HOUR)
    iam, secret, user = deployed.aws.client("iam"), *USERS["bitbucket"]
    for key in deployed.aws.keys(user):
        iam.delete_access_key(UserName=user, AccessKeyId=key.key_id)
    iam.delete_user(UserName=user)
    before = Fleet.read(deployed.aws, without=["bitbucket"])
    done = deployed.play("rotate", code=2)
    assert "bitbucket" in done.summary
    assert user in done.summary
    assert rotated(before, Fleet.read(deployed.aws, without=["bitbucket"])) == set(SECRETS) - {"bitbucket"}

    iam.create_user(UserName=user)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    document = json.loads(deployed.aws.value(secret))
    document |= {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    deployed.aws.client("secretsmanager").put_secret_value(SecretId=secret, SecretString=json.dumps(document))
    deployed.play("deploy")
    deployed.play("rotate", "--limit", "bitbucket")
    account = Fleet.read(deployed.aws).accounts["bitbucket"]
    assert account.current_key not in (None, key["AccessKeyId"])
    assert account.current_key in [key.key_id for key in account.keys if key.active]


def test_a_rotation_that_failed_inside_the_function_completes_in_the_next_run(deployed):
    deployed.aws.remote.advance(25 * HOUR)
    before = Fleet.read(deployed.aws)
    deployed.aws.remote.fault(service="iam", action="CreateAccessKey", kind="access_denied", when="before", times=1)
    done = deployed.play("rotate", "--limit", "bitbucket", code=2)
    assert "iam:CreateAccessKey" in done.summary
    assert "Rotate now in acmecorp-prod, us-east-1: 1 of 1 done, 1 failed\n" in done.output
    assert rotated(before, Fleet.read(deployed.aws)) == set()
    deployed.play("rotate", "--limit", "bitbucket")
    assert rotated(before, Fleet.read(deployed.aws)) == {"bitbucket"}


def steps_of(journal: list[dict[str, Any]]) -> list[str]:
    """The steps that Secrets Manager asked for."""
    return [call["ids"]["Step"] for call in journal if call["action"] == "Invoke" and "Step" in call["ids"]]


def test_a_rotation_succeeds_at_its_first_try_when_iam_takes_fifteen_seconds_to_know_the_key(deployed):
    deployed.aws.remote.advance(25 * HOUR)
    before, journal = Fleet.read(deployed.aws), len(deployed.aws.remote.journal())
    deployed.aws.remote.knobs(key_visible_after_seconds=15)
    deployed.play("rotate", "--limit", "bitbucket")
    assert rotated(before, Fleet.read(deployed.aws)) == {"bitbucket"}
    calls = deployed.aws.remote.journal()[journal:]
    assert steps_of(calls) == list(STEPS), "no step was tried again"
    refused = [call for call in calls if call["action"] == "GetCallerIdentity" and call["error"]]
    assert refused, "the key was refused at first"


def test_a_rotation_succeeds_at_its_first_try_when_iam_throttles_the_function_four_times(deployed):
    deployed.aws.remote.advance(25 * HOUR)
    before, journal = Fleet.read(deployed.aws), len(deployed.aws.remote.journal())
    deployed.aws.remote.fault(
        service="iam", action="*", kind="throttle", times=4, principal_contains="key-rotation-iam-access-key"
    )
    deployed.play("rotate", "--limit", "bitbucket")
    assert rotated(before, Fleet.read(deployed.aws)) == {"bitbucket"}
    calls = deployed.aws.remote.journal()[journal:]
    assert steps_of(calls) == list(STEPS), "no step was tried again"
    assert [call["error"] for call in calls if call.get("fault")] == ["Throttling"] * 4


def test_no_secret_value_in_any_output_or_record(old_fleet):
    values = [json.loads(old_fleet.aws.value(secret)) for secret in SECRETS.values()]
    outputs = [old_fleet.play("deploy", "-vvv", "--diff").output, json.dumps(old_fleet.aws.remote.journal())]
    outputs.append(json.dumps(old_fleet.aws.remote.mail()))
    values += [json.loads(old_fleet.aws.value(secret)) for secret in SECRETS.values()]
    logs = old_fleet.aws.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        outputs += [event["message"] for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]]
    marked = {value.get("AWS_SECRET_ACCESS_KEY") or value.get("password") for value in values}
    assert len(marked) == 2 * len(USERS) + len(DATABASES)
    assert not [mark for mark in marked for output in outputs if mark in output]
