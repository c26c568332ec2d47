# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The whole story on the embedded AWS. Exit code 0: every claim held; 1: one did not, and it is named."""

from __future__ import annotations

import sys
import time

from sandbox.server import running

from .old_fleet import USERS, Aws, seed
from .playbook import Run, run
from .story import Fleet, StoryError, calls_of_rotations, expect, table, writes

HOUR = 3600
LESS_WAITING = ("-e", "rotation_proof_spacing_seconds=0.5")
"""A new key is proven three times as ever, but half a second apart instead of two: nobody wants to watch that."""
DAY = 24 * HOUR
GRACE_OVER = DAY + 10 * 60


def main() -> int:
    """Tell the story."""
    began = time.monotonic()
    try:
        with running() as world:
            _tell(Aws(world.endpoint))
    except StoryError as broken:
        print(f"\nFAILED: {broken}", file=sys.stderr)
        return 1
    print(f"\nTold in {time.monotonic() - began:.0f} s. Nothing is left running.")
    return 0


def _tell(aws: Aws) -> None:
    _say("An AWS account as most teams have it (embedded, on loopback): 3 keys of 100 days, 5 secrets nobody rotates")
    seed(aws)
    before = Fleet.read(aws)

    _say("1. deploy --check: what would be made, and which secrets would rotate now")
    journal = len(aws.remote.journal())
    check = _play(aws, "deploy", "--check")
    print(check.summary)
    written = writes(aws.remote.journal()[journal:])
    expect(not written, f"deploy --check wrote: {', '.join(written)}")
    expect(Fleet.read(aws) == before, "deploy --check changed the fleet")

    _say("2. deploy: zip, roles, functions, permissions, bindings, schedules, and what is due rotates")
    first = _play(aws, "deploy")
    print(first.summary)
    rotated = Fleet.read(aws)
    for host, account in rotated.accounts.items():
        old = before.accounts[host]
        expect(account.last_rotated is not None, f"{host} was not rotated")
        if account.user:
            expect(account.current_key != old.current_key, f"{host} still has its old key")
        else:
            expect(account.value == old.value, f"the value of {host} changed")
    again = _play(aws, "deploy")
    expect(again.changed == 0, f"the second deploy changed {again.changed} things")
    print("A second deploy: changed=0.")

    _say("3. a little more than 24 hours later: the grace period is over")
    aws.remote.advance(GRACE_OVER)
    retired = Fleet.read(aws)
    for host in USERS:
        keys = retired.accounts[host].keys
        expect([key.active for key in keys] == [False, True], f"{host}: the old key is not Inactive: {keys}")
        print(f"{host}: {keys[0].key_id} is Inactive, {keys[1].key_id} works")
    for mail in aws.remote.mail():
        print(f"mail to {', '.join(mail['to'])}: {mail['subject']}")
    subjects = [mail["subject"] for mail in aws.remote.mail()]
    expect(sum("retired" in subject for subject in subjects) == len(USERS), "not every retirement was told by mail")

    _say("4. 85 days after the deploy: the schedules fire by themselves")
    journal = len(aws.remote.journal())
    aws.remote.advance(85 * DAY - GRACE_OVER)
    calls = calls_of_rotations(aws.remote.journal()[journal:], retired)
    final = Fleet.read(aws)
    for host in USERS:
        account, earlier = final.accounts[host], retired.accounts[host]
        ids = [key.key_id for key in account.keys]
        expect(earlier.keys[0].key_id not in ids, f"{host}: the Inactive key of the first rotation is still there")
        expect(account.current_key != earlier.current_key, f"{host}: the schedule did not rotate it")
        expect(all(key.age_days < 1 for key in account.keys if key.key_id == account.current_key), f"{host}: old key")
    most = max((len(made) for made in calls.values()), default=0)
    expect(set(calls) == set(before.accounts), f"only {', '.join(calls) or 'none'} rotated by schedule")
    expect(most <= 20, f"a steady-state rotation took {most} AWS calls; 20 are promised")

    _say("What became of the fleet")
    print(table(before, final, aws.remote.mail()))
    print(f"\nA steady-state rotation takes {most} AWS calls, proofs included.")
    print(
        "Proven: 3 keys of 100 days were replaced, switched off after their grace period and deleted by schedules that "
        "run by themselves; 2 database values are byte for byte what they were."
    )


def _say(title: str) -> None:
    print(f"\n== {title}\n", flush=True)


def _play(aws: Aws, name: str, *arguments: str) -> Run:
    done = run(name, aws.endpoint, *arguments, *LESS_WAITING)
    expect(done.code == 0, f"ansible-playbook {name} {' '.join(arguments)} ended with {done.code}:\n{done.output}")
    return done


if __name__ == "__main__":
    sys.exit(main())
