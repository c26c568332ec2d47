# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The function of strategy iam_access_key: iam_access_key.handler."""

from composition import runtime
from rotation.handler import iam_access_key as serve
from rotation.handler import make_handler

handler = make_handler(serve, runtime())
