# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The control addresses."""

from __future__ import annotations

import time
from typing import Any

import pytest


def test_clock_jumps_and_says_where_it_is(aws: Any) -> None:
    before = aws.control("GET", "clock")[1]
    status, after = aws.control("POST", "clock", {"advance_seconds": 86400})
    assert status == 200
    assert 86400 <= after["now"] - before["now"] < 86400 + 60
    assert after["offset_seconds"] == pytest.approx(before["offset_seconds"] + 86400, abs=0.001)
    assert after["utc"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(after["now"]))


def test_advance_returns_after_what_came_due(aws: Any) -> None:
    clock, done = aws.world.clock, []
    clock.call_at(clock.now() + 100, lambda: clock.spawn(lambda: done.append(time.sleep(0.2)), "work"))
    aws.control("POST", "clock", {"advance_seconds": 100})
    assert done == [None]


@pytest.mark.parametrize(
    ("method", "name", "body", "text"),
    [
        ("POST", "clock", {"advance_seconds": -1}, "must not be negative"),
        ("POST", "clock", {"advance_seconds": "1"}, "must be a number"),
        ("POST", "clock", {"advance_seconds": True}, "must be a number"),
        ("POST", "clock", {}, "must be a number"),
        ("POST", "clock", {"advance_seconds": 1, "days": 2}, "unknown field days"),
        ("POST", "clock", b"{", "not JSON"),
        ("POST", "clock", [1], "must be a JSON object"),
        ("GET", "journal?since=x", None, "since must be the index"),
        ("POST", "knobs", {"speed": 1}, "no knob named speed"),
        ("POST", "keys", {"access_key_id": "AKIA0"}, "no IAM user has the access key 'AKIA0'"),
        ("POST", "keys", {"secret_id": "nothing", "created_days": 1}, "no secret 'nothing'"),
        ("POST", "verify", {}, "identity must be"),
        ("GET", "nowhere", None, "no control address GET /_sandbox/nowhere; there are GET /_sandbox/clock"),
    ],
)
def test_bad_input_is_one_clear_sentence(aws: Any, method: str, name: str, body: Any, text: str) -> None:
    status, answer = aws.control(method, name, body)
    assert status == 400
    assert list(answer) == ["error"]
    assert text in answer["error"]


def test_journal_since(aws: Any) -> None:
    sts = aws.client("sts")
    for _ in range(3):
        sts.get_caller_identity()
    assert len(aws.control("GET", "journal")[1]) == 3
    assert len(aws.control("GET", "journal?since=2")[1]) == 1
    assert aws.control("GET", "journal?since=9")[1] == []


def test_control_calls_are_not_in_the_journal(aws: Any) -> None:
    for name in ("clock", "mail", "faults", "knobs"):
        assert aws.control("GET", name)[0] == 200
    assert aws.control("GET", "journal") == (200, [])


def test_knobs(aws: Any) -> None:
    knobs = aws.control("GET", "knobs")[1]
    assert knobs["key_flickers"] is False
    status, after = aws.control("POST", "knobs", {"key_flickers": True, "rotation_retry_seconds": [1, 2]})
    assert status == 200
    assert after == knobs | {"key_flickers": True, "rotation_retry_seconds": [1, 2]}


def test_ages_of_a_key(aws: Any) -> None:
    keys, iam = aws.user("ann"), aws.client("iam")
    wish = {"access_key_id": keys.access_key_id, "age_days": 100, "last_used_days": 3}
    status, answer = aws.control("POST", "keys", wish)
    assert (status, answer["user_name"]) == (200, "ann")
    now = aws.world.clock.utcnow()
    listed = iam.list_access_keys(UserName="ann")["AccessKeyMetadata"][0]
    used = iam.get_access_key_last_used(AccessKeyId=keys.access_key_id)["AccessKeyLastUsed"]
    assert (now - listed["CreateDate"]).days == 100
    assert (now - used["LastUsedDate"]).days == 3
    aws.control("POST", "clock", {"advance_seconds": 86400})
    assert (aws.world.clock.utcnow() - listed["CreateDate"]).days == 101


def test_reset_empties_everything(aws: Any) -> None:
    aws.user("ann")
    aws.client("sesv2").send_email(
        FromEmailAddress="a@acme.example",
        Destination={"ToAddresses": ["b@acme.example"]},
        Content={"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}},
    )
    aws.control("POST", "faults", {"service": "sts", "action": "*", "kind": "drop"})
    aws.control("POST", "knobs", {"key_flickers": True})
    fired: list[int] = []
    aws.world.clock.call_at(aws.world.clock.now() + 10, lambda: fired.append(1))
    before = aws.control("GET", "clock")[1]["now"]
    assert aws.control("POST", "reset")[0] == 200
    assert [aws.control("GET", name)[1] for name in ("journal", "mail", "faults")] == [[], [], []]
    assert aws.control("GET", "knobs")[1]["key_flickers"] is False
    assert aws.client("iam").list_users()["Users"] == []
    after = aws.control("POST", "clock", {"advance_seconds": 20})[1]["now"]
    assert fired == []
    assert after >= before + 20
