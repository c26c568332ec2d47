# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""`python -m chaos.privileges` takes everything away, and tells what is superfluous from what is not."""

from __future__ import annotations

from contextlib import contextmanager

import pytest

from chaos import privileges
from chaos.privileges import LabError, Row, in_short, opened, thinner, unprobed
from chaos.privileges_probes import Probe

DENY = {"Sid": "D", "Effect": "Deny", "Action": "a:C", "NotResource": "r", "Condition": {"Null": {"k": "true"}}}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Sid": "A", "Effect": "Allow", "Action": ["a:A", "a:B"], "Resource": "r"},
        {"Sid": "B", "Effect": "Allow", "Action": "b:A", "Resource": "r", "Condition": {"Null": {"x": "1", "y": "1"}}},
        DENY,
    ],
}


def test_each_statement_each_action_and_each_limit_is_taken_away_once():
    found = dict(thinner(POLICY))
    assert list(found) == ["A", "A: a:A", "A: a:B", "B: b:A", "D: its Condition", "D: its NotResource"]
    assert [one["Sid"] for one in found["A"]["Statement"]] == ["B", "D"]
    assert found["A: a:A"]["Statement"][0]["Action"] == ["a:B"]
    assert [one["Sid"] for one in found["B: b:A"]["Statement"]] == ["A", "D"]
    assert found["D: its NotResource"]["Statement"][2] == {
        "Sid": "D",
        "Effect": "Deny",
        "Action": "a:C",
        "Resource": "*",
        "Condition": {"Null": {"k": "true"}},
    }
    assert POLICY["Statement"][2] == DENY, "the policy itself is left alone"


def probe(sid: str, part: str) -> Probe:
    return Probe("role", sid, part, "", lambda clients: None)


def test_a_probe_opens_what_it_is_about_and_nothing_else():
    assert [one["Sid"] for one in opened(POLICY, probe("D", "Deny"))["Statement"]] == ["A", "B"]
    assert opened(POLICY, probe("B", "x"))["Statement"][1]["Condition"] == {"Null": {"y": "1"}}
    assert opened(POLICY, probe("A", "Resource"))["Statement"][0]["Resource"] == "*"


def test_a_guard_that_no_probe_tries_is_named():
    assert unprobed(POLICY, [probe("B", "x")]) == ["B: y", "D: Deny"]
    assert unprobed(POLICY, [probe("B", "x"), probe("B", "y"), probe("D", "Deny")]) == []


def test_failures_are_said_in_short_only_where_every_rotation_fails():
    found = [("the log", ""), ("a rotation", "no"), ("slot: an orphan", "no"), ("a retirement", "late")]
    assert in_short(found) == ["every rotation (no)", "a retirement (late)"]
    assert in_short([("a rotation", ""), ("slot: an orphan", "no")]) == ["slot: an orphan (no)"]


@pytest.mark.parametrize(
    ("rows", "code"), [([Row("r", "x", "a rotation")], 0), ([Row("r", "x", "a rotation"), Row("r", "y", "")], 1)]
)
def test_what_is_superfluous_fails_the_command(rows, code, monkeypatch, capsys):
    stub(monkeypatch, iter(rows))
    assert privileges.main([]) == code
    assert ("**nothing: superfluous**" in capsys.readouterr().out) is bool(code)


def test_a_failure_with_all_rights_shows_nothing(monkeypatch, capsys):
    def broken():
        raise LabError("the role with all its rights: a rotation (no)")
        yield

    stub(monkeypatch, broken())
    assert privileges.main([]) == 2
    assert "nothing can be shown: the role with all its rights" in capsys.readouterr().err


def stub(monkeypatch, removals):
    class Trial:
        def __init__(self, lab):
            pass

        def removals(self):
            return removals

        def guards(self):
            return iter(())

    @contextmanager
    def no_lab():
        yield None

    monkeypatch.setattr(privileges, "Trial", Trial)
    monkeypatch.setattr(privileges, "open_lab", no_lab)
