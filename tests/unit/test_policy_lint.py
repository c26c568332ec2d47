# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The policy linter finds what it looks for, and nothing in what we ship and render."""

from __future__ import annotations

import json

import pytest

from chaos.policy_lint import ON_EVERYTHING, documents, mistakes


def test_what_we_ship_and_render_has_no_mistakes():
    found = list(documents())
    assert {kind for _, _, kind in found} == {"managed", "role", "trust", "scp", "topic"}
    assert [(name, mistake) for name, text, kind in found for mistake in mistakes(text, kind)] == []


def test_no_exception_is_left_over():
    texts = "".join(text for _, text, _ in documents())
    assert [action for action in ON_EVERYTHING if action not in texts] == []


def policy(*statements, version="2012-10-17"):
    return json.dumps({"Version": version, "Statement": list(statements)})


def statement(**changes):
    return {"Sid": "A", "Effect": "Allow", "Action": "iam:GetUser", "Resource": "arn:aws:iam::*:user/*", **changes}


ENVELOPE = {"StringLike": {"iam:PassedToService": "x"}}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("{", "is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (policy(statement(), version="2008-10-17"), "has no Version 2012-10-17"),
        (policy(), "has no Statement"),
        (policy(statement(), statement()), "the Sid 'A' is there twice"),
        (policy(statement(Sid="A-B")), "the Sid 'A-B' is not made of letters and digits"),
        (policy(statement(Sid="A" * 10_240)), "has 10364 characters; IAM takes 10240"),
        (policy(statement(Effect="allow")), "A: its Effect is neither Allow nor Deny"),
        (
            policy(statement(Action=["iam:GetUser", "iam:GetRole"])),
            "A: its actions are not in order, or one is there twice",
        ),
        (policy(statement(Action="iam:Get*")), "A: iam:Get* is a pattern"),
        (policy(statement(Action="iam:GetUsers")), "A: there is no action iam:GetUsers"),
        (policy(statement(Action="lambda:Invoke")), "A: there is no action lambda:Invoke"),
        (policy(statement(Action="lambda:InvokeFunction")), None),
        (policy(statement(Action="sesv2:SendEmail")), "A: there is no action sesv2:SendEmail"),
        (policy(statement(Action="ses:SendEmail")), None),
        (policy(statement(Resource="*")), "A: allows iam:GetUser on everything"),
        (policy(statement(Resource="*", Effect="Deny")), None),
        (policy(statement(Action="iam:ListAccountAliases", Resource="*")), None),
        (policy(statement(NotResource="x")), "A: needs one of Resource and NotResource"),
        (policy(statement(Condition={"StringLikes": {"aws:x": "y"}})), "A: no condition operator StringLikes"),
        (
            policy(statement(Condition={"StringLike": {"ses:x": "y"}})),
            "A: the condition key ses:x belongs to none of its actions",
        ),
        (policy(statement(Action="iam:PassRole", Condition=ENVELOPE)), None),
    ],
)
def test_a_mistake_is_found(text, mistake):
    found = list(mistakes(text, "role"))
    assert mistake in found if mistake else found == []


TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


def test_a_trust_policy_names_whom_it_trusts_and_for_which_account():
    condition = {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}}
    assert list(mistakes(policy({**TRUST, **condition}), "trust")) == []
    assert list(mistakes(policy(TRUST), "trust")) == ["a statement: trusts a service for every account"]
    everybody = {**TRUST, **condition, "Principal": {"AWS": "*"}}
    assert list(mistakes(policy(everybody), "trust")) == ["a statement: trusts everybody"]


PUBLISH = {"Sid": "A", "Effect": "Allow", "Action": "sns:Publish", "Resource": "arn:aws:sns:us-east-1:123456789012:t"}


@pytest.mark.parametrize(
    ("principal", "condition", "mistake"),
    [
        ({"Service": "cloudwatch.amazonaws.com"}, True, None),
        ({"Service": "cloudwatch.amazonaws.com"}, False, "has a Condition under which nothing arrives, or lacks one"),
        ({"Service": "events.amazonaws.com"}, False, None),
        ({"Service": "events.amazonaws.com"}, True, "has a Condition under which nothing arrives, or lacks one"),
        ("*", True, "lets others in than a service"),
        ({"AWS": "*"}, True, "lets others in than a service"),
        ({"AWS": "123456789012", "Service": "events.amazonaws.com"}, False, "lets others in than a service"),
    ],
)
def test_a_topic_takes_from_services_of_the_account_and_from_rules_without_a_condition(principal, condition, mistake):
    source = {"Condition": {"StringEquals": {"aws:SourceAccount": "123456789012"}}} if condition else {}
    found = list(mistakes(policy({**PUBLISH, "Principal": principal, **source}), "topic"))
    assert found == ([f"A: {mistake}"] if mistake else [])
