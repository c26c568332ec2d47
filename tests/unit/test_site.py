# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The site has every page in its menu, shows code as it is, and can be built without the network."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml

from plugins.module_utils.fleet.inventory import VARIABLES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SITE = ROOT / "scripts" / "site"


def without_docstrings(source: str, name: str) -> str:
    """A class of a source as it would be written without a word on what it does."""
    found = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef) and node.name == name]
    for node in ast.walk(found[0]):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            node.body = body[1:] or [ast.Pass()]
    return ast.unparse(found[0])


def code_of(page: str, language: str) -> list[str]:
    """The code blocks of a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.MULTILINE | re.DOTALL)


def test_each_page_is_in_the_menu_once() -> None:
    linked = re.findall(r"\]\(([\w-]+\.md)\)", (DOCS / "index.md").read_text().partition("\n## ")[2])
    assert sorted(set(linked)) == sorted(path.name for path in DOCS.glob("*.md") if path.name != "index.md")


def test_the_strategy_that_is_shown_is_the_one_that_runs() -> None:
    source = (ROOT / "plugins" / "module_utils" / "rotation" / "noop.py").read_text()
    (shown,) = code_of("strategies.md", "python")
    assert without_docstrings(shown, "Noop") == without_docstrings(source, "Noop")


def test_each_variable_of_an_inventory_is_explained_once() -> None:
    rows = [line.split("|")[1] for line in (DOCS / "inventory.md").read_text().splitlines() if line.startswith("| `")]
    explained = [name for first in rows for name in re.findall(r"`([a-z_]+)`", first)]
    limits = {"bitbucket", "service_accounts", "acmecorp_prod"}
    assert sorted(set(explained) - limits) == sorted(VARIABLES)
    assert len(explained) == len(set(explained))


def test_the_inventories_that_are_shown_are_yaml() -> None:
    shown = code_of("inventory.md", "yaml") + code_of("getting-started.md", "yaml")
    assert len(shown) > 4
    assert all(isinstance(yaml.safe_load(text), dict) for text in shown)


@pytest.mark.parametrize("name", sorted(path.name for path in DOCS.glob("*.svg")))
def test_a_picture_stands_alone(name: str) -> None:
    """Well-formed, with a title for who cannot see it, and nothing from elsewhere."""
    text = (DOCS / name).read_text()
    assert ET.fromstring(text).find("{http://www.w3.org/2000/svg}title") is not None
    assert not re.search(r"(href|src)=|url\(|@import|<script", text)


def test_nothing_of_the_site_comes_from_elsewhere() -> None:
    """Links lead elsewhere, but no page loads anything from there, and no build asks for it."""
    for path in SITE.rglob("*.*"):
        if path.suffix in (".css", ".js"):
            assert not re.search(r"https?://|@import|fetch\(", path.read_text()), path.name
    tree = ast.parse((SITE / "conf.py").read_text())
    assigned = {target.id: node.value for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
    assert all("build" in ast.unparse(value) for value in assigned["intersphinx_mapping"].values)
