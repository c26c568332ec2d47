# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The mutants fit the source, and `python -m chaos.mutants` tells one that is caught from one that is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chaos import mutants
from chaos.mutants import ROTATION, Verdict
from chaos.mutants_table import MUTANTS, Mutant

GUARDS = {
    "abandoned rule",
    "binding",
    "compare-and-swap",
    "exact identity",
    "never touch the current key",
    "never touch the pending key",
    "noop",
    "nothing goes unless AWSCURRENT works",
    "nothing secret",
    "orphan rule",
    "overdue rule",
    "read-back compensation",
    "replay after success",
    "retirement, bounds",
    "retirement, level checks",
    "spent keys",
    "successes in a row",
    "token check",
    "value-present check",
    "write-ahead retirement",
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.guard}: {mutant.without}")
def test_each_edit_changes_the_source_and_leaves_a_program(mutant: Mutant) -> None:
    source = (ROTATION / mutant.file).read_text()
    changed = mutant.applied(source)
    assert changed != source
    compile(changed, mutant.file, "exec")


def test_every_guard_of_the_life_cycle_has_a_mutant() -> None:
    assert {mutant.guard for mutant in MUTANTS} == GUARDS


def test_an_edit_that_no_longer_fits_is_named() -> None:
    with pytest.raises(ValueError, match=r"binding\.py has the text of 'binding'"):
        replace(MUTANTS[0], old="no such text").applied("source")


def test_a_mutant_is_caught_in_a_process_of_its_own() -> None:
    verdict = mutants.try_out(MUTANTS[0])
    assert verdict.caught_by == "foreign secret: finishSecret"
    assert mutants.table([verdict]).endswith("is called for one who has no right to it |")


def test_a_survivor_fails_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(mutants, "try_out", lambda mutant: Verdict(mutant, None))
    assert mutants.main(["--only", "successes"]) == 1
    assert "**nothing**" in capsys.readouterr().out


def test_a_mutant_that_is_no_program_proves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = Mutant("binding", "sense", "binding.py", "bound = user.tags.get(TAG_SECRET)", "bound = no_such_name")
    monkeypatch.setattr(mutants, "MUTANTS", (broken,))
    assert mutants.main([]) == 2
    assert "binding, sense: the mutant is no program" in capsys.readouterr().err
