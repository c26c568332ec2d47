# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
