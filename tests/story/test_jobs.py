# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The shape in which AWX and Automation Controller run the playbooks: one job for each account, by a limit."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.evergreen.key_rotation.plugins.filter.fleet import select
from tests.story.account_fleet import AccountFleet, changed, serving


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccountFleet]:
    with serving(tmp_path_factory.mktemp("accounts")) as served:
        yield served


@pytest.fixture
def job(fleet: AccountFleet, tmp_path: Path) -> tuple[Path, Path, Path]:
    """What AWX and Automation Controller give ansible-playbook: a playbook of the project, the whole inventory as a
    script that prints JSON, and the extra vars that they add themselves."""
    playbook = tmp_path / "project" / "deploy.yml"
    playbook.parent.mkdir()
    playbook.write_text("- import_playbook: evergreen.key_rotation.deploy\n")
    script = tmp_path / "hosts"
    script.write_text(f"#!{sys.executable}\nprint({json.dumps(as_script(fleet.inventory))!r})\n")
    script.chmod(0o700)
    extra = tmp_path / "extravars"
    names = {"job_id": 7, "job_launch_type": "manual", "user_name": "ann", "job_template_name": "keys of job"}
    extra.write_text(yaml.safe_dump({f"{tool}_{name}": names[name] for tool in ("awx", "tower") for name in names}))
    return playbook, script, extra


def as_script(inventory: dict[str, Any]) -> dict[str, Any]:
    """An inventory as AWX hands it over: flat groups, and the hosts' own variables under _meta."""
    groups: dict[str, Any] = {}
    hostvars: dict[str, Any] = {}

    def add(name: str, group: dict[str, Any]) -> None:
        hosts, children = group.get("hosts", {}), group.get("children", {})
        groups[name] = {"hosts": list(hosts), "children": list(children), "vars": group.get("vars", {})}
        hostvars.update({host: {**own, "remote_tower_enabled": "true"} for host, own in hosts.items()})
        for child, content in children.items():
            add(child, content)

    add("all", inventory["all"])
    return {**groups, "_meta": {"hostvars": hostvars}}


def test_one_job_for_each_account_does_that_account_and_nothing_else(fleet, job):
    playbook, script, extra = job
    before, since = fleet.versions(), len(fleet.journal())
    arguments = ("-u", "root", "--forks=5", "-l", "job", "-e", f"@{extra}")
    done = fleet.play(str(playbook), *arguments, inventory=script)
    assert changed(before, fleet.versions()) == {"job_us", "job_eu"}
    assert done.summary.count("Account job (") == 2
    assert not any(host in done.summary for host in ("prod-", "dev-", "lost-", "strange-"))
    journal = fleet.journal(since)
    assumed = [call for call in journal if (call["principal"] or "").endswith("/key-rotation")]
    assert {call["principal"].split("/")[1] for call in assumed} == {"deploy-job"}
    assert {call["region"] for call in assumed if call["action"] == "RotateSecret"} == {"us-east-2", "eu-central-1"}


def test_a_slice_of_the_inventory_hides_what_belongs_to_the_account(fleet):
    """Why job slicing must stay off: AWX gives a slice every n-th host alone, and nothing says that there are others.
    A limit hides nothing: it says which of the hosts that are there are meant."""
    hosts = {
        host: {**group["vars"], **own}
        for group in fleet.inventory["all"]["children"].values()
        for group in (group.get("children") or {"": group}).values()
        for host, own in group["hosts"].items()
    }
    hosts["prod-us-api"]["notify_email"] = "api@acmecorp.com"
    limited = select(hosts, list(hosts), ["prod-us-mail"])["accounts"][0]
    assert limited["recipients"] == ["api@acmecorp.com", "prod@acmecorp.com"]
    assert limited["known"] == {
        "secrets": ["/prod-us-api", "/prod-us-mail"],
        "iam_users": ["prod-eu-api", "prod-eu-mail", "prod-us-api", "prod-us-mail"],
    }
    sliced = list(hosts)[list(hosts).index("prod-us-mail") % 2 :: 2]
    (account,) = (item for item in select(hosts, sliced, sliced)["accounts"] if item["runner"] == "prod-us-mail")
    # The function could mail to one team no more, and an audit would call users and secrets uncovered that are not.
    assert account["recipients"] == ["prod@acmecorp.com"]
    assert account["known"] == {"secrets": ["/prod-us-mail"], "iam_users": ["prod-eu-mail", "prod-us-mail"]}
    # Two hosts with one secret, each in a slice of its own, are no mistake any more.
    hosts["prod-us-mail"]["secret_name"] = "/prod-us-api"
    assert "prod-us-api's already" in select(hosts, list(hosts), list(hosts))["report"]
    assert select(hosts, sliced, sliced)["mistakes"] == []
