# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Secrets as DescribeSecret and ListSecrets tell of them.

A page of ListSecrets has a hundred secrets, so a large fleet is read in few calls; but it may be five minutes old,
lists the whole Region, and cannot be restricted to named secrets in a policy (Secrets Manager API Reference). So it is
only believed where it says that there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from .aws import Client, call, tags_of, time_of
from .state import Secret

Listing = Mapping[str, tuple[Secret, datetime]]
"""Secrets by name, each with AWS's time when it was listed."""

_PAGE = 100


def secret_of(answer: Mapping[str, Any], region: str) -> Secret:
    """DescribeSecret's answer, or one entry of ListSecrets, as a type.

    Args:
        region: the Region that was asked.
    """
    primary = answer.get("PrimaryRegion")
    stages = answer.get("VersionIdsToStages") or answer.get("SecretVersionsToStages") or {}
    return Secret(
        arn=answer["ARN"],
        name=answer["Name"],
        tags=tags_of(answer),
        rotation_enabled=bool(answer.get("RotationEnabled")),
        function_arn=answer.get("RotationLambdaARN"),
        rules=answer.get("RotationRules") or {},
        labels={label: version for version, labels in stages.items() for label in labels},
        last_rotated=utc(answer.get("LastRotatedDate")),
        next_rotation=utc(answer.get("NextRotationDate")),
        last_accessed=utc(answer.get("LastAccessedDate")),
        deleted=utc(answer.get("DeletedDate")),
        is_replica=bool(primary) and primary != region,
        primary_region=primary,
        owned_by=answer.get("OwningService"),
    )


def list_secrets(secretsmanager: Client) -> Iterator[tuple[Secret, datetime]]:
    """Every secret of the Region, page by page, with AWS's time.

    Raises:
        CallError: refused.
    """
    region, token = str(secretsmanager.meta.region_name), dict[str, str]()
    while True:
        answer = call("secretsmanager:ListSecrets", secretsmanager.list_secrets, MaxResults=_PAGE, **token)
        now = time_of(answer)
        yield from ((secret_of(item, region), now) for item in answer["SecretList"])
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def by_name(secretsmanager: Client) -> Listing:
    """The whole listing.

    Raises:
        CallError: refused.
    """
    return {secret.name: (secret, now) for secret, now in list_secrets(secretsmanager)}


def utc(moment: datetime | None) -> datetime | None:
    """The same moment in UTC."""
    return moment.astimezone(UTC) if moment is not None else None
