# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The function of strategy noop: noop.handler."""

from composition import runtime
from rotation.handler import make_handler
from rotation.handler import noop as serve

handler = make_handler(serve, runtime())
