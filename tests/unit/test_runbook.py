# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""docs/runbook.md has every message, outcome, finding, mail and alarm of the code, and nothing that is not there.

The messages are read from the source: the text of each error, mistake, warning and failing task, with … for whatever
is filled in. An entry of the runbook is such a text, or a part of it that tells it from the others.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.module_utils.fleet import summary
from plugins.module_utils.fleet.findings.catalogue import CATALOGUE
from plugins.module_utils.rotation import errors

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SOURCES = sorted([*(ROOT / "plugins").rglob("*.py"), *(ROOT / "lambda_src").glob("*.py")])
TASKS = sorted([*(ROOT / "roles").glob("*/tasks/*.yml"), *(ROOT / "playbooks").rglob("*.yml")])
FILLED = "…"

RAISED = re.compile(r"(Error|ActionFail)$")
RETIREMENTS = ("retire", "_retire_when_due")
LEAST_CHARACTERS = 10
"""An entry that is shorter tells nothing apart."""


def template(node: ast.expr) -> str:
    """A text as written, with … for whatever is filled in."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else FILLED for part in node.values)
    if isinstance(node, ast.BinOp):
        return template(node.left) + template(node.right)
    return FILLED


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the name of what is called."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            called = node.func
            yield getattr(called, "attr", getattr(called, "id", "")), node


def messages(source: str) -> Iterator[str]:
    """The texts that people may read when something is wrong."""
    for name, call in calls(source):
        texts = [template(argument) for argument in call.args]
        if name == "mistake" or name == "Mistake":
            variable, found, mend = texts[-3:]
            yield f"{variable}: {found}; {mend}"
        elif name in ("text", "texts") and len(texts) == 3:
            yield f"{texts[0]}: found {FILLED}; {texts[2]}"
        elif name == "append" and ast.unparse(call.func).endswith(("warnings.append", "mistakes.append")):
            yield texts[0]
        elif name == "fail_json":
            yield from (template(word.value) for word in call.keywords if word.arg == "msg")
        elif (name != "CallError" and RAISED.search(name)) or (
            name == "__init__" and isinstance(call.args[0], ast.JoinedStr)
        ):
            yield texts[0] if texts else ""


def said_by_tasks(tasks: object) -> Iterator[str]:
    """The texts of the tasks that fail, assert or say something, wherever they stand in a file."""
    if isinstance(tasks, list):
        for item in tasks:
            yield from said_by_tasks(item)
    elif isinstance(tasks, dict):
        for name, value in tasks.items():
            if name in ("ansible.builtin.fail", "ansible.builtin.assert", "ansible.builtin.debug"):
                text = str(value.get("fail_msg") or value.get("msg"))
                yield re.sub(r"\{\{.*?\}\}", FILLED, " ".join(text.split()))
            yield from said_by_tasks(value)


def telling(text: str) -> bool:
    """Say whether anything of a template is fixed: what only passes another text on tells nothing."""
    return len(re.sub(r"[\W_]", "", text.replace(FILLED, ""))) > 3


def every_message() -> set[str]:
    """All of them."""
    found = {text for path in SOURCES for text in messages(path.read_text())}
    found |= {text for path in TASKS for text in said_by_tasks(yaml.safe_load(path.read_text()))}
    return {text for text in found if telling(text)}


def metrics() -> set[str]:
    """What the function counts."""
    return {
        template(call.args[0])
        for path in SOURCES
        for name, call in calls(path.read_text())
        if name == "count" and call.args and "telemetry" in ast.unparse(call.func)
    }


def subjects() -> set[str]:
    """The subjects of the mails."""
    found = [call for path in SOURCES for name, call in calls(path.read_text()) if name == "tell"]
    return {template(call.args[3]) for call in found}


def retirement_outcomes() -> set[str]:
    """What a retirement says became of it."""
    tree = ast.parse((ROOT / "plugins" / "module_utils" / "rotation" / "retirement.py").read_text())
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in RETIREMENTS]
    returned = [node.value for function in functions for node in ast.walk(function) if isinstance(node, ast.Return)]
    return {node.value for node in returned if isinstance(node, ast.Constant)}


def error_types() -> set[str]:
    """The kinds of error in the function's log."""
    return {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}


def alarms() -> set[str]:
    """The names of the rule, the alarms and the topic, as defaults have them."""
    defaults: dict[str, Any] = yaml.safe_load((ROOT / "roles" / "rotation" / "defaults" / "main.yml").read_text())
    functions = {f"{name}-errors" for name in defaults["rotation_function_names"].values()}
    return functions | {defaults["rotation_alarm_rule_name"], defaults["rotation_dead_letter_queue_name"]}


def statuses() -> set[str]:
    """What the summary says of a service account."""
    tree = ast.parse(Path(summary.__file__).read_text())
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "_status")
    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    first = [node.elts[0] for node in returned if isinstance(node, ast.Tuple)]
    chosen = [part for node in first for part in ([node.body, node.orelse] if isinstance(node, ast.IfExp) else [node])]
    return {str(node.value) for node in chosen if isinstance(node, ast.Constant)} | {
        summary.FAILED,
        summary.NOT_REACHED,
        "exempt",
    }


def entries(text: str) -> list[str]:
    """What the tables of a document begin their rows with, where that is in code."""
    firsts = [line.split("|")[1] for line in text.splitlines() if line.startswith("|")]
    return [name for first in firsts for name in re.findall(r"`([^`]+)`", first)]


WHOLE = metrics() | subjects() | retirement_outcomes() | error_types() | alarms() | statuses() | set(CATALOGUE)
ENTRIES = entries(RUNBOOK)
MESSAGES = every_message()


@pytest.mark.parametrize("name", sorted(WHOLE))
def test_each_name_has_an_entry(name: str) -> None:
    assert name in ENTRIES


@pytest.mark.parametrize("message", sorted(MESSAGES))
def test_each_message_has_an_entry(message: str) -> None:
    assert [entry for entry in ENTRIES if len(entry) >= LEAST_CHARACTERS and entry in message]


@pytest.mark.parametrize("entry", sorted(set(ENTRIES)))
def test_each_entry_is_of_something_that_is_there(entry: str) -> None:
    assert entry in WHOLE or [message for message in MESSAGES if entry in message]


def test_no_entry_stands_twice() -> None:
    """But a status and a finding may have one name."""
    found = [entry for entry in ENTRIES if entry not in statuses() & set(CATALOGUE)]
    assert sorted(found) == sorted(set(found))


def test_the_sources_are_read() -> None:
    """The tests above cannot pass by finding nothing."""
    assert len(MESSAGES) > 110
    assert {"SlotFreed", "RetirementBlocked"} <= metrics()
    assert len(subjects()) == 3
    assert retirement_outcomes() > {"retired", "postponed"}
    assert statuses() > {"rotated", "due, not rotated", "unchanged"}
    assert len(error_types()) == 9


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise StateError(f"rotation of {name} is off" " again")', ["rotation of … is off again"]),
        ('reader.mistake("iam_user", "missing", f"write {x}")', ["iam_user: missing; write …"]),
        ('Mistake(host, "aws_account", "missing", "write it")', ["aws_account: missing; write it"]),
        ('reader.text("secret_name", PATTERN, "write its name")', ["secret_name: found …; write its name"]),
        ('warnings.append(f"{host}: it ended")', ["…: it ended"]),
        ('module.fail_json(msg=f"topic {arn}: {error}")', ["topic …: …"]),
        ('super().__init__(f"{action} failed: {code}")', ["… failed: …"]),
    ],
)
def test_a_message_is_read_as_people_see_it(source: str, found: list[str]) -> None:
    assert list(messages(source)) == found


def test_the_messages_of_tasks_are_read_wherever_they_stand() -> None:
    tasks = [{"block": [{"ansible.builtin.assert": {"that": "x", "fail_msg": "account {{ a\n  ~ b }}:\n no"}}]}]
    assert list(said_by_tasks(tasks)) == ["account …: no"]
