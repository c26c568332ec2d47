# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The server as a program: loopback only, a port in use, a clean end; and moto as we know it."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from moto.iam.responses import IamResponse

from sandbox import pins
from sandbox.server import PortInUse, running
from sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def start(port: int | str, scratch: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(scratch)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_port_in_use_is_one_clear_line(taken: int, tmp_path: Path) -> None:
    process = start(taken, tmp_path)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert error == (f"port {taken} on 127.0.0.1 is in use by another program; choose another one: PORT={taken + 1}\n")


def test_running_refuses_a_port_in_use_before_anything_else(taken: int) -> None:
    with pytest.raises(PortInUse, match=str(taken)), running(taken):
        pass


def test_a_second_one_in_the_process_is_refused(embedded_aws: World) -> None:
    """They would share moto's state, and each would run the other's functions."""
    with (
        pytest.raises(RuntimeError, match=f"one embedded AWS runs in this process already, at {embedded_aws.endpoint}"),
        running(),
    ):
        pass


def test_a_port_that_is_no_number(tmp_path: Path) -> None:
    process = start("http", tmp_path)
    assert "PORT must be a number from 0 to 65535, not 'http'" in process.communicate(timeout=60)[1]
    assert process.returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_how_to_use_it_and_leaves_nothing_behind(number: signal.Signals, tmp_path: Path) -> None:
    process = start(0, tmp_path)
    assert process.stdout is not None
    try:
        assert select.select([process.stdout], [], [], 60)[0]
        endpoint = process.stdout.readline().split("listens on ")[1].split(" ")[0]
        lines = [process.stdout.readline() for _ in range(4)]
        assert f"export AWS_ENDPOINT_URL={endpoint}" in "".join(lines)
        assert "AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing" in "".join(lines)
        assert urllib.request.urlopen(endpoint + "/_sandbox/clock").status == 200
        assert list(tmp_path.iterdir())
        process.send_signal(number)
        _, error = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, error) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_loopback_only(aws: Any) -> None:
    port = int(aws.world.endpoint.rpartition(":")[2])
    table = Path("/proc/net/tcp")
    if not table.exists():
        pytest.skip("needs /proc/net/tcp")
    listening = [line.split()[1] for line in table.read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [address for address in listening if int(address.split(":")[1], 16) == port] == [f"0100007F:{port:04X}"]


def test_connections_stay_open(aws: Any) -> None:
    answer = aws.client("sts").get_caller_identity()
    assert answer["ResponseMetadata"]["HTTPHeaders"].get("connection") != "close"


def test_the_date_header_is_the_virtual_time(aws: Any) -> None:
    aws.control("POST", "clock", {"advance_seconds": 30 * 86400})
    header = aws.client("sts").get_caller_identity()["ResponseMetadata"]["HTTPHeaders"]["date"]
    assert abs(parsedate_to_datetime(header).timestamp() - aws.world.clock.now()) < 60


def test_a_second_world_in_one_process_starts_empty() -> None:
    """In a process of its own: moto is global, and this one's world must live on."""
    code = (
        "import boto3\nfrom sandbox.server import running\n"
        "for _ in range(2):\n"
        "    with running() as world:\n"
        "        iam = boto3.client('iam', 'us-east-1', endpoint_url=world.endpoint,\n"
        "            aws_access_key_id='testing', aws_secret_access_key='testing')\n"
        "        assert iam.list_users()['Users'] == []\n"
        "        world.clock.advance(86400)\n"
        "        made = iam.create_user(UserName='ann')['User']['CreateDate'].timestamp()\n"
        "        assert abs(made - world.clock.now()) < 60\n"
        "    assert not world.folder.exists()\n"
        "print('done')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.stdout, done.stderr) == ("done\n", "")


class TestPins:
    def test_todays_moto_fits(self) -> None:
        pins.check()

    def test_another_signature_is_named(self) -> None:
        with pytest.raises(pins.PinError, match=r"IamResponse.list_access_keys is now \(self\).*, not \(self, x\)"):
            pins.check(((IamResponse, "list_access_keys", "(self, x)"),))

    def test_a_function_that_is_gone_is_named(self) -> None:
        with pytest.raises(pins.PinError, match=r"IamResponse.nothing is gone.*requirements/tools.txt"):
            pins.check(((IamResponse, "nothing", "()"),))

    def test_another_version_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pins, "MOTO_VERSION", "0.0.1")
        with pytest.raises(pins.PinError, match=r"made for moto 0\.0\.1.*it is version 5"):
            pins.check()
