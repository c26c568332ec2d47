# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Every call is checked: credentials, policies with exact ARNs, tags and conditions; and written down."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.secretsmanager.models import secretsmanager_backends

ACCOUNT = "123456789012"
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
SERVICES = {
    "cloudwatch": "describe_alarms",
    "ec2": "describe_regions",
    "events": "list_rules",
    "iam": "list_users",
    "kms": "list_keys",
    "lambda": "list_functions",
    "logs": "describe_log_groups",
    "resourcegroupstaggingapi": "get_resources",
    "scheduler": "list_schedules",
    "secretsmanager": "list_secrets",
    "ses": "list_identities",
    "sesv2": "list_email_identities",
    "sns": "list_topics",
    "sqs": "list_queues",
}


def allow(*actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **more}


def code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])


def status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_passes_the_gate(aws: Any, refused: Any, service: str) -> None:
    getattr(aws.client(service), SERVICES[service])()
    nobody = aws.user("nobody")
    denied = refused(getattr(aws.client(service, nobody), SERVICES[service]))
    assert code(denied) in ("AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation")
    assert "arn:aws:iam::123456789012:user/nobody is not authorized to perform" in str(denied)
    stranger = type(nobody)("AKIAIOSFODNN7EXAMPLE", "wrong")
    unknown = refused(getattr(aws.client(service, stranger), SERVICES[service]))
    assert code(unknown) in ("InvalidClientTokenId", "UnrecognizedClientException")
    last = aws.control("GET", "journal")[1][-2:]
    assert [(entry["allowed"], entry["error"]) for entry in last] == [(False, code(denied)), (False, code(unknown))]


@pytest.mark.parametrize("service", SERVICES)
def test_a_user_with_the_permission_is_let_through(aws: Any, service: str) -> None:
    keys = aws.user("somebody", allow("*"))
    getattr(aws.client(service, keys), SERVICES[service])()
    entry = aws.control("GET", "journal")[1][-1]
    assert entry["allowed"]
    assert entry["error"] is None
    assert entry["principal"] == f"arn:aws:iam::{ACCOUNT}:user/somebody"


class TestCredentials:
    def test_the_three_kinds_of_caller(self, aws: Any) -> None:
        user = aws.user("ann", path="/service/")
        session = aws.session(aws.role("worker"), "job-1")
        identities = [aws.client("sts", keys).get_caller_identity() for keys in (None, user, session)]
        assert [identity["Arn"] for identity in identities] == [
            ROOT,
            f"arn:aws:iam::{ACCOUNT}:user/service/ann",
            f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/job-1",
        ]
        assert {identity["Account"] for identity in identities} == {ACCOUNT}
        iam = aws.client("iam")
        assert identities[1]["UserId"] == iam.get_user(UserName="ann")["User"]["UserId"]
        assert identities[2]["UserId"] == iam.get_role(RoleName="worker")["Role"]["RoleId"] + ":job-1"

    @pytest.mark.parametrize("service", ["sts", "iam", "secretsmanager", "lambda"])
    def test_inactive_deleted_and_wrong_secret(self, aws: Any, refused: Any, service: str) -> None:
        call, query = {
            "sts": ("get_caller_identity", True),
            "iam": ("list_users", True),
            "secretsmanager": ("list_secrets", False),
            "lambda": ("list_functions", False),
        }[service]
        keys = aws.user("ann", allow("*"))
        unknown = "InvalidClientTokenId" if query else "UnrecognizedClientException"
        mismatch = "SignatureDoesNotMatch" if query else "InvalidSignatureException"
        client, iam = aws.client(service, keys), aws.client("iam")
        getattr(client, call)()
        iam.update_access_key(UserName="ann", AccessKeyId=keys.access_key_id, Status="Inactive")
        assert code(refused(getattr(client, call))) == unknown
        iam.update_access_key(UserName="ann", AccessKeyId=keys.access_key_id, Status="Active")
        getattr(client, call)()
        wrong = type(keys)(keys.access_key_id, "x" * 40)
        assert code(refused(getattr(aws.client(service, wrong), call))) == mismatch
        iam.delete_access_key(UserName="ann", AccessKeyId=keys.access_key_id)
        gone = refused(getattr(client, call))
        assert code(gone) == unknown
        assert status(gone) == (400 if service == "secretsmanager" else 403)

    def test_the_administrator_needs_the_right_secret_too(self, aws: Any, refused: Any) -> None:
        keys = type(aws.user("ann"))("testing", "wrong")
        assert code(refused(aws.client("sts", keys).get_caller_identity)) == "SignatureDoesNotMatch"

    def test_a_session_needs_its_token_and_its_role(self, aws: Any, refused: Any) -> None:
        session = aws.session(aws.role("worker"))
        for token in ("forged", None):
            forged = type(session)(session.access_key_id, session.secret, token)
            assert code(refused(aws.client("sts", forged).get_caller_identity)) == "InvalidClientTokenId"
        aws.client("iam").delete_role(RoleName="worker")
        assert code(refused(aws.client("sts", session).get_caller_identity)) == "InvalidClientTokenId"

    def test_a_session_expires_on_the_virtual_clock(self, aws: Any, refused: Any) -> None:
        session = aws.session(aws.role("worker"), DurationSeconds=900)
        aws.control("POST", "clock", {"advance_seconds": 890})
        aws.client("sts", session).get_caller_identity()
        aws.control("POST", "clock", {"advance_seconds": 20})
        assert code(refused(aws.client("sts", session).get_caller_identity)) == "ExpiredToken"
        assert code(refused(aws.client("secretsmanager", session).list_secrets)) == "ExpiredTokenException"

    def test_a_session_ends_as_early_as_the_knob_says(self, aws: Any, refused: Any) -> None:
        aws.control("POST", "knobs", {"role_session_seconds": 30})
        arn, now = aws.role("worker"), aws.world.clock.utcnow()
        given = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="work")["Credentials"]
        assert 25 < (given["Expiration"] - now).total_seconds() < 40
        session = aws.session(arn, DurationSeconds=900)
        aws.client("sts", session).get_caller_identity()
        aws.control("POST", "clock", {"advance_seconds": 31})
        assert code(refused(aws.client("sts", session).get_caller_identity)) == "ExpiredToken"

    def test_unsigned_and_unreadable_requests(self, aws: Any) -> None:
        data = b"Action=GetCallerIdentity&Version=2011-06-15"
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(aws.world.endpoint, data=data)
        assert caught.value.code == 403
        assert b"<Code>MissingAuthenticationToken</Code>" in caught.value.read()

    def test_a_new_key_becomes_visible_later(self, aws: Any, refused: Any) -> None:
        aws.control("POST", "knobs", {"key_visible_after_seconds": 10})
        client = aws.client("sts", aws.user("ann"))
        assert code(refused(client.get_caller_identity)) == "InvalidClientTokenId"
        aws.control("POST", "clock", {"advance_seconds": 11})
        client.get_caller_identity()

    def test_a_new_key_flickers_once(self, aws: Any, refused: Any) -> None:
        aws.control("POST", "knobs", {"key_flickers": True})
        client = aws.client("sts", aws.user("ann"))
        client.get_caller_identity()
        assert code(refused(client.get_caller_identity)) == "InvalidClientTokenId"
        for _ in range(3):
            client.get_caller_identity()

    def test_an_old_key_does_not_flicker(self, aws: Any) -> None:
        aws.control("POST", "knobs", {"key_flickers": True})
        keys = aws.user("ann")
        aws.control("POST", "keys", {"access_key_id": keys.access_key_id, "age_days": 100})
        for _ in range(3):
            aws.client("sts", keys).get_caller_identity()


class TestSecrets:
    def test_exact_arn_by_name_and_arn(self, aws: Any, refused: Any) -> None:
        admin = aws.client("secretsmanager")
        arn = admin.create_secret(Name="/a/one", SecretString="v")["ARN"]
        admin.create_secret(Name="/a/two", SecretString="v")
        client = aws.client("secretsmanager", aws.user("ann", allow("secretsmanager:GetSecretValue", resource=arn)))
        for wanted in ("/a/one", arn, arn[:-7]):
            assert client.get_secret_value(SecretId=wanted)["Name"] == "/a/one"
        assert code(refused(client.get_secret_value, SecretId="/a/two")) == "AccessDeniedException"
        assert code(refused(client.describe_secret, SecretId="/a/one")) == "AccessDeniedException"

    def test_a_customer_key_needs_rights_of_its_own(self, aws: Any, refused: Any) -> None:
        """Only for that secret, by its encryption context; AWS's own key needs none."""
        key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
        admin = aws.client("secretsmanager")
        arn = admin.create_secret(Name="closed", SecretString="v", KmsKeyId=key)["ARN"]
        admin.create_secret(Name="open", SecretString="v")
        secrets = allow("secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue")
        context = {"StringEquals": {"kms:EncryptionContext:SecretARN": arn}}
        reads = allow("kms:Decrypt", resource=key, Condition=context)
        writes = allow("kms:Decrypt", "kms:GenerateDataKey", resource=key, Condition=context)
        other = allow("kms:Decrypt", resource=key, Condition={"StringEquals": {"kms:EncryptionContext:SecretARN": "x"}})
        for name, rights, can_read, can_write in (
            ("none", [], False, False),
            ("another", [other], False, False),
            ("reader", [reads], True, False),
            ("writer", [writes], True, True),
        ):
            client = aws.client("secretsmanager", aws.user(name, secrets, *rights))
            assert client.get_secret_value(SecretId="open")["SecretString"] == "v"
            for can, call in (
                (can_read, lambda client=client: client.get_secret_value(SecretId="closed")),
                (can_write, lambda client=client: client.put_secret_value(SecretId="closed", SecretString="v")),
            ):
                if can:
                    call()
                else:
                    assert code(refused(call)) == "AccessDeniedException"

    def test_tags_of_the_secret_and_stage_asked_for(self, aws: Any, refused: Any) -> None:
        admin = aws.client("secretsmanager")
        admin.create_secret(Name="mine", SecretString="v", Tags=[{"Key": "owner", "Value": "ann"}])
        admin.create_secret(Name="other", SecretString="v", Tags=[{"Key": "owner", "Value": "bob"}])
        condition = {
            "StringEquals": {
                "aws:ResourceTag/owner": "${aws:username}",
                "secretsmanager:VersionStage": "AWSCURRENT",
            }
        }
        keys = aws.user("ann", allow("secretsmanager:GetSecretValue", Condition=condition))
        client = aws.client("secretsmanager", keys)
        client.get_secret_value(SecretId="mine", VersionStage="AWSCURRENT")
        for wanted in ({"SecretId": "mine"}, {"SecretId": "other", "VersionStage": "AWSCURRENT"}):
            assert code(refused(client.get_secret_value, **wanted)) == "AccessDeniedException"

    def test_resource_policy_allows_and_denies(self, aws: Any, refused: Any) -> None:
        admin = aws.client("secretsmanager")
        arn = admin.create_secret(Name="s", SecretString="v")["ARN"]
        ann, bob = aws.user("ann"), aws.user("bob", allow("secretsmanager:*"))
        statements = [
            allow("secretsmanager:GetSecretValue", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}),
            {"Effect": "Deny", "Action": "secretsmanager:*", "Resource": "*", "Principal": "*"}
            | {"Condition": {"StringEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/bob"}}},
        ]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        admin.put_resource_policy(SecretId=arn, ResourcePolicy=policy)
        aws.client("secretsmanager", ann).get_secret_value(SecretId=arn)
        error = refused(aws.client("secretsmanager", bob).get_secret_value, SecretId=arn)
        assert "explicit deny in a resource-based policy" in str(error)

    def test_a_resource_policy_knows_a_session_by_its_roles_whole_arn(self, aws: Any, refused: Any) -> None:
        """A Deny for everybody but one list, which names roles and users: what the service calls aws:PrincipalArn."""
        admin = aws.client("secretsmanager")
        arn = admin.create_secret(Name="s", SecretString="v")["ARN"]
        everything = allow("secretsmanager:*")
        named, unnamed = (aws.session(aws.role(name, everything)) for name in ("named", "unnamed"))
        lists = {"aws:PrincipalArn": [f"arn:aws:iam::{ACCOUNT}:role/named", f"arn:aws:iam::{ACCOUNT}:user/ann"]}
        deny = {"Effect": "Deny", "Action": "secretsmanager:*", "Resource": "*", "Principal": "*"}
        policy = {"Version": "2012-10-17", "Statement": [deny | {"Condition": {"StringNotEquals": lists}}]}
        admin.put_resource_policy(SecretId=arn, ResourcePolicy=json.dumps(policy))
        for keys in (named, aws.user("ann", everything)):
            aws.client("secretsmanager", keys).get_secret_value(SecretId="s")
        for keys in (unnamed, aws.user("bob", everything)):
            client = aws.client("secretsmanager", keys)
            for call in (client.get_secret_value, client.describe_secret, client.delete_resource_policy):
                assert "explicit deny in a resource-based policy" in str(refused(call, SecretId=arn))
            assert "explicit deny" in str(refused(client.batch_get_secret_value, SecretIdList=["s"]))
            client.list_secrets()

    def test_the_rotation_function_is_a_condition_and_its_invocation_a_second_permission(
        self, aws: Any, refused: Any
    ) -> None:
        functions = [f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}" for name in ("ours", "theirs")]
        admin = aws.client("secretsmanager")
        for name, function in zip(("mine", "foreign"), functions, strict=True):
            admin.create_secret(Name=name, SecretString="v")
            secretsmanager_backends[ACCOUNT]["us-east-1"].secrets[name].rotation_lambda_arn = function
        condition = {"StringEquals": {"secretsmanager:resource/AllowRotationLambdaArn": functions[0]}}
        client = aws.client("secretsmanager", aws.user("f", allow("secretsmanager:*", Condition=condition)))
        client.describe_secret(SecretId="mine")
        assert code(refused(client.describe_secret, SecretId="foreign")) == "AccessDeniedException"
        error = refused(client.rotate_secret, SecretId="mine")
        assert f"lambda:InvokeFunction on resource: {functions[0]}" in str(error)

    def test_tagging_at_creation_needs_its_own_permission(self, aws: Any, refused: Any) -> None:
        arn = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:app-*"
        client = aws.client("secretsmanager", aws.user("ann", allow("secretsmanager:CreateSecret", resource=arn)))
        client.create_secret(Name="app-1", SecretString="v")
        assert code(refused(client.create_secret, Name="web-1", SecretString="v")) == "AccessDeniedException"
        error = refused(client.create_secret, Name="app-2", SecretString="v", Tags=[{"Key": "a", "Value": "b"}])
        assert "secretsmanager:TagResource" in str(error)


class TestIam:
    def test_user_arn_with_path_and_tags(self, aws: Any, refused: Any) -> None:
        iam = aws.client("iam")
        iam.create_user(UserName="bound", Path="/svc/", Tags=[{"Key": "key-rotation:function", "Value": "f"}])
        iam.create_user(UserName="free", Path="/svc/")
        condition = {"StringEquals": {"aws:ResourceTag/key-rotation:function": "f"}}
        resource = f"arn:aws:iam::{ACCOUNT}:user/svc/*"
        keys = aws.user("rotator", allow("iam:*AccessKey*", resource=resource, Condition=condition))
        client = aws.client("iam", keys)
        made = client.create_access_key(UserName="bound")["AccessKey"]["AccessKeyId"]
        client.list_access_keys(UserName="bound")
        client.get_access_key_last_used(AccessKeyId=made)
        client.update_access_key(UserName="bound", AccessKeyId=made, Status="Inactive")
        client.delete_access_key(UserName="bound", AccessKeyId=made)
        for name in ("free", "rotator"):
            error = refused(client.create_access_key, UserName=name)
            assert code(error) == "AccessDenied"
            assert status(error) == 403
            assert "is not authorized to perform: iam:CreateAccessKey on resource: arn:aws:iam::" in str(error)
        assert code(refused(client.get_access_key_last_used, AccessKeyId=keys.access_key_id)) == "AccessDenied"

    def test_deny_of_all_but_some_users(self, aws: Any, refused: Any) -> None:
        aws.client("iam").create_user(UserName="one")
        aws.client("iam").create_user(UserName="two")
        deny = {
            "Effect": "Deny",
            "Action": "iam:CreateAccessKey",
            "NotResource": f"arn:aws:iam::{ACCOUNT}:user/one",
        }
        client = aws.client("iam", aws.user("rotator", allow("iam:*"), deny))
        client.create_access_key(UserName="one")
        assert "explicit deny in an identity-based policy" in str(refused(client.create_access_key, UserName="two"))

    def test_request_tags(self, aws: Any, refused: Any) -> None:
        aws.client("iam").create_user(UserName="u")
        condition = {"ForAllValues:StringLike": {"aws:TagKeys": "key-rotation:*"}}
        client = aws.client("iam", aws.user("tagger", allow("iam:TagUser", Condition=condition)))
        client.tag_user(UserName="u", Tags=[{"Key": "key-rotation:a", "Value": "1"}])
        error = refused(client.tag_user, UserName="u", Tags=[{"Key": "other", "Value": "1"}])
        assert code(error) == "AccessDenied"

    def test_groups_and_managed_policies_count(self, aws: Any) -> None:
        keys, iam = aws.user("ann"), aws.client("iam")
        document = json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:ListRoles")]})
        arn = iam.create_policy(PolicyName="p", PolicyDocument=document)["Policy"]["Arn"]
        iam.create_group(GroupName="g")
        iam.attach_group_policy(GroupName="g", PolicyArn=arn)
        iam.add_user_to_group(GroupName="g", UserName="ann")
        aws.client("iam", keys).list_roles()
        iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/SecretsManagerReadWrite")
        aws.client("secretsmanager", keys).list_secrets()

    def test_pass_role_is_checked_with_the_service(self, aws: Any, refused: Any) -> None:
        trusted = {"Service": "scheduler.amazonaws.com"}
        role = aws.role("target", trust={"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"})
        schedule = {
            "Name": "s",
            "ScheduleExpression": "rate(1 day)",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:f", "RoleArn": role},
        }
        may = allow("scheduler:CreateSchedule", resource=f"arn:aws:scheduler:us-east-1:{ACCOUNT}:schedule/default/*")

        def passing(service: str) -> dict[str, Any]:
            return allow("iam:PassRole", resource=role, Condition={"StringEquals": {"iam:PassedToService": service}})

        for name, statements in (("none", [may]), ("other", [may, passing("lambda.amazonaws.com")])):
            error = refused(aws.client("scheduler", aws.user(name, *statements)).create_schedule, **schedule)
            assert "iam:PassRole" in str(error)
        right = aws.user("right", may, passing("scheduler.amazonaws.com"))
        aws.client("scheduler", right).create_schedule(**schedule)
        named = {**schedule, "Name": "t", "GroupName": "own"}
        assert "schedule/own/t" in str(refused(aws.client("scheduler", right).create_schedule, **named))


class TestAssumeRole:
    def test_trust_names_the_user(self, aws: Any, refused: Any) -> None:
        ann, bob = aws.user("ann"), aws.user("bob", allow("sts:AssumeRole"))
        principal = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/ann"}
        role = aws.role("worker", trust={"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"})
        aws.session(role, keys=ann)
        error = refused(aws.session, role_arn=role, keys=bob)
        assert "no resource-based policy allows the sts:AssumeRole action" in str(error)

    def test_trust_in_the_account_needs_an_own_permission(self, aws: Any, refused: Any) -> None:
        role = aws.role("worker")
        error = refused(aws.session, role_arn=role, keys=aws.user("ann"))
        assert code(error) == "AccessDenied"
        aws.session(role, keys=aws.user("bob", allow("sts:AssumeRole", resource=role)))

    def test_an_unknown_role_is_refused_even_to_the_administrator(self, aws: Any, refused: Any) -> None:
        error = refused(aws.session, role_arn=f"arn:aws:iam::{ACCOUNT}:role/nobody")
        assert code(error) == "AccessDenied"

    def test_a_session_has_the_policies_of_its_role_narrowed_by_its_own(self, aws: Any, refused: Any) -> None:
        role = aws.role("worker", allow("iam:List*"))
        aws.client("iam", aws.session(role)).list_users()
        narrow = json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:ListRoles")]})
        session = aws.session(role, Policy=narrow)
        aws.client("iam", session).list_roles()
        assert code(refused(aws.client("iam", session).list_users)) == "AccessDenied"
        assert code(refused(aws.client("secretsmanager", session).list_secrets)) == "AccessDeniedException"


def test_mail_conditions(aws: Any, refused: Any) -> None:
    condition = {
        "StringEquals": {"ses:FromAddress": "alerts@acme.example"},
        "ForAllValues:StringLike": {"ses:Recipients": ["*@acme.example"]},
    }
    identity = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/*"
    client = aws.client("sesv2", aws.user("m", allow("ses:SendEmail", resource=identity, Condition=condition)))

    def send(sender: str, *to: str) -> dict[str, Any]:
        simple = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}
        return {
            "FromEmailAddress": sender,
            "Destination": {"ToAddresses": list(to)},
            "Content": {"Simple": simple},
        }

    client.send_email(**send("Alerts <alerts@acme.example>", "a@acme.example", "b@acme.example"))
    for parameters in (
        send("other@acme.example", "a@acme.example"),
        send("alerts@acme.example", "a@acme.example", "b@foreign.example"),
    ):
        assert code(refused(client.send_email, **parameters)) == "AccessDeniedException"
    assert len(aws.control("GET", "mail")[1]) == 1


def test_log_group_patterns_end_in_a_star(aws: Any, refused: Any) -> None:
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/g"
    without = aws.user("a", allow("logs:*", resource=group))
    star = aws.user("b", allow("logs:*", resource=group + ":*"))
    assert code(refused(aws.client("logs", without).create_log_group, logGroupName="/g")) == "AccessDeniedException"
    client = aws.client("logs", star)
    client.create_log_group(logGroupName="/g")
    client.create_log_stream(logGroupName="/g", logStreamName="s")
    assert code(refused(client.create_log_group, logGroupName="/other")) == "AccessDeniedException"


def test_unimplemented_operations_answer_501_in_aws_shape(aws: Any, refused: Any) -> None:
    for service, call, parameters in (
        ("iam", "simulate_custom_policy", {"PolicyInputList": ["{}"], "ActionNames": ["a:b"]}),
        ("secretsmanager", "stop_replication_to_replica", {"SecretId": "s"}),
        ("lambda", "get_account_settings", {}),
        ("groundstation", "list_configs", {}),
    ):
        error = refused(getattr(aws.client(service), call), **parameters)
        assert (code(error), status(error)) == ("NotImplemented", 501), service


def test_the_journal_names_things_and_keeps_no_values(aws: Any) -> None:
    client = aws.client("secretsmanager")
    arn = client.create_secret(Name="s", SecretString="not to be seen")["ARN"]
    client.put_secret_value(SecretId="s", SecretString="nor this", RotationToken="t" * 36)
    entries = aws.control("GET", "journal")[1]
    assert [entry["action"] for entry in entries] == ["CreateSecret", "PutSecretValue"]
    assert entries[1]["resource"] == arn
    assert entries[1]["ids"]["SecretId"] == "s"
    assert entries[1]["principal"] == ROOT
    text = json.dumps(entries)
    assert "not to be seen" not in text
    assert "nor this" not in text
    assert "t" * 36 not in text


def test_many_calls_at_once(aws: Any) -> None:
    client = aws.client("secretsmanager", max_pool_connections=16)

    def work(number: int) -> None:
        client.create_secret(Name=f"s{number}", SecretString="v")
        client.list_secrets()
        client.delete_secret(SecretId=f"s{number}", ForceDeleteWithoutRecovery=True)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(100)))
    assert {entry["error"] for entry in aws.control("GET", "journal")[1]} == {None}


@pytest.mark.parametrize(("service", "call", "held"), [("iam", "list_users", True), ("lambda", "invoke", False)])
def test_the_lock_is_held_while_moto_acts_but_never_while_a_lambda_runs(
    aws: Any, service: str, call: str, held: bool
) -> None:
    found: list[bool] = []

    def attempt() -> None:
        free = aws.world.lock.acquire(blocking=False)
        found.append(not free)
        if free:
            aws.world.lock.release()

    def look(*_: Any) -> None:
        thread = threading.Thread(target=attempt)
        thread.start()
        thread.join()

    aws.world.checks.append(look)
    try:
        with contextlib.suppress(ClientError):
            getattr(aws.client(service), call)(**({"FunctionName": "f"} if service == "lambda" else {}))
    finally:
        aws.world.checks.remove(look)
    assert found == [held]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("secretsmanager", "describe_secret", {"SecretId": "/a"}),
        ("lambda", "get_function", {"FunctionName": "f"}),
        ("sts", "get_caller_identity", {}),
    ],
)
def test_a_region_that_does_not_exist_is_refused(
    aws: Any, refused: Any, service: str, operation: str, parameters: dict[str, str]
) -> None:
    client = aws.client(service, region="us-est-1")
    assert "valid Region, not 'us-est-1'" in str(refused(getattr(client, operation), **parameters))
