# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the collection says it needs is what scripts/matrix tests, and the documented table is of its rows."""

from __future__ import annotations

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TOOLS = (ROOT / "requirements" / "tools.txt").read_text()


@pytest.fixture(scope="module")
def matrix() -> ModuleType:
    loader = SourceFileLoader("matrix_script", str(ROOT / "scripts" / "matrix"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", version)]


def test_the_oldest_ansible_core_that_is_allowed_is_tested(matrix: ModuleType) -> None:
    allowed = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["requires_ansible"]
    assert allowed == f">={min((row.core for row in matrix.ROWS), key=numbers)}"
    for role in ("audit", "rotation"):
        meta = yaml.safe_load((ROOT / "roles" / role / "meta" / "main.yml").read_text())
        assert allowed.startswith(f">={meta['galaxy_info']['min_ansible_version']}.")


def test_the_oldest_python_is_the_one_that_bootstrap_and_modules_ask_for(matrix: ModuleType) -> None:
    oldest = min((row.python for row in matrix.ROWS), key=numbers)
    settings = yaml.safe_load((ROOT / "tests" / "config.yml").read_text())
    assert settings["modules"]["python_requires"] == f">={oldest}"
    assert f"({', '.join(oldest.split('.'))})" in (ROOT / "scripts" / "bootstrap").read_text()


def test_the_default_runtime_of_the_functions_is_tested(matrix: ModuleType) -> None:
    (runtime,) = re.findall(
        r'"runtime": \{"default": "python([0-9.]+)"\}', (ROOT / "plugins/modules/rotation_function.py").read_text()
    )
    assert runtime in {row.runtime for row in matrix.ROWS}


def test_what_the_tools_pin_is_a_row(matrix: ModuleType) -> None:
    assert set(re.findall(r"^ansible==([0-9.]+)", TOOLS, re.MULTILINE)) <= {row.ansible for row in matrix.ROWS}


def test_the_oldest_boto3_is_what_amazon_aws_says(matrix: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# with care\nbotocore>=1.34.0\nboto3>=1.34.0\n")
    assert matrix.boto_pins(tmp_path, matrix.OLDEST) == ["botocore==1.34.0", "boto3==1.34.0"]
    assert matrix.boto_pins(tmp_path, matrix.NEWEST) == ["boto3"]


def test_a_row_that_cannot_be_made_fails_the_run_and_stops_no_other(
    matrix: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(environment: object) -> None:
        raise OSError("no Python 3.11 found")

    monkeypatch.setattr(matrix.Environment, "make", make)
    monkeypatch.setattr("sys.argv", ["matrix", "1", "2"])
    assert matrix.main()
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| 3.11")]
    assert [row.endswith("| FAILED: no Python 3.11 found |") for row in rows] == [True, True]


@pytest.mark.parametrize(
    ("answer", "cell"),
    [
        ((0, "25 sanity tests, 25 integration targets, 25 passed in 4.2s"), "25 passed"),
        ((1, "1 failed, 24 passed in 4.2s"), "FAILED"),
        ((0, "no tests ran in 0.01s"), "FAILED"),
        ((5, "no tests ran in 0.01s"), "FAILED"),
    ],
)
def test_only_what_passed_and_was_counted_passes(
    matrix: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: tuple[int, str], cell: str
) -> None:
    environment = matrix.Environment(matrix.ROWS[0], tmp_path)
    monkeypatch.setattr(environment, "must", lambda *command: "3.11.7|2.19.0|1.34.0|10.1.2|10.0.0")
    monkeypatch.setattr(environment, "run", lambda *command, cwd: answer)
    assert list(environment.cells())[-len(matrix.TESTS) :] == [cell] * len(matrix.TESTS)


def test_a_command_that_hangs_is_stopped_and_the_log_shows_each(
    matrix: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment = matrix.Environment(matrix.ROWS[0], tmp_path)
    assert environment.run("sh", "-c", "echo one; exit 3") == (3, "one\n")
    monkeypatch.setattr(matrix, "LIMIT_SECONDS", 0.2)
    code, said = environment.run("sh", "-c", "echo two; exec sleep 60")
    assert (code, said) == (124, "two\nmatrix: stopped after 0.2 s\n")
    assert [line[0] for line in environment.log.read_text().splitlines()] == ["$", "o", "$", "t", "m"]
