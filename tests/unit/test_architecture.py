# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The rules that keep the parts apart (docs: never-rules), read from the imports and calls of every source file."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROTATION = ROOT / "plugins" / "module_utils" / "rotation"
STRATEGIES = ("iam_access_key", "noop")
FORBIDDEN_CALLS = {"print", "open", "input", "exec", "eval", "__import__", "globals"}
FORBIDDEN_METHODS = {"now", "utcnow", "today", "sleep", "getenv", "monotonic", "time_ns", "exit_json", "fail_json"}
FORBIDDEN_MODULES = {"os", "time", "importlib", "subprocess", "socket", "random", "pathlib", "threading", "logging"}


def sources(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.py"))
    assert found, f"no source in {folder}: this test looks in the wrong place"
    return found


def imports(path: Path) -> Iterator[str]:
    """Every imported module, relative ones made absolute as plugins.module_utils.…"""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            yield module.removeprefix("ansible_collections.evergreen.key_rotation.")
            yield from (
                f"{module}.{alias.name}".removeprefix("ansible_collections.evergreen.key_rotation.")
                for alias in node.names
            )


def violations(path: Path) -> Iterator[str]:
    """What a pure file may not do: read the environment, print, sleep, ask for the time, hold global state."""
    for node in ast.walk(ast.parse(path.read_text())):
        place = f"{path.name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Global):
            yield f"{place}: global"
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "argv", "stdout", "stderr"):
            yield f"{place}: {node.attr}"
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
            yield f"{place}: {node.func.id}()"
        if isinstance(node.func, ast.Attribute) and node.func.attr in FORBIDDEN_METHODS:
            receiver = ast.unparse(node.func.value)
            handed_in = receiver.endswith(("invocation", "runtime"))
            if not handed_in:
                yield f"{place}: {receiver}.{node.func.attr}()"


@pytest.mark.parametrize("path", sources(ROTATION), ids=lambda path: path.name)
def test_the_rotation_package_is_pure(path: Path) -> None:
    for name in imports(path):
        own = name.startswith("plugins.module_utils.rotation")
        assert own or name.split(".")[0] in sys.stdlib_module_names, f"{path.name} imports {name}"
        assert name.split(".")[0] not in FORBIDDEN_MODULES, f"{path.name} imports {name}"
    assert list(violations(path)) == []


@pytest.mark.parametrize("path", sources(ROTATION), ids=lambda path: path.name)
def test_the_rotation_package_imports_itself_relatively(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert not (node.module or "").startswith(("rotation", "ansible", "plugins")), ast.unparse(node)


def test_strategies_never_import_each_other() -> None:
    for strategy in STRATEGIES:
        others = {f"plugins.module_utils.rotation.{other}" for other in STRATEGIES if other != strategy}
        assert not others & set(imports(ROTATION / f"{strategy}.py"))


def test_only_the_registry_imports_a_strategy() -> None:
    wanted = {f"plugins.module_utils.rotation.{strategy}" for strategy in STRATEGIES}
    importers = {path.name for path in sources(ROTATION) if wanted & set(imports(path))}
    assert importers == {"handler.py"}


def test_rotation_does_not_know_the_fleet() -> None:
    for path in sources(ROTATION):
        assert not any(name.startswith("plugins.module_utils.fleet") for name in imports(path)), path


@pytest.mark.parametrize("folder", ["plugins", "lambda_src"])
def test_nothing_that_ships_imports_the_sandbox_or_the_tests(folder: str) -> None:
    for path in sources(ROOT / folder):
        found = {name.split(".")[0] for name in imports(path)} & {"sandbox", "tests", "demo", "moto", "pytest"}
        assert not found, f"{path} imports {found}"


def test_the_lambda_needs_nothing_but_boto3_and_itself() -> None:
    own = {"rotation", *(path.stem for path in sources(ROOT / "lambda_src"))}
    for path in sources(ROOT / "lambda_src"):
        for name in imports(path):
            first = name.removeprefix("lambda_src.").split(".")[0]
            assert first in own | {"boto3", "botocore"} | sys.stdlib_module_names, f"{path.name} imports {name}"


def test_the_walk_sees_what_it_must_see(tmp_path: Path) -> None:
    """The test can fail: each forbidden thing is found."""
    source = tmp_path / "impure.py"
    for line in ("print(1)", "x = os.environ", "datetime.now()", "time.sleep(1)", "open('x')", "def f():\n  global y"):
        source.write_text(line)
        assert list(violations(source)), line


UNIT = ROOT / "tests" / "unit" / "plugins"
OF_THE_WHOLE_PACKAGE = {"test_found", "test_sweep"}
"""Histories and sweeps: they run every step of a rotation, and belong to no one source."""


def misplaced(tests: Path, plugins: Path) -> list[str]:
    """Tests that do not lie where their subject does: test_<source>.py, or test_<source>_<aspect>.py, in its folder."""
    found = []
    for path in sources(tests):
        folder = plugins / path.parent.relative_to(tests)
        subjects = {entry.stem for entry in folder.iterdir()} if folder.is_dir() else set()
        fits = any(f"{path.stem}_".startswith(f"test_{subject}_") for subject in subjects)
        if path.stem.startswith("test_") and not fits and path.stem not in OF_THE_WHOLE_PACKAGE:
            found.append(str(path.relative_to(tests)))
    return found


def test_unit_tests_mirror_the_plugins(tmp_path: Path) -> None:
    assert misplaced(UNIT, ROOT / "plugins") == []
    (tmp_path / "filter").mkdir()
    for name in ("test_fleet.py", "test_fleet_limits.py", "test_fleets.py"):
        (tmp_path / "filter" / name).touch()
    assert misplaced(tmp_path, ROOT / "plugins") == ["filter/test_fleets.py"]
