# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)

from __future__ import annotations

from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.watched import Watched


class ActionModule(Watched):
    """See plugins/modules/rotation_schedule.py for the documentation. This runs that module, and shows how far it is.

    Where nothing is to be written, a thousand service accounts take two seconds: only what lasts is worth a line.
    """

    PATIENCE_SECONDS = 5.0
