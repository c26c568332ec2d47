# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""read: list asks a page at a time, and believes it only where nothing is to be done; writes keep to their pace."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet import batch_module, settle
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.batch import Pace
from ansible_collections.evergreen.key_rotation.plugins.modules import rotation_info, rotation_run, rotation_schedule
from ansible_collections.evergreen.key_rotation.tests.modules.conftest import ALL, Lab, service_account

FLEET = [service_account(name, grace_period_hours=0) for name in ALL]


@pytest.fixture
def enrolled(functions: Lab) -> Lab:
    functions.changed(rotation_schedule, True, service_accounts=FLEET, functions=functions.function_arns)
    functions.changed(rotation_run, True, service_accounts=FLEET, rotate_if="always")
    return functions


def calls(lab: Lab, module: ModuleType, fleet: list[dict[str, Any]] | None = None, **options: Any) -> Counter[str]:
    """Run a module with read: list, and count the operator's calls of Secrets Manager."""
    before = len(lab.aws.remote.journal())
    lab.run(module, service_accounts=fleet or FLEET, read="list", **options)
    return Counter(
        entry["action"]
        for entry in lab.aws.remote.journal()[before:]
        if entry["service"] == "secretsmanager" and "assumed-role" not in (entry["principal"] or "")
    )


def test_nothing_to_do_is_one_call(enrolled: Lab) -> None:
    assert calls(enrolled, rotation_schedule, functions=enrolled.function_arns) == {"ListSecrets": 1}


def test_a_secret_on_a_later_page_is_listed(enrolled: Lab) -> None:
    secrets = enrolled.aws.client("secretsmanager")
    for number in range(100):
        secrets.create_secret(Name=f"/other/{number}", SecretString="{}")
    assert calls(enrolled, rotation_schedule, functions=enrolled.function_arns) == {"ListSecrets": 2}


def test_what_differs_is_described_and_written(enrolled: Lab) -> None:
    fleet = [*FLEET[:-1], {**FLEET[-1], "rotation_days": 30}]
    found = calls(enrolled, rotation_schedule, fleet, functions=enrolled.function_arns)
    assert found == {"ListSecrets": 1, "DescribeSecret": 1, "RotateSecret": 1}


def test_what_is_not_listed_is_described(enrolled: Lab) -> None:
    """A secret that awaits deletion, and one that is not there: the list has neither."""
    enrolled.aws.client("secretsmanager").delete_secret(SecretId=FLEET[-1]["secret_name"])
    fleet = [*FLEET, {**FLEET[-2], "name": "lost", "secret_name": "/lost"}]
    options = {"service_accounts": fleet, "functions": enrolled.function_arns, "read": "list"}
    result = enrolled.run(rotation_schedule, **options)
    failed = {entry["name"]: entry["msg"] for entry in result["secrets"] if entry["failed"]}
    assert set(failed) == {ALL[-1], "lost"}
    assert "awaits deletion" in failed[ALL[-1]]
    assert "does not exist" in failed["lost"]


def test_what_is_not_due_is_not_described(enrolled: Lab) -> None:
    """Which key is the current one is in no list: the three values are read."""
    assert calls(enrolled, rotation_run, rotate_if="due") == {"ListSecrets": 1, "GetSecretValue": 3}


def old_list(monkeypatch: pytest.MonkeyPatch, used: ModuleType, change: Callable[[dict[str, Any]], object]) -> None:
    """Let a module read a list whose entries are changed before."""
    reader = used.reader

    def stale(module: Any, secretsmanager: Any, iam: Any, **options: Any) -> Any:
        listed = secretsmanager.list_secrets

        def old(**arguments: Any) -> Any:
            answer = listed(**arguments)
            for item in answer["SecretList"]:
                change(item)
            return answer

        monkeypatch.setattr(secretsmanager, "list_secrets", old)
        return reader(module, secretsmanager, iam, **options)

    monkeypatch.setattr(used, "reader", stale)


def test_a_list_that_is_old_starts_no_rotation(enrolled: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list says that it never rotated; the secret itself knows better."""
    old_list(monkeypatch, rotation_run, lambda item: item.pop("LastRotatedDate", None))
    found = calls(enrolled, rotation_run, rotate_if="due")
    assert found == {"ListSecrets": 1, "DescribeSecret": 5, "GetSecretValue": 6}, "3 keys, looked at twice"


def test_a_list_that_is_old_refuses_nothing(enrolled: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list says that another service manages them; the secrets themselves know better."""
    old_list(monkeypatch, rotation_schedule, lambda item: item.update(OwningService="aws:rds"))
    options = {"service_accounts": FLEET, "functions": enrolled.function_arns, "read": "list"}
    enrolled.changed(rotation_schedule, False, **options)


def test_info_describes_what_it_finds_something_about(enrolled: Lab) -> None:
    # Each user's Inactive key is worth saying; the databases are as they should be.
    found = calls(enrolled, rotation_info)
    assert (found["ListSecrets"], found["DescribeSecret"]) == (1, 3)


def test_a_list_that_may_not_be_read_is_said_with_the_way_out(lab: Lab) -> None:
    lab.aws.remote.fault(service="secretsmanager", action="ListSecrets", kind="access_denied")
    result = lab.run(rotation_info, service_accounts=FLEET, read="list")
    assert result["failed"]
    assert "ListSecrets failed: AccessDeniedException" in result["msg"]
    assert "leave read at describe" in result["msg"]


@pytest.mark.parametrize("module", [rotation_schedule, rotation_run, rotation_info])
def test_each_end_is_written_for_whoever_shows_it(functions: Lab, tmp_path: Path, module: ModuleType) -> None:
    if module is not rotation_schedule:
        functions.changed(rotation_schedule, True, service_accounts=FLEET, functions=functions.function_arns)
    more = {rotation_schedule: {"functions": functions.function_arns}, rotation_run: {"rotate_if": "always"}}
    path = tmp_path / "progress"
    functions.run(module, service_accounts=FLEET, progress_path=str(path), **more.get(module, {}))
    assert path.read_text().splitlines() == [f'{{"total": {len(FLEET)}}}', *['{"failed": false}'] * len(FLEET)]


@pytest.mark.parametrize(
    ("module", "option"),
    [
        (rotation_schedule, "writes_per_second"),
        (rotation_run, "writes_per_second"),
        (rotation_run, "in_flight"),
        (rotation_run, "wait_timeout"),
    ],
)
def test_numbers_that_make_no_sense(lab: Lab, module: ModuleType, option: str) -> None:
    more = {"functions": {}} if module is rotation_schedule else {}
    result = lab.run(module, service_accounts=FLEET, **more, **{option: 0})
    assert result["msg"].startswith(f"{option} is 0")


@pytest.mark.parametrize("module", [rotation_schedule, rotation_run])
def test_the_pace_is_the_one_that_is_asked_for(
    enrolled: Lab, monkeypatch: pytest.MonkeyPatch, module: ModuleType
) -> None:
    used: list[float] = []

    def noted(per_second: float) -> Pace:
        used.append(per_second)
        return Pace(per_second)

    monkeypatch.setattr(settle, "Pace", noted)
    more = {"functions": enrolled.function_arns} if module is rotation_schedule else {"rotate_if": "always"}
    enrolled.run(module, service_accounts=FLEET[-1:], writes_per_second=7, **more)
    assert used == [7]


def test_writes_keep_to_their_pace(functions: Lab) -> None:
    """Two users are bound, and five secrets get tags and schedules: the pace counts them all."""
    before, began = len(functions.aws.remote.journal()), time.monotonic()
    options = {"service_accounts": FLEET, "functions": functions.function_arns, "writes_per_second": 10}
    functions.changed(rotation_schedule, True, **options)
    written = [
        entry
        for entry in functions.aws.remote.journal()[before:]
        if entry["action"] in ("RotateSecret", "TagResource", "TagUser")
    ]
    assert time.monotonic() - began >= (len(written) - 1) / 10


@pytest.mark.parametrize(("service", "mode"), [("iam", "adaptive"), ("secretsmanager", "standard")])
def test_clients_are_patient_and_serve_every_thread(service: str, mode: str) -> None:
    given: dict[str, Any] = {}
    batch_module.client(SimpleNamespace(client=lambda _, config: given.update(config)), service)
    assert given == {"retries": {"mode": mode, "total_max_attempts": 12}, "max_pool_connections": 16}
