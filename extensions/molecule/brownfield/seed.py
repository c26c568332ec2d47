# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The old fleet, after others have worked on it."""

from __future__ import annotations

import sys

from demo.old_fleet import DATABASES, USERS, Aws, seed
from judge.boundary import passing_function


def main() -> None:
    """Make it behind the endpoint that is the only argument."""
    aws = Aws(sys.argv[1])
    seed(aws)
    secretsmanager = aws.client("secretsmanager")
    for name in (USERS["bedrock-api"][0], DATABASES["database-dev"]):
        secretsmanager.tag_resource(SecretId=name, Tags=[{"Key": "team", "Value": "platform"}])
    secretsmanager.rotate_secret(
        SecretId=USERS["bitbucket"][0],
        RotationLambdaARN=passing_function(aws),
        RotationRules={"AutomaticallyAfterDays": 30},
        RotateImmediately=False,
    )


if __name__ == "__main__":
    main()
