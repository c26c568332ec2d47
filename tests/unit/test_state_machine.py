# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Random histories over the in-memory AWS, the same each time; `python -m chaos.histories` runs more."""

from __future__ import annotations

from chaos.histories import run


def test_no_history_breaks_anything() -> None:
    tally, scanner = run(examples=80, derandomize=True)
    assert tally.histories >= 80
    assert min(tally.faults, tally.cut_ins, tally.acts, tally.mended) > 5
    assert scanner.scanned > 2_000
