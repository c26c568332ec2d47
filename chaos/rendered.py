# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The rotation role's variables and policies, rendered by Ansible's own templating, without a playbook."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template

from sandbox.world import ACCOUNT

_ROLE = Path(__file__).resolve().parent.parent / "roles" / "rotation"
_find_plugins = functools.cache(init_plugin_loader)
"""Ansible warns when it is told twice."""


class Rendered:
    """What the role makes of its variables.

    Args:
        variables: over the role's own, as a play would set them; rotation_aws_region must be among them.
    """

    def __init__(self, **variables: Any) -> None:
        _find_plugins()
        self._loader = DataLoader()
        self._variables: dict[str, Any] = {}
        for name in ("defaults", "vars"):
            self._variables |= self._loader.load_from_file(str(_ROLE / name / "main.yml"), trusted_as_template=True)
        self._variables |= {
            "rotation_caller": {"arn": f"arn:aws:iam::{ACCOUNT}:root", "account": ACCOUNT},
            **variables,
        }

    def value(self, name: str) -> Any:
        """A variable of the role."""
        templar = Templar(loader=self._loader, variables=self._variables)
        return json.loads(templar.template(trust_as_template(f"{{{{ {name} | to_json }}}}")))

    def template(self, name: str, role: dict[str, Any]) -> str:
        """A policy of one of the roles, as text."""
        templar = Templar(loader=self._loader, variables={**self._variables, "rotation_role": role})
        path = _ROLE / "templates" / name
        found = templar.template(trust_as_template(f"{{{{ lookup('ansible.builtin.template', '{path}') }}}}"))
        return found if isinstance(found, str) else json.dumps(found)

    def policies(self) -> dict[str, str]:
        """Every role's name with its permissions, and with /trust behind it whom it trusts."""
        roles = self.value("rotation_roles")
        trusts = {f"{role['name']}/trust": self.template("trust.json.j2", role) for role in roles}
        return {**{role["name"]: self.template(role["policy"], role) for role in roles}, **trusts}
