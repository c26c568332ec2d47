# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One embedded AWS for all module tests; each begins with the old fleet. Modules run in this very process."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from ansible_collections.evergreen.key_rotation.plugins.modules import rotation_function
from ansible_collections.evergreen.key_rotation.plugins.plugin_utils.package import Package, build
from demo.old_fleet import DATABASES, REGION, USERS, Aws, seed
from sandbox.world import ACCOUNT, ADMINISTRATOR

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
HANDLERS = {"iam_access_key": "iam_access_key.handler", "noop": "noop.handler"}


def service_account(name: str, **variables: Any) -> dict[str, Any]:
    """A service account of the example fleet, as the option takes it."""
    if name in USERS:
        secret, user = USERS[name]
        found = {"secret_name": secret, "iam_user": user, "rotation_strategy": "iam_access_key"}
    else:
        found = {"secret_name": DATABASES[name], "rotation_strategy": "noop"}
    return {"name": name, **found, "rotation_days": 85, **variables}


ALL = [*USERS, *DATABASES]


class Lab:
    """Runs modules, and sees what they did."""

    def __init__(self, aws: Aws, capture: pytest.CaptureFixture[str], folder: Path) -> None:
        self.aws = aws
        self._capture = capture
        self._folder = folder
        self.function_arns = {
            strategy: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:key-{strategy}" for strategy in HANDLERS
        }

    def run(self, module: ModuleType, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run a module's main() with real clients, and give its result."""
        arguments = {
            "endpoint_url": self.aws.endpoint,
            "access_key": ADMINISTRATOR[0],
            "secret_key": ADMINISTRATOR[1],
            "region": REGION,
            "_ansible_check_mode": check,
            "_ansible_diff": True,
            **options,
        }
        self._capture.readouterr()
        with patch_module_args(arguments), pytest.raises(SystemExit):
            module.main()
        result: dict[str, Any] = json.loads(self._capture.readouterr().out.splitlines()[-1])
        return result

    def changed(self, module: ModuleType, expected: bool, check: bool = False, **options: Any) -> dict[str, Any]:
        """Run a module that must not fail, and compare what it says of change."""
        result = self.run(module, check=check, **options)
        assert not result.get("failed"), result
        assert result["changed"] is expected, result
        return result

    def function_options(self, strategy: str) -> dict[str, Any]:
        """A function that may do everything: permissions are the story tests' subject."""
        package = Package(build())
        path = self._folder / "rotation.zip"
        path.write_bytes(package.content)
        return {
            "function_name": f"key-{strategy}",
            "role": f"arn:aws:iam::{ACCOUNT}:role/everything",
            "handler": HANDLERS[strategy],
            "zip_file": str(path),
            "code_sha256": package.code_sha256,
            "source_account": ACCOUNT,
            "environment": {"GRACE_PERIOD_HOURS": "0", "PROOF_SPACING_SECONDS": "0"},
        }

    def make_role(self) -> None:
        """The role of the functions, and of schedules."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": f"{service}.amazonaws.com"}, "Action": "sts:AssumeRole"}
                for service in ("lambda", "scheduler")
            ],
        }
        iam = self.aws.client("iam")
        iam.create_role(RoleName="everything", AssumeRolePolicyDocument=json.dumps(trust))
        iam.put_role_policy(RoleName="everything", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))


@pytest.fixture
def lab(endpoint: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Lab:
    """The old fleet, and the role of the functions."""
    aws = Aws(endpoint)
    aws.remote.reset()
    seed(aws)
    made = Lab(aws, capsys, tmp_path)
    made.make_role()
    return made


@pytest.fixture
def functions(lab: Lab) -> Lab:
    """The same with both functions."""
    for strategy in HANDLERS:
        lab.changed(rotation_function, expected=True, **lab.function_options(strategy))
    return lab
