# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The audit foresees Prowler: on a table of seeded states both must say the same of every check."""

from __future__ import annotations

from itertools import product
from typing import Any

from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.findings.reading import read_all
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.progress import Progress
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.reader import Depth, Reader
from ansible_collections.evergreen.key_rotation.plugins.module_utils.fleet.state import Target
from ansible_collections.evergreen.key_rotation.plugins.module_utils.rotation.names import STRATEGIES
from demo.old_fleet import Aws

from .boundary import AGE, MINUTE, READ, ROTATED, TWO, UNUSED, Keys, passing_function, seed_secret, seed_user
from .scanner import JudgeError, Prowler

ENABLED = "secretsmanager_automatic_rotation_enabled"
FORESEEN = (AGE, TWO, UNUSED, ENABLED, ROTATED, READ)
KEYS: dict[str, Keys] = {
    "90 d 00:00": ({"age_days": 90.0, "last_used_days": 1.0},),
    "90 d 23:50": ({"age_days": 91 - 10 * MINUTE, "last_used_days": 1.0},),
    "91 d": ({"age_days": 91.0, "last_used_days": 1.0},),
    "200 d": ({"age_days": 200.0, "last_used_days": 1.0},),
    "Inactive 200 d": ({"age_days": 200.0, "off": True},),
    "Inactive 200 d and 1 d": ({"age_days": 200.0, "off": True}, {"age_days": 1.0}),
    "80 d and new": ({"age_days": 80.0, "last_used_days": 0.5}, {"age_days": 0.0}),
    "95 d and new": ({"age_days": 95.0, "last_used_days": 60.0}, {"age_days": 0.0}),
    "95 d and 92 d": ({"age_days": 95.0}, {"age_days": 92.0, "last_used_days": 46.0}),
    "used 45.5 d ago": ({"age_days": 60.0, "last_used_days": 45.5},),
    "used 46 d ago": ({"age_days": 60.0, "last_used_days": 46.0},),
    "never used": ({"age_days": 60.0},),
}
"""The last of a user's keys is the one that its secret names."""
SECRETS: dict[str, dict[str, float] | None] = {
    "rotation off": None,
    "never rotated, never read": {},
    "rotated 1 d, read 1 d ago": {"last_rotated_days": 1.0, "last_accessed_days": 1.0},
    "rotated 90.9 d, read 89 d ago": {"last_rotated_days": 90.9, "last_accessed_days": 89.0},
    "rotated 91 d, read 90.1 d ago": {"last_rotated_days": 91.01, "last_accessed_days": 90.1},
}


def judge_agreement(aws: Aws, prowler: Prowler) -> str:
    """Seed every pair of keys and secret; scan once, audit once, compare.

    Returns:
        The table: for each state the verdicts, F for FAIL, in the order of FORESEEN.

    Raises:
        JudgeError: the audit says something else of a state than Prowler.
    """
    aws.remote.reset()
    function = passing_function(aws)
    states = {f"state-{number:02}": pair for number, pair in enumerate(product(KEYS, SECRETS))}
    for name, (keys, secret) in states.items():
        _seed(aws, name, KEYS[keys], SECRETS[secret], function)
    # Prowler looks first: the audit reads the values, which counts as a use of the secrets.
    scanned = _prowlers(prowler)
    audited = _audits(aws, list(states), function)
    lines, wrong = [f"  {'keys':24} {'secret':30} Prowler  audit"], []
    for name, (keys, secret) in states.items():
        theirs, ours = scanned.get(name, set()), audited[name]
        lines.append(f"  {keys:24} {secret:30} {_letters(theirs)}   {_letters(ours)}")
        wrong += [f"{keys}, {secret}: {check}" for check in sorted(theirs ^ ours)]
    if wrong:
        raise JudgeError("the audit and Prowler differ:\n  " + "\n  ".join(wrong))
    fails = sum(len(found) for found in audited.values())
    verdicts = len(states) * len(FORESEEN)
    lines.append(f"{len(states)} states, {verdicts} verdicts, {fails} of them FAIL: no disagreement")
    return "\n".join(lines)


def _seed(aws: Aws, name: str, keys: Keys, ages: dict[str, float] | None, function: str) -> None:
    made = seed_user(aws, name, keys)
    document = {
        "USER_NAME": name,
        "AWS_ACCESS_KEY_ID": made["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"],
    }
    seed_secret(aws, name, document, ages, function)


def _prowlers(prowler: Prowler) -> dict[str, set[str]]:
    """What Prowler fails: state -> checks. A check that gives no row for a secret or a user is no verdict.

    Raises:
        JudgeError: a check is silent.
    """
    failed: dict[str, set[str]] = {}
    spoken = set()
    for finding in prowler.scan(FORESEEN):
        name = finding.uid.rpartition("/")[2] if ":user/" in finding.uid else finding.resource
        spoken.add(finding.check)
        failed.setdefault(name, set())
        if finding.status == "FAIL":
            failed[name].add(finding.check)
    if silent := set(FORESEEN) - spoken:
        raise JudgeError(f"Prowler is silent on {', '.join(sorted(silent))}: that is no verdict")
    return failed


def _audits(aws: Aws, names: list[str], function: str) -> dict[str, set[str]]:
    """What the audit's findings foresee: state -> checks."""
    depth = Depth(aws.client("scheduler"), "key-rotation", {"iam_access_key": function})
    reader = Reader(aws.client("secretsmanager"), aws.client("iam"), STRATEGIES, True, depth)
    targets = [
        Target(name, name, "iam_access_key", 90, 24, iam_user=name, rotation_days=85, rotate_on_enrol="none")
        for name in names
    ]
    found: Any = read_all(reader, targets, Progress(None))["secrets"]
    return {
        item["name"]: {finding["check"] for finding in item["findings"]} & set(FORESEEN)
        for item in found
        if not item["failed"]
    }


def _letters(failed: set[str]) -> str:
    return "".join("F" if check in failed else "." for check in FORESEEN)
