# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""`python -m sandbox`: the embedded AWS alone, for any AWS client, until it is told to stop."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from .pins import PinError
from .server import PortInUse, running
from .world import ADMINISTRATOR, World

USAGE = """\
The embedded AWS listens on {endpoint} (account 123456789012). In another terminal:

  export AWS_ENDPOINT_URL={endpoint}
  export AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}
  export AWS_DEFAULT_REGION=us-east-1

Clock, journal, mail and faults are under {endpoint}/_sandbox/. Ctrl-C ends it; nothing is kept."""


def main() -> int:
    """Serve until SIGINT or SIGTERM.

    Returns:
        The exit code: 0 after a signal, 1 when it cannot start.
    """
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="The embedded AWS, on loopback only.")
    parser.add_argument("--port", default=os.environ.get("PORT") or "4566", help="TCP port (env PORT, else 4566)")
    parser.add_argument("--lambda-python", type=Path, default=None, help="interpreter that runs the Lambdas")
    options = parser.parse_args()
    if not options.port.isdecimal() or int(options.port) > 65535:
        print(f"PORT must be a number from 0 to 65535, not {options.port!r}", file=sys.stderr)
        return 1
    try:
        with running(int(options.port), options.lambda_python) as world:
            _serve(world)
    except (PinError, PortInUse) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _serve(world: World) -> None:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    key, secret = ADMINISTRATOR
    print(USAGE.format(endpoint=world.endpoint, key=key, secret=secret), flush=True)
    ended.wait()


if __name__ == "__main__":
    sys.exit(main())
