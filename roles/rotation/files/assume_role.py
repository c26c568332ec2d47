# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Assumes a role with the user's own credentials, whatever their source, and prints the session for boto3.

Run by boto3 as the credential_process of the file aws_config beside it. It takes from the environment
KEY_ROTATION_ROLE_ARN, KEY_ROTATION_REGION, and KEY_ROTATION_CONFIG_FILE: the user's own AWS_CONFIG_FILE, or nothing.
Prints nothing but the session; errors go to stderr, for the task that needed it.
"""

from __future__ import annotations

import json
import os
import sys

# Not boto3: each module starts this once for each of its clients.
import botocore.session


def main() -> None:
    """Assume, print."""
    own_configuration = os.environ.get("KEY_ROTATION_CONFIG_FILE")
    if own_configuration:
        os.environ["AWS_CONFIG_FILE"] = own_configuration
    else:
        del os.environ["AWS_CONFIG_FILE"]
    sts = botocore.session.Session().create_client(
        "sts",
        region_name=os.environ["KEY_ROTATION_REGION"],
        endpoint_url=os.environ.get("AWS_URL") or None,  # as amazon.aws' modules take it
    )
    # No duration: the default hour is what AWS always grants, and boto3 renews.
    given = sts.assume_role(RoleArn=os.environ["KEY_ROTATION_ROLE_ARN"], RoleSessionName="key-rotation")["Credentials"]
    answer = {name: given[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}
    print(json.dumps({"Version": 1, **answer, "Expiration": given["Expiration"].isoformat()}))


if __name__ == "__main__":
    try:
        main()
    except Exception as error:  # whatever it is, the caller shows one line
        sys.exit(" ".join(str(error).split()))
