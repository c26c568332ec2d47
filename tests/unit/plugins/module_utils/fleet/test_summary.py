# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The summary: a line for each account that needs a person, and the way out does what is left."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.summary import outcome, table

ITEM = {"name": "h", "rotation_strategy": "noop"}
PLACE = {"aws_account": "prod", "aws_region": "us-east-1", "service_accounts": [ITEM]}
ERROR = {"id": "x", "severity": "error", "text": "secret /a does not exist", "mend": "store it"}
WARNING = {"id": "y", "severity": "warning", "text": "a key is old", "mend": "rotate it"}
FIRST = ["bind user u to the secret", "attach the schedule: every 85 days"]


@pytest.mark.parametrize(
    ("facts", "status", "note"),
    [
        ({"info": [{"findings": [ERROR]}]}, "FAILED", "secret /a does not exist; store it"),
        ({"schedule": [{"failed": True, "msg": "denied"}]}, "FAILED", "denied"),
        ({"run": [{"failed": True, "msg": "no"}], "schedule": [{"changed": True}]}, "FAILED", "no"),
        (
            {"access": [{"changes": ["close"]}], "schedule": [{"failed": True, "changes": ["bind"], "msg": "denied"}]},
            "FAILED",
            "denied\ndone before that: close; bind",
        ),
        (
            {
                "schedule": [{"enrolled": True, "changes": FIRST}],
                "run": [{"failed": True, "changes": ["x"], "msg": "no"}],
            },
            "FAILED",
            "no\ndone before that: attach the schedule: every 85 days; x",
        ),
        (
            {"access": [{"changes": ["close"]}], "run": [{"failed": True, "msg": "no"}], "check_mode": True},
            "FAILED",
            "no",
        ),
        ({"reason": "no credentials"}, "not reached", ""),
        ({"run": [{"due": True, "msg": "rotated"}]}, "rotated", ""),
        ({"run": [{"due": True, "msg": "not rotated: it rotated meanwhile"}]}, "rotated", "it rotated meanwhile"),
        (
            {"run": [{"due": True, "changed": True, "msg": "would rotate now: it is old"}], "check_mode": True},
            "would rotate now",
            "it is old",
        ),
        (
            {"run": [{"due": True, "held_back": True, "msg": "due, not rotated: old; set x"}]},
            "due, not rotated",
            "old; set x",
        ),
        ({"schedule": [{"changed": True, "changes": ["a", "b"]}]}, "changed", "a\nb"),
        ({"schedule": [{"changed": True, "changes": ["a"]}], "check_mode": True}, "would change", "a"),
        ({"schedule": [{"changed": True, "enrolled": True, "changes": FIRST}]}, "scheduled", "schedule: every 85 days"),
        ({"schedule": [{"enrolled": True, "changes": FIRST}], "check_mode": True}, "would be scheduled", FIRST[1][11:]),
        ({"access": [{"failed": True, "msg": "locked"}], "reason": "none"}, "FAILED", "locked"),
        ({"access": [{"failed": True, "msg": "no"}, {"changed": True, "changes": ["close"]}]}, "changed", "close"),
        ({"access": [{"changed": True, "changes": ["close"]}], "check_mode": True}, "would change", "close"),
        (
            {"access": [{"changes": ["close"]}], "run": [{"due": True, "msg": "now: old"}], "check_mode": True},
            "would rotate now",
            "close\nold",
        ),
        (
            {"access": [{"changed": True, "changes": ["close"]}], "schedule": [{"enrolled": True, "changes": FIRST}]},
            "scheduled",
            "close\nschedule: every 85 days",
        ),
        ({"info": [{"findings": [WARNING]}]}, "unchanged", "a key is old; rotate it"),
        ({}, "unchanged", ""),
    ],
)
def test_what_counts_for_a_person(facts: dict[str, Any], status: str, note: str) -> None:
    named = {
        key: [{"name": "h", **item} for item in value] if isinstance(value, list) else value
        for key, value in facts.items()
    }
    found = outcome(PLACE, named)
    assert (found["rows"][0]["status"], found["rows"][0]["note"]) == (status, note)
    assert found["failed"] == (["h"] if status == "FAILED" else [])


def test_the_age_before_a_rotation_is_not_shown_as_the_age_now() -> None:
    info = [{"name": "h", "current_key": {"age_days": 100}}]
    assert outcome(PLACE, {"info": info})["rows"][0]["age"] == "100 d"
    rotated = outcome(PLACE, {"info": info, "run": [{"name": "h", "due": True, "msg": "rotated"}]})
    assert rotated["rows"][0]["age"] == "was 100 d"


TWO = {**PLACE, "service_accounts": [ITEM, {**ITEM, "name": "i"}]}


@pytest.mark.parametrize(
    ("facts", "again"),
    [
        ({"limit": ""}, ""),
        ({"limit": "", "run": [{"name": "i", "failed": True, "msg": "no"}]}, "again --limit i"),
        ({"limit": "", "reason": "no credentials"}, "again"),
        ({"limit": "all:!j", "reason": "no credentials"}, "again --limit 'all:!j'"),
        ({"limit": None, "reason": "no credentials"}, "again --limit h,i"),
    ],
)
def test_the_way_out_does_what_is_left_and_nothing_twice(facts: dict[str, Any], again: str) -> None:
    found = outcome(TWO, {"again": "again", **facts})
    assert found["again"] == again
    assert bool(found["verdict"]) == bool(again)
    lines = table([found])
    assert (f"  {again}" in lines) == bool(again)
    assert ("  Once that is mended, add the other -e options of this run, and run again:" in lines) == bool(again)


def test_long_lines_are_wrapped_between_words_and_the_command_is_not() -> None:
    name = "/acmecorp/" + "x" * 120
    command = f"ansible-playbook -i {name} {name}"
    failed = [{"name": "h", "failed": True, "msg": f"{'secret ' * 20} {name} is gone"}]
    lines = table([outcome(PLACE, {"run": failed, "again": command, "limit": ""})])
    assert any(name in line for line in lines)
    assert all(len(line) <= 110 for line in lines if "x" * 9 not in line)
    assert f"  {command}" in lines


def test_the_table_names_every_account_and_reason() -> None:
    lines = table([outcome(PLACE, {}), outcome({**PLACE, "aws_account": "dev"}, {"reason": "no credentials"})])
    assert lines[0] == "Account prod (us-east-1)"
    assert lines[3].split() == ["h", "noop", "unchanged"]
    assert "  FAILED: no credentials" in lines


def test_a_thousand_are_a_few_rows_and_whoever_needs_a_person_has_one() -> None:
    """Who failed, who is held back and who has a warning is never one of "and 996 more"."""
    items = [{**ITEM, "name": f"h{number}"} for number in range(1000)]
    info = [{"name": "h7", "findings": [WARNING]}]
    run = [
        {"name": "h8", "failed": True, "msg": "no"},
        {"name": "h9", "due": True, "held_back": True, "msg": "due: set x"},
    ]
    schedule = [{"name": f"h{number}", "enrolled": True, "changes": FIRST} for number in range(10, 20)]
    schedule.append({"name": "h20", "changed": True, "changes": ["a"]})
    found = outcome({**PLACE, "service_accounts": items}, {"info": info, "run": run, "schedule": schedule})
    lines = table([found])
    assert [line.split("  ")[1] for line in lines[3:] if line.startswith("  h")] == [
        "h7", "h8", "h9", "h0, h1, h2 and 983 more", "h10, h11, h12 and 7 more", "h20"
    ]  # fmt: skip
    assert sum("schedule: every 85 days" in line for line in lines) == 1, "what they have in common"
    assert len(lines) < 20
    assert len(found["rows"]) == 1000, "the result has them all"


def test_exemptions_are_listed() -> None:
    exempt = {**PLACE, "service_accounts": [], "exempt": [{"name": "e", "until": "2026-05-01", "reason": "merger"}]}
    assert outcome(exempt, {})["rows"][0]["note"] == "until 2026-05-01: merger"
