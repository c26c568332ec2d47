# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""An inventory's mistakes: each is found, named with host and variable, and all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.hostvars import Unreadable
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.inventory import read_fleet
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.model import Fleet

TODAY = date(2026, 3, 1)
KEY = {"rotation_strategy": "iam_access_key", "secret_name": "/a", "iam_user": "a", "aws_region": "us-east-1"}
OTHER = {**KEY, "secret_name": "/b", "iam_user": "b"}
NOOP = {"rotation_strategy": "noop", "secret_name": "/db", "aws_region": "us-east-1"}
KMS_KEY = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"
IAM = "arn:aws:iam::123456789012:"
CLOSED = {**KEY, "restrict_secret_access": True, "secret_administrators": [f"{IAM}role/deployer"]}
EXAMPLE = Path(__file__).resolve().parents[5] / "inventory" / "acmecorp.yml"


def read(hosts: Mapping[str, Mapping[str, object]], selected: list[str] | None = None) -> Fleet:
    return read_fleet(hosts, list(hosts) if selected is None else selected, TODAY)


def without(variables: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in variables.items() if key != name}


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ({"h": without(KEY, "secret_name")}, "h: secret_name: missing"),
        ({"h": {**KEY, "secret_name": "arn:aws:secretsmanager:us-east-1:1:secret:x"}}, "h: secret_name: found 'arn"),
        ({"h": without(KEY, "iam_user")}, "h: iam_user: missing"),
        ({"h": {**KEY, "iam_user": "path/a"}}, "h: iam_user: found 'path/a'"),
        ({"h": {**NOOP, "iam_user": "a"}}, "h: iam_user: found 'a' beside rotation_strategy noop"),
        ({"h": {**KEY, "rotation_strategy": "iam"}}, "h: rotation_strategy: found 'iam'; write one of iam_access_key"),
        ({"h": {"secret_name": "/a"}}, "h: rotation_strategy: missing, but secret_name is set"),
        ({"h": {"iam_user": "a"}}, "h: rotation_strategy: missing, but iam_user is set"),
        ({"h": KEY, "i": {**OTHER, "secret_name": "/a"}}, "i: secret_name: /a is h's already"),
        ({"h": KEY, "i": {**OTHER, "iam_user": "A"}}, "i: iam_user: A is h's already"),
        (
            {"h": KEY, "i": {**OTHER, "iam_user": "A", "aws_region": "eu-west-1"}},
            "i: iam_user: A is h's already",
        ),
        ({"h": {**KEY, "max_key_age_days": 7}}, "h: max_key_age_days: 7 days leave no room"),
        ({"h": {**KEY, "max_key_age_days": "many"}}, "h: max_key_age_days: found 'many'; write a whole number"),
        ({"h": {**KEY, "max_key_age_days": True}}, "h: max_key_age_days: found True (bool)"),
        ({"h": {**KEY, "rotation_days": 2}}, "h: rotation_days: every 2 days rotates again after 2 days"),
        ({"h": {**KEY, "rotation_days": 120}}, "h: rotation_days: every 120 days lets a key reach 121 days"),
        (
            {"h": {**KEY, "rotation_days": 30, "schedule_expression": "rate(30 days)"}},
            "h: rotation_days: schedule_expression is set too",
        ),
        ({"h": {**KEY, "schedule_expression": "monthly"}}, "h: schedule_expression: 'monthly' is not cron"),
        ({"h": {**KEY, "rotation_window": "30h"}}, "h: rotation_window: rotation window '30h'"),
        ({"h": {**KEY, "grace_period_hours": 6}}, "h: grace_period_hours: found 6; write 0 (no grace) or at least 12"),
        ({"h": {**KEY, "grace_period_hours": 7, "quiet_hours": 8}}, "h: grace_period_hours: found 7"),
        ({"h": {**KEY, "grace_period_hours": -1}}, "h: grace_period_hours: found -1"),
        ({"h": {**KEY, "notify_email": "a@b.com, c@d.com"}}, "h: notify_email: found"),
        ({"h": {**KEY, "notify_from": "Ops <a@b.com>"}}, "h: notify_from: found"),
        ({"h": {**KEY, "disposable_keys": ["wJalrXUtnFEMI/K7MDENG"]}}, "h: disposable_keys: an item is no access key"),
        ({"h": {**KEY, "exempt_until": "2026-05-01"}}, "h: exempt_reason: missing"),
        ({"h": {**KEY, "exempt_reason": "merger"}}, "h: exempt_until: missing"),
        ({"h": {**KEY, "exempt_until": "soon", "exempt_reason": "x"}}, "h: exempt_until: found 'soon'"),
        ({"h": {**KEY, "rotate_on_enrol": "yes"}}, "h: rotate_on_enrol: found 'yes'"),
        ({"h": without(KEY, "aws_region")}, "h: aws_region: missing"),
        ({"h": {**KEY, "aws_region": "Virginia"}}, "h: aws_region: found 'Virginia'"),
        (
            {"h": {**KEY, "vpc_subnet_ids": ["subnet-0a1b2c3d"]}},
            "h: vpc_security_group_ids: missing, but vpc_subnet_ids",
        ),
        (
            {"h": {**KEY, "vpc_subnet_ids": ["subnet-0a1b2c3d"], "vpc_security_group_ids": ["default"]}},
            "h: vpc_security_group_ids: found 'default'; list ids such as sg-",
        ),
        (
            {"h": {**CLOSED, "restrict_secret_access": "maybe"}},
            "h: restrict_secret_access: found 'maybe'; write true or",
        ),
        (
            {"h": {**CLOSED, "restrict_secret_access": 1}},
            "h: restrict_secret_access: found 1 (int); write true or false",
        ),
        (
            {"h": without(CLOSED, "secret_administrators")},
            "h: secret_administrators: missing beside restrict_secret_access; name who deploys, audits and scans",
        ),
        (
            {"h": {**CLOSED, "secret_readers": [f"{IAM}role/*", f"{IAM}role/fine", f"{IAM}root"]}},
            f"h: secret_readers: found '{IAM}role/*', '{IAM}root'; list exact ARNs of IAM roles and users",
        ),
        (
            {"h": {**CLOSED, "secret_administrators": ["arn:aws:sts::123456789012:assumed-role/ops/me"]}},
            "h: secret_administrators: found 'arn:aws:sts::123456789012:assumed-role/ops/me'; list exact ARNs",
        ),
        ({"h": {**KEY, "secret_readers": f"{IAM}group/a"}}, f"h: secret_readers: found '{IAM}group/a'; list exact"),
        (
            {"h": {**CLOSED, "secret_readers": ["arn:aws:iam::12345678901:role/a"]}},
            "h: secret_readers: found 'arn:aws:iam::12345678901:role/a'",
        ),
        ({"h": {**KEY, "aws_account_id": "12345"}}, "h: aws_account_id: found '12345'"),
        (
            {"h": {**KEY, "aws_profile": "p", "aws_role_arn": "arn:aws:iam::123456789012:role/r"}},
            "h: aws_profile: aws_role_arn is set too",
        ),
        ({"h": {**KEY, "alarm_email": "Ops <a@b.com>"}}, "h: alarm_email: found 'Ops <a@b.com>'"),
        ({"h": {**KEY, "alarm_email": "a@b.com"}}, "h: alarm_email: kms_key_arn is missing; write the ARN of a key"),
        ({"h": {**KEY, "alarm_email": "a@b.com", "kms_key_arn": "alias/x"}}, "h: kms_key_arn: found 'alias/x'"),
        (
            {"h": {**KEY, "alarm_email": "a@b.com", "kms_key_arn": KMS_KEY, "alarm_topic_arn": TOPIC}},
            "h: alarm_email: alarm_topic_arn is set too; take one",
        ),
        ({"h": {**KEY, "alarm_email": "a@b.com", "alarm_topic_arn": TOPIC}}, "h: alarm_email: alarm_topic_arn is set"),
        ({"h": {**KEY, "alarm_topic_arn": "alarms"}}, "h: alarm_topic_arn: found 'alarms'; write the ARN"),
        ({"h": {**KEY, "alarm_topic_arn": f"{TOPIC}.fifo"}}, "h: alarm_topic_arn: found 'arn:aws:sns:us-east-1"),
        (
            {"h": {**KEY, "aws_region": "eu-west-1", "alarm_topic_arn": TOPIC}},
            "h: alarm_topic_arn: found a topic of us-east-1; name one of eu-west-1",
        ),
        (
            {"h": KEY, "i": {**OTHER, "notify_from": "a@b.com"}},
            "i: notify_from: 'a@b.com' here but missing at h, in account default, us-east-1",
        ),
        ({"h": {**KEY, "aws_account": "prod"}, "i": OTHER}, "i: aws_account: missing, while others are in prod"),
    ],
)
def test_each_mistake_is_found_alone(hosts: dict[str, dict[str, object]], said: str) -> None:
    mistakes = [str(mistake) for mistake in read(hosts).mistakes]
    assert len(mistakes) == 1, mistakes
    assert mistakes[0].startswith(said), mistakes[0]
    assert "; " in mistakes[0]


@pytest.mark.parametrize("where", [{"alarm_topic_arn": TOPIC}, {"alarm_email": "ops@b.com", "kms_key_arn": KMS_KEY}])
def test_alarms_go_to_a_topic_or_to_an_address(where: dict[str, str]) -> None:
    fleet = read({"h": {**KEY, **where}})
    assert fleet.mistakes == ()
    account = fleet.accounts[0].to_ansible(TODAY)
    assert {name: account[name] for name in where} == where


def test_all_mistakes_come_at_once_whatever_is_selected() -> None:
    hosts = {"h": without(KEY, "iam_user"), "i": {**NOOP, "max_key_age_days": 1}, "j": {**KEY, "rotation_strategy": 1}}
    assert {mistake.host for mistake in read(hosts, ["h"]).mistakes} == {"h", "i", "j"}


@pytest.mark.parametrize(
    ("value", "option"), [(True, True), ("Yes", True), ("true", True), (False, False), ("no", False), (None, None)]
)
def test_who_may_reach_a_secret_comes_as_the_module_takes_it(value: object, option: bool | None) -> None:
    """Not said is not the same as false: then the module is not even asked."""
    given = {**CLOSED, "restrict_secret_access": value, "secret_readers": f"{IAM}user/path/reader"}
    variables = {name: value for name, value in given.items() if value is not None}
    options: Any = read({"h": variables}).accounts[0].to_ansible(TODAY)["service_accounts"]
    assert options[0].get("restrict_secret_access") is option
    assert options[0]["secret_readers"] == [f"{IAM}user/path/reader"]
    assert options[0]["secret_administrators"] == [f"{IAM}role/deployer"]


@pytest.mark.parametrize(
    ("variables", "warned"),
    [
        ({}, True),
        ({"secret_readers": []}, True),
        ({"secret_readers": [f"{IAM}role/reader"]}, False),
        ({"secret_readers": [f"{IAM}role/*"]}, False),
        ({"restrict_secret_access": False}, False),
    ],
)
def test_whoever_forgets_the_consumers_is_warned(variables: dict[str, Any], warned: bool) -> None:
    warnings = read({"h": {**CLOSED, **variables}}).warnings
    assert [warning.partition(";")[0] for warning in warnings] == (
        ["h: secret_readers: missing beside restrict_secret_access"] if warned else []
    )


def test_a_pasted_secret_is_not_repeated() -> None:
    fleet = read({"h": {**KEY, "disposable_keys": ["wJalrXUtnFEMI/K7MDENG"]}})
    assert "wJalr" not in str(fleet.mistakes)


def test_the_example_fleet() -> None:
    account = yaml.safe_load(EXAMPLE.read_text())["all"]["children"]["acmecorp_prod"]
    hosts = {
        host: {**account["vars"], **group["vars"], **variables}
        for group in account["children"].values()
        for host, variables in group["hosts"].items()
    }
    fleet = read(hosts)
    assert (fleet.mistakes, fleet.warnings) == ((), ())
    assert [item.name for item in fleet.accounts] == ["acmecorp-prod"]
    days = {item.name: item.rules.automatically_after_days for item in fleet.accounts[0].service_accounts}
    others = ("bedrock-api", "ecr-deployments", "bitbucket", "database-prod")
    assert days == {"database-dev": 84} | dict.fromkeys(others, 85), "drifted apart by the secret's name"
    assert fleet.accounts[0].recipients == ("platform@acmecorp.com",)


def test_what_the_inventory_says_of_the_schedule_is_taken_as_it_stands() -> None:
    for number in range(8):
        host = {**KEY, "secret_name": f"/secret-{number}", "rotation_days": 85}
        (item,) = read({"h": host}).accounts[0].service_accounts
        assert item.rules.automatically_after_days == 85


def test_limit_narrows_the_work_and_not_the_account() -> None:
    hosts = {
        "h": {**KEY, "notify_from": "a@x.com", "notify_email": "h@x.com"},
        "i": {**OTHER, "notify_from": "a@x.com", "notify_email": "i@x.com"},
    }
    account = read(hosts, ["i"]).accounts[0].to_ansible(TODAY)
    assert account["runner"] == "i"
    assert account["recipients"] == ["h@x.com", "i@x.com"]
    assert [item["name"] for item in account["service_accounts"]] == ["i"]  # type: ignore[index]


def test_accounts_without_a_selected_service_account_are_left_out() -> None:
    one, two = ({**KEY, "aws_account": name, "aws_profile": name} for name in ("one", "two"))
    hosts = {"h": one, "i": two, "web": {"ansible_host": "x"}}
    assert [account.name for account in read(hosts, ["i", "web"]).accounts] == ["two"]
    assert read(hosts, ["web"]).accounts == ()


def test_one_secret_name_in_two_regions_is_two_secrets() -> None:
    fleet = read({"h": NOOP, "i": {**NOOP, "aws_region": "eu-west-1"}})
    assert fleet.mistakes == ()
    assert len(fleet.accounts) == 2


PROD, DEV = {**KEY, "aws_account": "prod"}, {**OTHER, "aws_account": "dev"}
ID = {"aws_account_id": "123456789012"}
OTHER_ID = {"aws_account_id": "210987654321"}
ROLE = {"aws_role_arn": f"{IAM}role/deploy"}


@pytest.mark.parametrize(
    ("prod", "dev", "shared"),
    [
        ({}, {}, "the account of the environment's credentials"),
        (ID, ID, "account 123456789012"),
        ({**ID, "aws_profile": "p"}, {**ID, "aws_profile": "q"}, "account 123456789012"),
        (ID, {"aws_account": "123456789012"}, "account 123456789012"),
        ({"aws_profile": "p"}, {"aws_profile": "p"}, "the account of profile p"),
        (ROLE, ROLE, "account 123456789012"),
        (ROLE, {"aws_role_arn": f"{IAM}role/other"}, "account 123456789012"),
        (ROLE, ID, "account 123456789012"),
        (ID, {}, "the account of the environment's credentials"),
        ({"aws_profile": "p"}, {**ID, "aws_profile": "p"}, "the account of profile p"),
    ],
)
def test_one_account_and_region_has_one_label(prod: dict[str, str], dev: dict[str, str], shared: str) -> None:
    """Two runners would write the same functions and roles side by side, and a limit would reach another account."""
    there = {**DEV, **dev}
    hosts = {"h": {**PROD, **prod}, "i": there, "j": {**there, "secret_name": "/c", "iam_user": "c"}}
    said = [str(mistake) for mistake in read(hosts, ["h"]).mistakes]
    assert said == [
        f"i: aws_account: {there['aws_account']} and prod are both {shared} in us-east-1; give both one label,"
        " or if they are two accounts, each its own aws_account_id, aws_profile or aws_role_arn"
    ]


@pytest.mark.parametrize(
    ("prod", "dev"),
    [
        (ID, OTHER_ID),
        ({**ID, "aws_profile": "p"}, {**OTHER_ID, "aws_profile": "p"}),
        ({**ID, **ROLE}, {**OTHER_ID, **ROLE}),
        ({}, {"aws_profile": "p"}),
        (ID, {"aws_profile": "p"}),
        (ROLE, {}),
        ({"aws_profile": "p"}, {"aws_profile": "q"}),
        (ROLE, {"aws_role_arn": "arn:aws:iam::210987654321:role/deploy"}),
        ({}, {"aws_region": "eu-west-1"}),
        (ID, {**ID, "aws_region": "eu-west-1"}),
    ],
)
def test_two_accounts_or_regions_have_two_labels(prod: dict[str, str], dev: dict[str, str]) -> None:
    """Where two aws_account_id differ, the wrong credentials are stopped before anything is written."""
    fleet = read({"h": {**PROD, **prod}, "i": {**DEV, **dev}})
    assert fleet.mistakes == ()
    assert [account.name for account in fleet.accounts] == ["prod", "dev"]


@pytest.mark.parametrize(
    "prod",
    [
        [{"aws_account_id": "12345678901"}],
        [{"aws_role_arn": "deploy"}],
        [{}, ID],
        [ID, {}],
    ],
)
def test_labels_are_not_compared_where_it_is_open_whither_one_leads(prod: list[dict[str, str]]) -> None:
    """It would only blame an innocent host for the mistake that is said anyway."""
    hosts = {f"h{number}": {**PROD, **one, "secret_name": f"/{number}"} for number, one in enumerate(prod)}
    users = {name: {**variables, "iam_user": name} for name, variables in hosts.items()}
    said = read({**users, "i": {**DEV, **OTHER_ID}}).mistakes
    assert {mistake.variable for mistake in said} in ({"aws_account_id"}, {"aws_role_arn"})


def test_labels_are_not_compared_where_the_region_is_missing() -> None:
    fleet = read({"h": without(PROD, "aws_region"), "i": without(DEV, "aws_region")})
    assert [mistake.variable for mistake in fleet.mistakes] == ["aws_region", "aws_region"]


def test_a_label_of_twelve_digits_is_the_account_id() -> None:
    account = read({"h": {**KEY, "aws_account": "123456789012"}}).accounts[0]
    assert account.settings.aws_account_id == "123456789012"


@pytest.mark.parametrize(("until", "exempt"), [("2026-02-28", False), ("2026-03-01", True), (date(2026, 4, 1), True)])
def test_exemptions(until: object, exempt: bool) -> None:
    fleet = read({"h": {**KEY, "exempt_until": until, "exempt_reason": "merger"}})
    account = fleet.accounts[0].to_ansible(TODAY)
    assert bool(account["exempt"]) == exempt
    assert bool(account["service_accounts"]) != exempt
    assert bool(fleet.warnings) != exempt


@pytest.mark.parametrize(
    ("name", "meant"),
    [("secrets_name", "secret_name"), ("iam_users", "iam_user"), ("notify_mail", "notify_email"), ("region", None)],
)
def test_misspelt_variables_are_warned_of(name: str, meant: str | None) -> None:
    warnings = read({"h": {**KEY, name: "x"}}).warnings
    assert [warning.rpartition("to be ")[2] for warning in warnings] == ([f"{meant}?"] if meant else [])


@pytest.mark.parametrize(
    ("extra", "held"),
    [
        ({}, "set notify_from and notify_email"),
        ({"notify_from": "a@x.com"}, "set notify_email,"),
        ({"notify_email": "b@x.com"}, "set notify_from,"),
        ({"notify_from": "a@x.com", "notify_email": "b@x.com"}, None),
        ({"rotate_on_enrol": "due"}, None),
        ({"rotate_on_enrol": "none"}, "rotate_on_enrol is none"),
    ],
)
def test_a_key_rotates_on_enrolment_only_if_a_mail_can_reach_someone(extra: dict[str, str], held: str | None) -> None:
    options: Any = read({"h": {**KEY, **extra}}).accounts[0].to_ansible(TODAY)["service_accounts"]
    assert ("hold_back" in options[0]) == (held is not None)
    assert held is None or held in options[0]["hold_back"]


class Counting(Mapping[str, object]):
    """Variables that count their look-ups, and refuse one that is broken."""

    def __init__(self, variables: dict[str, object]) -> None:
        self.variables = variables
        self.read: list[str] = []

    def __getitem__(self, name: str) -> object:
        self.read.append(name)
        if name == "notify_email":
            raise Unreadable("'team' is undefined")
        return self.variables[name]

    def __contains__(self, name: object) -> bool:
        return name in self.variables

    def __iter__(self) -> Iterator[str]:
        return iter(self.variables)

    def __len__(self) -> int:
        return len(self.variables)


def test_only_our_variables_are_read_and_each_once() -> None:
    variables = Counting({**KEY, "expensive_lookup": "x", "notify_email": "{{ team }}"})
    fleet = read({"h": variables})
    assert sorted(variables.read) == sorted(set(variables.read))
    assert "expensive_lookup" not in variables.read
    assert [str(mistake) for mistake in fleet.mistakes] == [
        "h: notify_email: cannot be evaluated: 'team' is undefined; mend the expression or the variable that it names"
    ]
