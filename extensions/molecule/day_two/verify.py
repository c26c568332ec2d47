# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The fleet after its second rotation, read with boto3; ends with the first thing that is not as it should be."""

from __future__ import annotations

import sys

from demo.old_fleet import USERS, Aws


def main() -> None:
    """Check the fleet behind the endpoint that is the only argument."""
    aws = Aws(sys.argv[1])
    for host, (name, user) in USERS.items():
        keys = aws.keys(user)
        assert len(keys) == 2, f"{host}: the key of the old fleet is still there: {keys}"
        assert [key.active for key in keys] == [False, True], f"{host}: the previous key is not Inactive: {keys}"
        assert keys[1].key_id == aws.current_key(name), f"{host}: its current key is another one"
        assert keys[0].age_days < 4, f"{host}: its previous key is one of the old fleet's: {keys}"


if __name__ == "__main__":
    main()
