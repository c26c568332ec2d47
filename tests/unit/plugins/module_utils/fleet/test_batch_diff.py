# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""--diff stays readable: a few service accounts one by one, a thousand by what changes alike."""

from __future__ import annotations

import json

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch_diff import MOST, Change, diff


def change(number: int, days: int = 84) -> Change:
    before = {"user_tags": {}, "rotation_rules": {"AutomaticallyAfterDays": 30}}
    tags = {"key-rotation:secret": f"arn:{number}", "key-rotation:since": f"at {number}", "key-rotation:function": "f"}
    return before, {"user_tags": tags, "rotation_rules": {"AutomaticallyAfterDays": days}}


def test_a_few_have_each_their_own_part() -> None:
    found = diff({f"h{number}": change(number) for number in range(MOST)})
    assert len(found["before"]) == len(found["after"]) == MOST
    assert found["after"]["h7"] == change(7)[1], "as it is written"


def test_a_thousand_are_told_by_what_changes_alike() -> None:
    changes = {f"h{number}": change(number, 82 + number % 4) for number in range(1000)}
    found = diff(changes)
    assert list(found["after"]) == [f"h{n}, h{n + 4}, h{n + 8} and 247 more" for n in range(4)]
    assert list(found["before"]) == list(found["after"])
    tags = {"key-rotation:secret": "its own secret", "key-rotation:since": "now", "key-rotation:function": "f"}
    first = found["after"]["h0, h4, h8 and 247 more"]
    assert first == {"user_tags": tags, "rotation_rules": {"AutomaticallyAfterDays": 82}}
    assert len(json.dumps(found, indent=1).splitlines()) < 100


def test_one_that_changes_otherwise_is_named_alone() -> None:
    changes = {f"h{number}": change(number) for number in range(100)}
    changes["odd"] = {"function": "a"}, {"function": "b"}
    assert diff(changes)["after"]["odd"] == {"function": "b"}


def test_nothing_differs() -> None:
    assert diff({}) == {"before": {}, "after": {}}
