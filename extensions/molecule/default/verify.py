# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What the deployed fleet must look like, read with boto3; ends with the first thing that does not."""

from __future__ import annotations

import json
import sys

from demo.old_fleet import SECRETS, USERS, Aws


def verify(aws: Aws) -> None:
    """Check the fleet."""
    secretsmanager = aws.client("secretsmanager")
    for host, name in SECRETS.items():
        secret = secretsmanager.describe_secret(SecretId=name)
        assert secret["RotationEnabled"], f"{host}: rotation is off"
        assert secret["LastRotatedDate"], f"{host}: never rotated"
        assert secret["RotationRules"]["AutomaticallyAfterDays"] == (84 if host == "database-dev" else 85), host
        pending = [stages for stages in secret["VersionIdsToStages"].values() if "AWSPENDING" in stages]
        assert all("AWSCURRENT" in stages for stages in pending), f"{host}: AWSPENDING dangles"
    for host, (name, user) in USERS.items():
        document = json.loads(aws.value(name))
        keys = {key.key_id: key for key in aws.keys(user)}
        assert keys[document["AWS_ACCESS_KEY_ID"]].active, f"{host}: its current key is not Active"
        assert keys[document["AWS_ACCESS_KEY_ID"]].age_days == 0, f"{host}: its current key is not new"
        assert document["OWNER"], f"{host}: an unknown field was lost"
        sts = aws.key_client(document["AWS_ACCESS_KEY_ID"], document["AWS_SECRET_ACCESS_KEY"])
        assert sts.get_caller_identity()["Arn"].endswith(f"/{user}"), f"{host}: its key is another user's"


if __name__ == "__main__":
    verify(Aws(sys.argv[1]))
