# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The report as a browser shows it: both sizes, both themes, wide and narrow."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.tests.browser.conftest import HEIGHT, THEMES, Browser

AA = 4.5
"""Contrast that WCAG asks of text."""


def sound(seen: dict[str, Any]) -> None:
    """What holds for every report."""
    assert (seen["scripts"], seen["images"], seen["requests"], seen["unscoped"]) == (0, 0, [], 0)
    assert seen["overflow"] <= 0, "it must not scroll sideways"
    assert seen["least_contrast"] >= AA, seen["faintest"]
    assert seen["headings"][0] == 1
    assert all(later - earlier <= 1 for earlier, later in zip(seen["headings"], seen["headings"][1:], strict=False))
    assert all(role == "img" and text for role, text in seen["pictures"])
    assert seen["verdict_box"]["bottom"] < HEIGHT / 3, "the verdict comes first"
    assert all(finding["way_out"] for finding in seen["findings"])
    for bar in seen["bars"]:
        assert bar["hatched"] == bar["past"], "colour alone must not say it"


@pytest.mark.parametrize("theme", THEMES)
def test_a_small_fleet_shows_each_key_against_the_line(browser: Browser, theme: str) -> None:
    seen = browser.look("old", theme)
    sound(seen)
    assert seen["verdict"] == "5 of 5 service accounts need attention."
    assert "13 warnings" in seen["lead"]
    assert "The audit failed" in seen["lead"]
    assert [bar["value"] for bar in seen["bars"]] == ["100 d"] * 3
    assert all(bar["left"] < seen["limit"]["left"] < bar["right"] for bar in seen["bars"])
    assert [finding["id"] for finding in seen["findings"]][-1] == "finding-warning-key-too-old"
    assert all(finding["shown"] == finding["all"] for finding in seen["findings"])
    assert (seen["open_tables"], seen["rows"]) == (1, 5)
    light = seen["background"] == "rgb(247, 247, 244)"
    assert light == (theme == "light")


def test_when_all_is_well_it_says_so(browser: Browser) -> None:
    seen = browser.look("deployed")
    sound(seen)
    assert seen["verdict"] == "All 5 service accounts keep their promise."
    assert seen["findings"] == []
    assert all(bar["right"] < seen["limit"]["left"] and not bar["past"] for bar in seen["bars"])


@pytest.mark.parametrize("theme", THEMES)
def test_a_thousand_are_counted_and_folded(browser: Browser, theme: str) -> None:
    seen = browser.look("thousand", theme)
    sound(seen)
    assert "of 1000 service accounts need attention" in seen["verdict"]
    assert len(seen["bars"]) <= 37
    for bar in seen["bars"]:
        assert bar["past"] == (bar["left"] >= seen["limit"]["left"] - 1)
    assert (seen["open_tables"], seen["tables"], seen["rows"]) == (0, 4, 1000)
    assert all(finding["shown"] <= 3 for finding in seen["findings"])
    severities = [finding["id"].split("-")[1] for finding in seen["findings"]]
    assert severities == sorted(severities, key=["error", "warning", "info"].index), "worst first"


@pytest.mark.parametrize("fleet", ["old", "thousand"])
def test_it_is_readable_on_a_telephone(browser: Browser, fleet: str) -> None:
    seen = browser.look(fleet, width=390)
    assert seen["overflow"] <= 0
    assert seen["verdict_box"]["right"] <= 390


def test_names_from_an_account_stay_text(browser: Browser) -> None:
    seen = browser.look("hostile")
    assert (seen["scripts"], seen["images"]) == (0, 0)
    assert seen["title"] != "owned"
