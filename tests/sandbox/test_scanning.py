# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The reading calls of a security scanner that moto lacks."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sandbox.patching import add
from sandbox.world import ADMINISTRATOR

from .account import Account, zipped


def permitted(aws: Any, arn: str) -> set[str]:
    iam = aws.client("iam")
    job = iam.generate_service_last_accessed_details(Arn=arn)["JobId"]
    answer = iam.get_service_last_accessed_details(JobId=job)
    assert answer["JobStatus"] == "COMPLETED"
    return {service["ServiceNamespace"] for service in answer["ServicesLastAccessed"]}


def test_the_services_that_a_user_is_permitted_are_listed(aws: Any) -> None:
    iam = aws.client("iam")
    arn = iam.create_user(UserName="ann")["User"]["Arn"]
    assert permitted(aws, arn) == set()
    allow = {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "s3:Get*"], "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow, deny]})
    iam.create_group(GroupName="g")
    iam.put_group_policy(GroupName="g", PolicyName="p", PolicyDocument=document)
    iam.add_user_to_group(GroupName="g", UserName="ann")
    assert permitted(aws, arn) == {"bedrock", "s3"}


def test_unknown_names_and_jobs_are_refused(aws: Any, refused: Any) -> None:
    iam = aws.client("iam")
    for call, arguments in (
        (iam.generate_service_last_accessed_details, {"Arn": "arn:aws:iam::123456789012:user/nobody"}),
        (iam.get_service_last_accessed_details, {"JobId": "00000000-0000-0000-0000-000000000000"}),
        (iam.list_service_specific_credentials, {"UserName": "nobody"}),
    ):
        assert refused(call, **arguments).response["Error"]["Code"] == "NoSuchEntity"
    error = refused(iam.list_organizations_features)
    assert error.response["Error"]["Code"] == "OrganizationNotFoundException"


def test_what_nobody_made_is_an_empty_list(aws: Any) -> None:
    iam = aws.client("iam")
    iam.create_user(UserName="ann")
    assert iam.list_service_specific_credentials(UserName="ann")["ServiceSpecificCredentials"] == []
    assert aws.client("events").list_endpoints()["Endpoints"] == []


def test_a_key_says_that_it_is_of_one_region(aws: Any) -> None:
    kms = aws.client("kms")
    made = kms.create_key()["KeyMetadata"]
    assert made["MultiRegion"] is False
    assert kms.describe_key(KeyId=made["KeyId"])["KeyMetadata"]["MultiRegion"] is False


def test_the_code_of_a_function_can_be_fetched(aws: Any) -> None:
    account = Account(aws.world)
    code = zipped("def handler(event, context):\n    return 1\n")
    account.functions.create_function(
        FunctionName="f",
        Role=account.role("r", []),
        Runtime="python3.13",
        Handler="f.handler",
        Code={"ZipFile": code},
    )
    location = account.functions.get_function(FunctionName="f")["Code"]["Location"]
    with urllib.request.urlopen(location, timeout=10) as answer:
        assert answer.read() == code


def test_older_clients_list_mail_identities_at_the_address_before(aws: Any) -> None:
    aws.client("sesv2").create_email_identity(EmailIdentity="acmecorp.com")
    wanted = AWSRequest("GET", f"{aws.world.endpoint}/v2/email/identities?PageSize=10")
    SigV4Auth(Credentials(*ADMINISTRATOR), "ses", "us-east-1").add_auth(wanted)
    request = urllib.request.Request(wanted.url, headers=dict(wanted.headers))
    with urllib.request.urlopen(request, timeout=10) as answer:
        listed = json.loads(answer.read())["EmailIdentities"]
    assert [identity["IdentityName"] for identity in listed] == ["acmecorp.com"]


def test_a_function_that_moto_has_is_not_added() -> None:
    class Theirs:
        def known(self) -> None: ...

    with pytest.raises(AttributeError, match="Theirs has known of its own"):
        add(Theirs, "known", lambda _: None)
    add(Theirs, "lacking", lambda _: 1)
    add(Theirs, "lacking", lambda _: 2)
    assert Theirs().lacking() == 2
