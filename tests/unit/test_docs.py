# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Every test, file of an integration target's tasks, chaos command and make target that a document names exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
NAMED_TEST = re.compile(r"[\w./-]+\.py(?:::\w+)+")
NAMED_TASKS = re.compile(r"[\w./-]+/targets/[\w./-]+\.yml")
NAMED_COMMAND = re.compile(r"python -m (chaos(?:\.\w+)*)")
NAMED_TARGET = re.compile(r"(?:`|^ *\$ )make ([a-z-]+)", re.MULTILINE)
TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)


def named_in(source: Path) -> Iterator[str]:
    """The tests of a file as pytest names them behind the path: test_name, or Class::test_name."""
    for node in ast.parse(source.read_text()).body:
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            methods = (item.name for item in node.body if isinstance(item, ast.FunctionDef))
            yield from (f"{node.name}::{name}" for name in methods if name.startswith("test_"))
        elif isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name


def runs(source: Path) -> bool:
    """Say whether a module does something when it is run with -m."""
    guards = (node.test for node in ast.parse(source.read_text()).body if isinstance(node, ast.If))
    return any(ast.unparse(guard) == "__name__ == '__main__'" for guard in guards)


def included(tasks: Path) -> bool:
    """Say whether an integration target runs a file of tasks: main.yml, or one that a file beside it includes."""
    line = re.compile(rf" +ansible\.builtin\.include_tasks: {re.escape(tasks.name)}")
    lines = (text for path in tasks.parent.glob("*.yml") if path != tasks for text in path.read_text().splitlines())
    return tasks.is_file() and (tasks.name == "main.yml" or any(map(line.fullmatch, lines)))


def wrong_names(text: str, root: Path = ROOT) -> list[str]:
    """What a document names and is not there.

    Args:
        text: of the document.
        root: of the checkout; a path counts from here, so that it can be given to pytest as it stands.
    """
    wrong = []
    for name in NAMED_TEST.findall(text):
        path, _, test = name.partition("::")
        source = root / path
        if not (path.startswith("tests/") and source.is_file() and test in named_in(source)):
            wrong.append(name)
    wrong += [name for name in NAMED_TASKS.findall(text) if not (name.startswith("tests/") and included(root / name))]
    for module in NAMED_COMMAND.findall(text):
        source = root.joinpath(*module.split(".")).with_suffix(".py")
        if not (source.is_file() and runs(source)):
            wrong.append(f"python -m {module}")
    targets = set(TARGET.findall((root / "Makefile").read_text()))
    return [*wrong, *(f"make {target}" for target in NAMED_TARGET.findall(text) if target not in targets)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(document: Path) -> None:
    assert wrong_names(document.read_text()) == []


@pytest.mark.parametrize("name", ["pains.md", "guarantees.md"])
def test_the_promises_are_tied_to_tests(name: str) -> None:
    """Every row of a table that ties a promise to what shows it names at least one test, target or command."""
    text = (ROOT / "docs" / name).read_text()
    assert len(set(NAMED_TEST.findall(text))) > 40
    lines = text.splitlines()
    heads = {number - 1 for number, line in enumerate(lines) if line.startswith("|---")}
    rows = [line for number, line in enumerate(lines) if line[:1] == "|" and not {number, number - 1} & heads]
    assert len(rows) > 20
    assert [row for row in rows if not any(name.search(row) for name in (NAMED_TEST, NAMED_TASKS, NAMED_COMMAND))] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("see `tests/unit/test_x.py::test_one` and `python -m chaos.x`", []),
        ("tests/unit/test_x.py::TestClass::test_three<br>tests/unit/test_x.py::test_one", []),
        ("tests/unit/test_x.py::test_two", ["tests/unit/test_x.py::test_two"]),
        ("tests/unit/test_x.py::helper", ["tests/unit/test_x.py::helper"]),
        ("tests/unit/test_x.py::test_inner", ["tests/unit/test_x.py::test_inner"]),
        ("tests/unit/test_x.py::test_three", ["tests/unit/test_x.py::test_three"]),
        ("tests/unit/test_x.py::TestClass::test_one", ["tests/unit/test_x.py::TestClass::test_one"]),
        ("tests/unit/test_y.py::test_one", ["tests/unit/test_y.py::test_one"]),
        ("unit/test_x.py::test_one", ["unit/test_x.py::test_one"]),
        ("`test_x.py::test_one`", ["test_x.py::test_one"]),
        ("`tests/integration/targets/x/tasks/main.yml`<br>tests/integration/targets/x/tasks/two.yml", []),
        ("`tests/integration/targets/x/tasks/three.yml`", ["tests/integration/targets/x/tasks/three.yml"]),
        ("`tests/integration/targets/x/tasks/gone.yml`", ["tests/integration/targets/x/tasks/gone.yml"]),
        ("`integration/targets/x/tasks/one.yml`", ["integration/targets/x/tasks/one.yml"]),
        ("python -m chaos.y", ["python -m chaos.y"]),
        ("python -m chaos.idle --quick", ["python -m chaos.idle"]),
        ("`make fast`, or make haste", []),
        ("`make haste`", ["make haste"]),
        ("\n$ make haste", ["make haste"]),
    ],
)
def test_a_wrong_name_is_found(tmp_path: Path, text: str, wrong: list[str]) -> None:
    """The test can fail: of files with two tests, each other name is wrong."""
    source = tmp_path / "tests" / "unit" / "test_x.py"
    source.parent.mkdir(parents=True)
    source.write_text(
        "# def test_two(): ...\n"
        "def test_one():\n    def test_inner():\n        pass\n"
        "def helper():\n    pass\n"
        "class TestClass:\n    def test_three(self):\n        pass\n"
    )
    tasks = tmp_path / "tests" / "integration" / "targets" / "x" / "tasks"
    tasks.mkdir(parents=True)
    for name, following in {"main": "one", "one": "two", "two": "gone"}.items():
        (tasks / f"{name}.yml").write_text(f"- name: Go on\n  ansible.builtin.include_tasks: {following}.yml\n")
    (tasks / "three.yml").write_text("# ansible.builtin.include_tasks: three.yml\n")
    (tmp_path / "chaos").mkdir()
    (tmp_path / "chaos" / "x.py").write_text("if __name__ == '__main__':\n    pass\n")
    (tmp_path / "chaos" / "idle.py").write_text("def main():\n    pass\n")
    (tmp_path / "Makefile").write_text("fast: slow ## said\n\tmake haste\n")
    document = tmp_path / "document.md"
    document.write_text(f"# A document\n\n| promise | {text} |\n")
    assert wrong_names(document.read_text(), tmp_path) == wrong
