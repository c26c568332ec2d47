# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)

from __future__ import annotations

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.watched import Watched


class ActionModule(Watched):
    """See plugins/modules/rotation_info.py for the documentation. This runs that module, and shows how far it is.

    Mostly a thousand service accounts take a few seconds: only what lasts, as under a throttled IAM, is worth a line.
    """

    PATIENCE_SECONDS = 5.0
