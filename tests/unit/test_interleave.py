# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The quick subset of `python -m chaos.interleave`, and that the explorer sees what it must see."""

from __future__ import annotations

import pytest

from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation import handler, retirement, slots
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.gateway import SecretStore
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.iam_access_key import IamAccessKey
from chaos.interleave import explore, meetings
from chaos.interleave_actors import Actor, Answer, Port, Request
from chaos.interleave_explore import Outcome
from chaos.secrecy import Scanner


def found(name: str) -> Outcome:
    """What one meeting gives."""
    return next(explore(meeting, Scanner()) for meeting in meetings() if meeting.name == name)


def test_no_interleaving_of_the_quick_subset_breaks_anything() -> None:
    scanner = Scanner()
    outcomes = [explore(meeting, scanner) for meeting in meetings() if meeting.quick]
    assert {outcome.name: outcome.violations for outcome in outcomes if outcome.violations} == {}
    assert len(outcomes) > 80
    assert sum(outcome.interleavings for outcome in outcomes) > 30_000_000
    assert scanner.scanned > 5_000
    assert scanner.values > 10


def test_interleavings_are_counted_as_by_hand() -> None:
    """noop's testSecret makes one call."""
    outcome = found("noop: testSecret twice")
    assert (outcome.interleavings, outcome.violations) == (6, {})  # two orders; one dies: four


def test_an_actor_goes_on_from_its_answers_alone() -> None:
    def body(port: Port) -> None:
        seen.append([port.act("one"), port.act("two")])

    seen: list[list[object]] = []
    actor = Actor("a", body, Scanner())
    root = actor.root(0.0)
    assert root.request == Request("act", "one")
    middle = actor.after(root, Answer(1, None, 0.0))
    assert middle.request == Request("act", "two")
    assert actor.after(root, Answer(1, None, 0.0)) is middle
    assert actor.after(middle, Answer(2, None, 0.0)).request is None
    assert seen == [[1, 2]]


def test_a_loser_that_keeps_its_key_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard of orphans broken: nothing takes back what a lost race leaves."""
    monkeypatch.setattr(slots, "_is_orphan", lambda evidence, key: False)
    monkeypatch.setattr(slots, "_is_abandoned", lambda evidence, key: False)
    assert found("first: createSecret twice").violations


def test_a_promotion_that_does_not_compare_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The compare-and-swap broken: a person's edit in the last moment is reverted."""

    def promote(store: SecretStore, token: str, current: str) -> None:
        honest(store, token, store.describe().holder("AWSCURRENT") or "")

    honest = SecretStore.promote
    monkeypatch.setattr(SecretStore, "promote", promote)
    assert "a person's edit was reverted" in found("steady: finishSecret x a person edits the secret").violations


def test_a_retirement_that_asks_nothing_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The level checks broken: a forged event switches the current key off."""

    def blind(event: object, store: SecretStore, settings: object, invocation: object) -> str:
        account = IamAccessKey(event, store, settings, invocation)  # type: ignore[arg-type]
        secret = store.describe()
        account._account(secret, store.value(secret.holder("AWSCURRENT") or "")).keys.deactivate(event.access_key_id)  # type: ignore[attr-defined, arg-type]
        return "retired"

    monkeypatch.setattr(retirement, "retire", blind)
    monkeypatch.setattr(handler, "retire", blind)
    outcome = found("steady: createSecret x forged retirement of AWSCURRENT's key")
    assert any("AWSCURRENT" in problem for problem in outcome.violations)


def test_a_secret_in_an_error_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def telling(strategy: IamAccessKey, current: object, pending: object) -> bool:
        raise ValueError(pending.text)  # type: ignore[attr-defined]

    monkeypatch.setattr(IamAccessKey, "fits", telling)
    assert found("first: finishSecret twice").violations.keys().isdisjoint({"a secret value in an error"})
    monkeypatch.setattr(handler, "_without_value", lambda problem: handler.RotationError(str(problem)))
    assert "a secret value in an error" in found("first: finishSecret twice").violations
