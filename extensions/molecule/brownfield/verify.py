# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""What a deploy made of it, read with boto3; ends with the first thing that is not as it should be."""

from __future__ import annotations

import sys

from demo.old_fleet import DATABASES, USERS, Aws
from extensions.molecule.default.verify import verify


def main() -> None:
    """Check the fleet behind the endpoint that is the only argument."""
    aws = Aws(sys.argv[1])
    verify(aws)
    secretsmanager = aws.client("secretsmanager")
    for name in (USERS["bedrock-api"][0], DATABASES["database-dev"]):
        tags = {tag["Key"]: tag["Value"] for tag in secretsmanager.describe_secret(SecretId=name)["Tags"]}
        assert tags["team"] == "platform", f"{name}: somebody else's tag was lost"
    function = secretsmanager.describe_secret(SecretId=USERS["bitbucket"][0])["RotationLambdaARN"]
    assert function.endswith(":key-rotation-iam-access-key"), f"bitbucket is rotated by {function}"


if __name__ == "__main__":
    main()
