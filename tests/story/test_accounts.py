# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Many accounts and Regions in one run: side by side, each with its own role, whose session is renewed."""

from __future__ import annotations

import configparser
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest

from demo.playbook import CHECKOUT, Run
from sandbox.world import ACCOUNT
from tests.story.account_fleet import HEALTHY, LATE, OWN_PROFILE, PLACES, AccountFleet, by_role, changed, serving

SESSION_SECONDS = 4


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AccountFleet]:
    with serving(tmp_path_factory.mktemp("accounts")) as served:
        yield served


@pytest.fixture(scope="module")
def deployed(fleet: AccountFleet) -> tuple[AccountFleet, Run, list[dict[str, Any]], set[str]]:
    """The fleet, its first deploy, the journal of that, and the places in which it rotated."""
    before, since = fleet.versions(), len(fleet.journal())
    done = fleet.play("deploy", "--limit", "all:!job", code=2)
    return fleet, done, fleet.journal(since), changed(before, fleet.versions())


def test_accounts_that_fail_are_named_and_the_others_are_done(deployed):
    _, done, _, places = deployed
    assert places == {*HEALTHY} - {LATE}
    said = " ".join(done.summary.split())
    assert f"account lost: role arn:aws:iam::{ACCOUNT}:role/nosuch could not be assumed" in said
    assert "AccessDenied" in said
    assert "mend aws_role_arn, let the role trust the caller, or give the caller credentials" in said
    assert f"account strange: the credentials are for {ACCOUNT}, but aws_account_id is 210987654321" in said
    assert "--limit lost-api,lost-mail" in said
    assert "--limit strange-api" in said
    for place in HEALTHY:
        account, (_, region, hosts) = place.partition("_")[0], PLACES[place]
        table = said.partition(f"Account {account} ({region}) ")[2].partition("Account ")[0].partition("[ERROR]")[0]
        assert all(host in table for host in hosts)
        assert table.count(" due, not rotated" if place == LATE else " rotated") == len(hosts), table
        assert "FAILED" not in table
    assert "job-us-api" not in said


def test_each_account_says_itself_how_far_it_is(deployed):
    """One task serves them all, and Ansible names it as the first of them would."""
    _, done, _, places = deployed
    for place in places:
        account, (_, region, hosts) = place.partition("_")[0], PLACES[place]
        assert f"Rotate what is due in {account}, {region}: {len(hosts)} of {len(hosts)} done\n" in done.output


def test_every_account_is_worked_on_with_its_own_role_and_nothing_else(deployed):
    _, _, journal, _ = deployed
    own = [call for call in journal if (call["principal"] or "").endswith(":user/controller")]
    assert {f"{call['service']}:{call['action']}" for call in own} == {"sts:AssumeRole"}
    assert {call["action"] for call in by_role(journal, "strange")} <= {"GetCallerIdentity", "ListAccountAliases"}
    made = {place for place in PLACES if any(call["action"] == "CreateRole" for call in by_role(journal, place))}
    assert made <= {*HEALTHY}
    for place in HEALTHY:
        attached = [call for call in by_role(journal, place) if call["action"] == "RotateSecret"]
        assert len(attached) >= len(PLACES[place][2])


def test_accounts_are_worked_on_side_by_side(deployed):
    _, _, journal, _ = deployed
    spans = []
    for place in {*HEALTHY} - {LATE}:
        calls = by_role(journal, place)
        rotations = [call["time"] for call in calls if call["action"] == "RotateSecret"]
        spans.append((rotations[-1], calls[-1]["time"]))
    # Both wait for their rotations at one moment. One after the other, each would have ended before the next begins.
    assert max(start for start, _ in spans) < min(end for _, end in spans), spans


@pytest.mark.parametrize("arguments", [("audit",), ("deploy", "--check")], ids=["audit", "check"])
def test_what_only_reads_reads_with_the_roles_too(fleet, arguments):
    since = len(fleet.journal())
    done = fleet.play(*arguments, "--limit", "dev,lost", code=2)
    said = " ".join(done.output.split())
    assert f"account lost: role arn:aws:iam::{ACCOUNT}:role/nosuch could not be assumed" in said
    journal = fleet.journal(since)
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy-dev/key-rotation"
    read = {call["action"] for call in journal if call["principal"] == session}
    assert {"GetCallerIdentity", "DescribeSecret"} <= read
    assert all(action.startswith(("Describe", "Get", "List", "Generate", "Lookup", "Batch")) for action in read), read
    assert {call["action"] for call in journal if call["principal"] != session} == {"AssumeRole"}


@pytest.fixture(scope="module")
def rotated(
    deployed: tuple[AccountFleet, Run, list[dict[str, Any]], set[str]],
) -> tuple[AccountFleet, Run, list[dict[str, Any]], set[str]]:
    """The late place rotated on demand with sessions of seconds: the same four."""
    fleet, *_ = deployed
    before, since = fleet.versions(), len(fleet.journal())
    fleet.aws.remote.knobs(role_session_seconds=SESSION_SECONDS)
    try:
        # One after the other, each with four seconds of proofs: longer than a session.
        done = fleet.play("rotate", "--limit", LATE, "-e", "rotation_in_flight=1")
    finally:
        fleet.aws.remote.knobs(role_session_seconds=0)
    return fleet, done, fleet.journal(since), changed(before, fleet.versions())


def test_a_session_that_runs_out_in_the_middle_of_a_module_is_renewed(rotated):
    _, _, journal, places = rotated
    assert places == {LATE}
    times = [call["time"] for call in by_role(journal, LATE) if call["action"] == "RotateSecret"]
    assert times[-1] - times[0] > SESSION_SECONDS  # within one module: what it began with had run out
    renewed = [call for call in journal if call["action"] == "AssumeRole" and times[0] < call["time"] < times[-1]]
    assert renewed
    assert [call for call in journal if (call["error"] or "").startswith("ExpiredToken")] == []


def test_what_a_rotation_has_said_before_it_is_killed_resumes_it(rotated):
    fleet, done, *_ = rotated
    told = done.output.partition("TASK [evergreen.key_rotation.rotation : Rotate now")[0]
    (began,) = re.findall(
        r"if this is cut short, run the same command again with -e (rotation_started=[0-9T:+-]+)", told
    )
    count = len(PLACES[LATE][2])
    resumed = fleet.play("rotate", "--limit", LATE, "--check", "-e", began)
    assert resumed.summary.count(" unchanged") == count, resumed.summary
    # Begun afresh it would rotate them all again, if their grace period let it.
    afresh = fleet.play("rotate", "--limit", LATE, "--check", code=2)
    assert f"not done: {count} of {count}" in afresh.summary
    assert "cut short" not in resumed.output + afresh.output


class _Credentials(http.server.BaseHTTPRequestHandler):
    """Answers as the agent of ECS, EKS Pod Identity and such does; keys is set by whoever serves."""

    keys: ClassVar[dict[str, str]] = {}

    def do_GET(self) -> None:
        """The keys."""
        self.send_response(200)
        self.end_headers()
        answer = {"AccessKeyId": self.keys["AWS_ACCESS_KEY_ID"], "SecretAccessKey": self.keys["AWS_SECRET_ACCESS_KEY"]}
        self.wfile.write(json.dumps({**answer, "Token": None, "Expiration": "2099-01-01T00:00:00Z"}).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("source", ["environment", "profile", "chain", "process", "container"])
def test_the_role_is_assumed_from_every_source_of_credentials(fleet, tmp_path, source):
    files = CHECKOUT / "roles" / "rotation" / "files"
    role = f"arn:aws:iam::{ACCOUNT}:role/deploy-job"
    keys = fleet.credentials
    config, credentials = tmp_path / "config", tmp_path / "credentials"
    base = "".join(f"{line}\n" for line in ("[base]", *(f"{k.lower()} = {v}" for k, v in keys.items())))
    credentials.write_text(base + OWN_PROFILE)
    printed = json.dumps(
        {"Version": 1, "AccessKeyId": keys["AWS_ACCESS_KEY_ID"], "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"]}
    )
    (tmp_path / "printed").write_text(printed)
    config.write_text(
        f"[profile chain]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/deploy-dev\nsource_profile = base\n"
        f"[profile process]\ncredential_process = cat {tmp_path / 'printed'}\n"
    )
    variables = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": fleet.aws.endpoint,
        "AWS_CONFIG_FILE": str(files / "aws_config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(credentials),
        "AWS_EC2_METADATA_DISABLED": "true",
        "KEY_ROTATION_CONFIG_FILE": str(config),
        "KEY_ROTATION_PYTHON": sys.executable,
        "KEY_ROTATION_REGION": "us-east-1",
        "KEY_ROTATION_ROLE_ARN": role,
    }
    _Credentials.keys = keys
    with http.server.HTTPServer(("127.0.0.1", 0), _Credentials) as agent:
        threading.Thread(target=agent.serve_forever, daemon=True).start()
        variables |= {
            "environment": keys,
            "profile": {"AWS_PROFILE": "base"},
            "chain": {"AWS_PROFILE": "chain"},
            "process": {"AWS_PROFILE": "process"},
            "container": {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://127.0.0.1:{agent.server_port}/"},
        }[source]
        ours = configparser.ConfigParser()
        ours.read(files / "aws_config")
        (section,) = ours.sections()
        # As amazon.aws' modules make their clients.
        program = (
            f"import boto3; session = boto3.session.Session(profile_name={section.removeprefix('profile ')!r});"
            "print(session.client('sts', region_name='us-east-1').get_caller_identity()['Arn'])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], check=False, capture_output=True, text=True, env=variables
        )
        agent.shutdown()
    assert done.stdout.strip() == f"arn:aws:sts::{ACCOUNT}:assumed-role/deploy-job/key-rotation", done.stderr
