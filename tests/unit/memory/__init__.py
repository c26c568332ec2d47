# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""AWS in memory under a virtual clock: only the calls that the rotation package makes, with their faults at will."""
