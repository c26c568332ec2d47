# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Prowler's checks that are about something this collection makes or rotates, and what they need to pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .scanner import Finding, JudgeError

USER, SECRET, FUNCTION, ROLE, LOG_GROUP, QUEUE = "user", "secret", "function", "role", "log group", "queue"
TOPIC, SUBSCRIPTION, ALARM = "topic", "subscription", "alarm"

CHECKS: Mapping[str, str] = {
    "iam_rotate_access_key_90_days": USER,
    "iam_user_two_active_access_key": USER,
    "iam_user_accesskey_unused": USER,
    "iam_user_no_setup_initial_access_key": USER,
    "iam_user_with_temporary_credentials": USER,
    "iam_user_console_access_unused": USER,
    "iam_user_administrator_access_policy": USER,
    "iam_policy_attached_only_to_group_or_roles": USER,
    "secretsmanager_automatic_rotation_enabled": SECRET,
    "secretsmanager_secret_rotated_periodically": SECRET,
    "secretsmanager_secret_unused": SECRET,
    "secretsmanager_has_restrictive_resource_policy": SECRET,
    "awslambda_function_not_publicly_accessible": FUNCTION,
    "awslambda_function_using_supported_runtimes": FUNCTION,
    "awslambda_function_using_cross_account_layers": FUNCTION,
    "awslambda_function_no_secrets_in_code": FUNCTION,
    "awslambda_function_no_secrets_in_variables": FUNCTION,
    "awslambda_function_no_dead_letter_queue": FUNCTION,
    "awslambda_function_env_vars_not_encrypted_with_cmk": FUNCTION,
    "awslambda_function_inside_vpc": FUNCTION,
    "awslambda_function_invoke_api_operations_cloudtrail_logging_enabled": FUNCTION,
    "iam_inline_policy_allows_privilege_escalation": ROLE,
    "iam_inline_policy_no_administrative_privileges": ROLE,
    "iam_inline_policy_no_full_access_to_cloudtrail": ROLE,
    "iam_inline_policy_no_full_access_to_kms": ROLE,
    "iam_inline_policy_no_wildcard_marketplace_subscribe": ROLE,
    "iam_role_cross_service_confused_deputy_prevention": ROLE,
    "iam_role_service_trust_restricts_source_to_account": ROLE,
    "cloudwatch_log_group_retention_policy_specific_days_enabled": LOG_GROUP,
    "cloudwatch_log_group_no_secrets_in_logs": LOG_GROUP,
    "cloudwatch_log_group_not_publicly_accessible": LOG_GROUP,
    "cloudwatch_log_group_kms_encryption_enabled": LOG_GROUP,
    "sqs_queues_server_side_encryption_enabled": QUEUE,
    "sqs_queues_not_publicly_accessible": QUEUE,
    "sns_topics_kms_encryption_at_rest_enabled": TOPIC,
    "sns_topics_not_publicly_accessible": TOPIC,
    "sns_subscription_not_using_http_endpoints": SUBSCRIPTION,
    "cloudwatch_alarm_actions_enabled": ALARM,
    "cloudwatch_alarm_actions_alarm_state_configured": ALARM,
}
"""Each with the kind of resource for which a PASS row is expected."""

SILENT = (
    "awslambda_function_url_cors_policy",
    "awslambda_function_url_public",
    "awslambda_function_vpc_multi_az",
    "iam_aws_attached_policy_no_administrative_privileges",
    "iam_customer_attached_policy_no_administrative_privileges",
    "iam_customer_unattached_policy_no_administrative_privileges",
    "iam_no_custom_policy_permissive_role_assumption",
    "iam_no_root_access_key",
    "iam_policy_allows_privilege_escalation",
    "iam_policy_no_full_access_to_cloudtrail",
    "iam_policy_no_full_access_to_kms",
    "iam_policy_no_wildcard_marketplace_subscribe",
    "iam_role_administratoraccess_policy",
    "secretsmanager_not_publicly_accessible",
)
"""About things that the collection does not make (function URLs, managed policies, resource policies): no FAIL row."""

OPTIONS: Mapping[str, str] = {
    "awslambda_function_env_vars_not_encrypted_with_cmk": "kms_key_arn",
    "cloudwatch_log_group_kms_encryption_enabled": "kms_key_arn",
    "awslambda_function_inside_vpc": "vpc_subnet_ids, vpc_security_group_ids",
    "secretsmanager_has_restrictive_resource_policy": "restrict_secret_access, secret_readers, secret_administrators",
    "awslambda_function_invoke_api_operations_cloudtrail_logging_enabled": "a trail of the account (docs/prowler.md)",
}
"""What fails at defaults because it costs money or needs something of the user's, and what passes it."""

DAILY = (
    "iam_rotate_access_key_90_days",
    "iam_user_two_active_access_key",
    "iam_user_accesskey_unused",
    "iam_user_no_setup_initial_access_key",
    "secretsmanager_automatic_rotation_enabled",
    "secretsmanager_secret_rotated_periodically",
    "secretsmanager_secret_unused",
)
"""Those whose verdict changes with time."""
AGE = "iam_rotate_access_key_90_days"
TWO_ACTIVE = "iam_user_two_active_access_key"


@dataclass(frozen=True)
class Verdict:
    """What one check says about one resource; status is SILENT where there is no row."""

    check: str
    resource: str
    status: str


def verdicts(findings: Iterable[Finding], resources: Mapping[str, Mapping[str, str]]) -> list[Verdict]:
    """One verdict for each check and resource of CHECKS that is in the findings' scope.

    Args:
        findings: of one scan.
        resources: kind -> ARN -> name.
    """
    rows: dict[tuple[str, str], set[str]] = {}
    for finding in findings:
        rows.setdefault((finding.check, finding.uid), set()).add(finding.status)
    return [
        Verdict(check, name, _worst(rows.get((check, arn), set())))
        for check, kind in CHECKS.items()
        for arn, name in resources[kind].items()
    ]


def _worst(statuses: set[str]) -> str:
    return next((status for status in ("FAIL", "MANUAL", "MUTED", "PASS") if status in statuses), "SILENT")


def table(found: Iterable[Verdict]) -> str:
    """Check by check: how many resources have which verdict."""
    lines: dict[str, dict[str, int]] = {}
    for verdict in found:
        counts = lines.setdefault(verdict.check, {})
        counts[verdict.status] = counts.get(verdict.status, 0) + 1
    width = max(len(check) for check in lines)
    return "\n".join(
        f"  {check:{width}}  " + ", ".join(f"{number} {status}" for status, number in sorted(counts.items()))
        for check, counts in lines.items()
    )


def demand(found: Iterable[Verdict], named: Mapping[str, str]) -> None:
    """Every verdict is PASS, or MUTED, or FAIL of a check that is named.

    Raises:
        JudgeError: it lists those that are not.
    """
    bad = [
        f"{verdict.check}: {verdict.resource}: {verdict.status}"
        for verdict in found
        if verdict.status not in ("PASS", "MUTED") and not (verdict.status == "FAIL" and verdict.check in named)
    ]
    if bad:
        raise JudgeError("Prowler does not pass:\n  " + "\n  ".join(bad))


def demand_silent(findings: Iterable[Finding]) -> None:
    """Of the other checks none fails.

    Raises:
        JudgeError: one does.
    """
    bad = [f"{found.check}: {found.text}" for found in findings if found.check in SILENT and found.status == "FAIL"]
    if bad:
        raise JudgeError("Prowler fails what the collection does not make:\n  " + "\n  ".join(bad))
