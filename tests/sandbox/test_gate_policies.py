# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Policies decide with exact ARNs, tags and conditions: of users, of roles, of secrets."""

from __future__ import annotations

import json
from typing import Any

from moto.secretsmanager.models import secretsmanager_backends

from .test_gate import ACCOUNT, allow, code, status


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
