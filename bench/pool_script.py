# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The floor: a bare boto3 pool that attaches schedules, as a person would write it. No pacing, no report.

Standard library and boto3 only: it is measured as a process of its own. Arguments: the service accounts (a file as
bench/schedule.py writes it), and the function's ARN.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3

POOL = 16


def main() -> None:
    """Attach what is not attached."""
    with open(sys.argv[1], encoding="utf-8") as source:
        fleet = json.load(source)["fleet"]
    function = sys.argv[2]
    client = boto3.client("secretsmanager")

    def attach(item: dict[str, Any]) -> None:
        found = client.describe_secret(SecretId=item["secret_name"])
        wanted = {"AutomaticallyAfterDays": item["rotation_days"]}
        stored = {key: found.get("RotationRules", {}).get(key) for key in wanted}
        if not found.get("RotationEnabled") or found.get("RotationLambdaARN") != function or stored != wanted:
            client.rotate_secret(
                SecretId=item["secret_name"],
                RotationLambdaARN=function,
                RotationRules=wanted,
                RotateImmediately=False,
            )

    with ThreadPoolExecutor(POOL) as pool:
        list(pool.map(attach, fleet))


if __name__ == "__main__":
    main()
