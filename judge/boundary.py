# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Where exactly Prowler draws its lines: users and secrets seeded a little on this and on that side."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from demo.old_fleet import REGION, Aws
from sandbox.world import ACCOUNT

from .scanner import JudgeError, Prowler

MINUTE = 1 / 1440
AGE, TWO, UNUSED = "iam_rotate_access_key_90_days", "iam_user_two_active_access_key", "iam_user_accesskey_unused"
ROTATED, READ = "secretsmanager_secret_rotated_periodically", "secretsmanager_secret_unused"

Keys = tuple[dict[str, Any], ...]
"""Of one user: age_days, last_used_days, off (Inactive)."""
USERS: tuple[tuple[str, str, Keys, str, str], ...] = (
    ("age-90d00h", "age 90 d 00:00", ({"age_days": 90.0},), AGE, "PASS"),
    ("age-90d23h", "age 90 d 23:50", ({"age_days": 91 - 10 * MINUTE},), AGE, "PASS"),
    ("age-91d00h", "age 91 d 00:00", ({"age_days": 91.0},), AGE, "FAIL"),
    ("age-200-off", "age 200 d, Inactive", ({"age_days": 200.0, "off": True},), AGE, "PASS"),
    ("old-off-new", "200 d Inactive beside 1 d", ({"age_days": 200.0, "off": True}, {"age_days": 1.0}), AGE, "PASS"),
    ("old-off-two", "200 d Inactive beside 1 d", ({"age_days": 200.0, "off": True}, {"age_days": 1.0}), TWO, "PASS"),
    ("two-on", "80 d and new, both Active", ({"age_days": 80.0}, {"age_days": 0.0}), TWO, "FAIL"),
    ("two-on-age", "80 d and new, both Active", ({"age_days": 80.0}, {"age_days": 0.0}), AGE, "PASS"),
    ("used-45", "last used 45 d ago", ({"age_days": 60.0, "last_used_days": 45.5},), UNUSED, "PASS"),
    ("used-46", "last used 46 d ago", ({"age_days": 60.0, "last_used_days": 46.0},), UNUSED, "FAIL"),
    ("never-used", "never used", ({"age_days": 60.0},), UNUSED, "PASS"),
)
SECRETS: tuple[tuple[str, str, dict[str, float], str, str], ...] = (
    ("rotated-90", "rotated 90 d 23 h ago", {"last_rotated_days": 90.96}, ROTATED, "PASS"),
    ("rotated-91", "rotated 91 d ago", {"last_rotated_days": 91.01}, ROTATED, "FAIL"),
    ("never-rotated", "never rotated", {}, ROTATED, "FAIL"),
    ("read-89", "read 89 d ago", {"last_accessed_days": 89.0}, READ, "PASS"),
    ("read-90", "read 90.1 d ago", {"last_accessed_days": 90.1}, READ, "FAIL"),
    ("never-read", "never read", {}, READ, "FAIL"),
)


def judge_boundary(aws: Aws, prowler: Prowler) -> str:
    """Seed all states, scan once, compare.

    Returns:
        The table.

    Raises:
        JudgeError: a verdict differs from what the documents say of it.
    """
    aws.remote.reset()
    function = passing_function(aws)
    for name, _, keys, *_ in USERS:
        seed_user(aws, name, keys)
    for name, _, ages, *_ in SECRETS:
        seed_secret(aws, name, {"password": name}, ages, function)
    rows: dict[tuple[str, str], set[str]] = {}
    for finding in prowler.scan((AGE, TWO, UNUSED, ROTATED, READ)):
        name = finding.uid.rpartition("/")[2] if ":user/" in finding.uid else finding.resource
        rows.setdefault((finding.check, name), set()).add(finding.status)
    lines, wrong = [], []
    for name, said, _, check, expected in (*USERS, *SECRETS):
        found = rows.get((check, name), set())
        status = "FAIL" if "FAIL" in found else next(iter(found), "SILENT")
        lines.append(f"  {said:28} {check:44} {status}")
        if status != expected:
            wrong.append(f"{said}: {check} is {status}, not {expected}")
    if wrong:
        raise JudgeError("Prowler's lines are not where docs/prowler.md says:\n  " + "\n  ".join(wrong))
    return "\n".join(lines)


def seed_user(aws: Aws, name: str, keys: Keys) -> dict[str, str]:
    """A user with such keys; gives the last one as CreateAccessKey does."""
    iam = aws.client("iam")
    iam.create_user(UserName=name)
    made: dict[str, str] = {}
    for key in keys:
        made = iam.create_access_key(UserName=name)["AccessKey"]
        aws.remote.age_key(made["AccessKeyId"], key["age_days"], key.get("last_used_days"))
        if key.get("off"):
            iam.update_access_key(UserName=name, AccessKeyId=made["AccessKeyId"], Status="Inactive")
    return made


def seed_secret(aws: Aws, name: str, document: dict[str, str], ages: dict[str, float] | None, function: str) -> None:
    """A secret with such ages (days). AWS tells LastRotatedDate only where rotation is on; None: it is off."""
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name=name, SecretString=json.dumps(document))
    if ages is None:
        return
    secrets.rotate_secret(
        SecretId=name,
        RotationLambdaARN=function,
        RotationRules={"AutomaticallyAfterDays": 85},
        RotateImmediately=False,
    )
    if ages:
        aws.remote.age_secret(name, **ages)


def passing_function(aws: Aws) -> str:
    """A function that lets every step pass; gives its ARN."""
    trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [trusted]})
    role = aws.client("iam").create_role(RoleName="passes", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("passes.py", "def handler(event, context):\n    return None\n")
    functions = aws.client("lambda")
    functions.create_function(
        FunctionName="passes",
        Role=role,
        Runtime="python3.13",
        Handler="passes.handler",
        Code={"ZipFile": code.getvalue()},
    )
    functions.get_waiter("function_active_v2").wait(FunctionName="passes", WaiterConfig={"Delay": 1})
    functions.add_permission(
        FunctionName="passes",
        StatementId="rotation",
        Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com",
        SourceAccount=ACCOUNT,
    )
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:passes"
