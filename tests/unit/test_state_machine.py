# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Random histories over the in-memory AWS, the same each time; `python -m chaos.histories` runs more."""

from __future__ import annotations

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation import slots
from chaos.histories import run


def test_no_history_breaks_anything() -> None:
    tally, scanner = run(examples=80, derandomize=True)
    assert tally.histories >= 80
    assert min(tally.faults, tally.cut_ins, tally.acts, tally.mended) > 5
    assert scanner.scanned > 2_000


def test_a_broken_guard_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Histories of crashes find it when an orphan is never taken back."""
    monkeypatch.setattr(slots, "_is_orphan", lambda evidence, key: False)
    with pytest.raises(AssertionError):
        run(examples=150, derandomize=True, shrink=False)
