# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)

from __future__ import annotations


class ModuleDocFragment:
    """The option service_accounts that the batch modules share."""

    DOCUMENTATION = r"""
options:
  service_accounts:
    description:
      - The service accounts to work on, each with everything that the inventory says about it.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the service account, an inventory host; results and diffs use it.
        type: str
        required: true
      secret_name:
        description: Name of its secret in Secrets Manager.
        type: str
        required: true
      iam_user:
        description: Name of its IAM user; needed with O(service_accounts[].rotation_strategy=iam_access_key).
        type: str
      rotation_strategy:
        description:
          - V(iam_access_key) makes a new access key.
          - V(noop) moves the version label only, for values that need coordinated changes.
        type: str
        required: true
        choices: [iam_access_key, noop]
      rotation_days:
        description: Days between rotations. Excludes O(service_accounts[].schedule_expression); one is needed.
        type: int
      schedule_expression:
        description: A C(rate(...\)) or C(cron(...\)) expression in UTC, as Secrets Manager takes it.
        type: str
      rotation_window:
        description: How long the rotation window is open, such as V(3h). Left as it is when not given.
        type: str
      max_key_age_days:
        description: The promise, how old an Active key may become.
        type: int
        default: 90
      grace_period_hours:
        description: How long the previous key stays Active after a rotation.
        type: int
        default: 24
      notify_email:
        description: Where mails about this service account go.
        type: str
      disposable_keys:
        description: Ids of Inactive access keys of the user that a rotation may delete to free a slot.
        type: list
        elements: str
        default: []
      rotate_on_enrol:
        description: What rotates when the service account is brought in. Read by the role.
        type: str
        choices: [due, all, none]
        default: due
      hold_back:
        description: Why a rotation that is due is only reported. Not given, it is carried out.
        type: str
      exempt_until:
        description: Last day of an exemption, C(YYYY-MM-DD). Read by M(evergreen.key_rotation.rotation_info) alone.
        type: str
      exempt_reason:
        description: Why it is exempt.
        type: str
      restrict_secret_access:
        description:
          - V(true) closes the secret to everybody but its function, its readers and its administrators.
          - V(false) opens it again. Not given, its resource policy is neither read nor written.
        type: bool
      secret_readers:
        description: Exact ARNs of the IAM roles and users that read the secret.
        type: list
        elements: str
        default: []
      secret_administrators:
        description: Exact ARNs of the IAM roles and users that deploy, audit and scan. The caller must be among them.
        type: list
        elements: str
        default: []
"""
