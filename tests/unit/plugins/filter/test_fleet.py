# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The filters: an inventory is read one variable at a time, and whatever is wrong with it is said, never raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from jinja2 import StrictUndefined

from ansible_collections.evergreen.key_rotation.plugins.filter.fleet import audited, select

TODAY = date(2026, 3, 1)
KEY = {"rotation_strategy": "iam_access_key", "secret_name": "/a", "iam_user": "a", "aws_region": "us-east-1"}


class Templates(Mapping[str, object]):
    """Variables whose values may raise, as hostvars' do; counts what is asked of it."""

    def __init__(self, values: dict[str, object]) -> None:
        self._values = values
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> object:
        self.asked.append(name)
        value = self._values[name]
        if isinstance(value, Exception):
            raise value
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (StrictUndefined(name="team"), "'team' is undefined"),
        (RuntimeError("no file\nsecond line"), "no file"),
        (TypeError(), "TypeError"),
        (KeyError("path"), "'path'"),
    ],
)
def test_a_template_that_cannot_be_evaluated_is_a_mistake_of_its_host(value: object, said: str) -> None:
    bad = Templates({**KEY, "secret_name": "/b", "iam_user": value})
    found = select({"good": KEY, "bad": bad}, ["good", "bad"], ["good", "bad"])
    (mistake,) = found["mistakes"]
    assert mistake.startswith("bad: iam_user: ")
    assert said in mistake
    assert "second line" not in mistake
    assert found["accounts"] == [], "bad input stops before anything is written"


def test_only_our_variables_are_evaluated() -> None:
    host = Templates({**KEY, "vault_password": RuntimeError("never ask for this")})
    found = select({"h": host}, ["h"], ["h"], today=TODAY)
    assert [account["service_accounts"][0]["name"] for account in found["accounts"]] == ["h"]
    assert "vault_password" not in host.asked


@pytest.mark.parametrize("limit", [None, "web*"])
def test_an_inventory_without_a_service_account_is_a_mistake(limit: str | None) -> None:
    (mistake,) = select({"h": {}}, ["h"], ["h"], limit)["mistakes"]
    assert mistake.startswith("no service account is selected: none of the ")
    assert ("--limit web*" in mistake) == (limit is not None)


def test_select_takes_hostvars_only() -> None:
    with pytest.raises(AnsibleFilterError, match="needs hostvars as its input"):
        select(["h"], ["h"], ["h"])  # type: ignore[arg-type]


def test_an_account_that_was_not_reached_is_audited_as_such() -> None:
    host: dict[str, Any] = {
        "rotation_account": {"aws_account": "prod", "aws_region": "us-east-1"},
        "rotation_reason": "no credentials",
    }
    assert audited(host) == {
        "account": "prod",
        "region": "us-east-1",
        "reason": "no credentials",
        "now": None,
        "secrets": [],
        "account_findings": [],
    }
