# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One structured line per outcome: a log entry and, in CloudWatch's embedded metric format, a metric at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Emit = Callable[[Mapping[str, Any]], None]
"""Prints one JSON object as one line; handed in by the composition root."""

NAMESPACE = "KeyRotation"


class Telemetry:
    """Writes outcomes with what they have in common.

    Args:
        emit: where lines go.
        now: seconds since the epoch.
        common: fields of every line: function, and what of the event is known (secret_id, step, token, ...).
    """

    def __init__(self, emit: Emit, now: Callable[[], float], common: Mapping[str, str]) -> None:
        self._emit = emit
        self._now = now
        self._common = dict(common)

    def count(self, metric: str, **fields: Any) -> None:
        """Write one line that also counts as 1 of the metric.

        Args:
            metric: CamelCase, e.g. StepSucceeded.
            fields: names, ids and error codes; never a value.
        """
        self._emit(
            {
                **self._common,
                **fields,
                metric: 1,
                "_aws": {
                    "Timestamp": int(self._now() * 1000),
                    "CloudWatchMetrics": [
                        {
                            "Namespace": NAMESPACE,
                            "Dimensions": [["function"]],
                            "Metrics": [{"Name": metric, "Unit": "Count"}],
                        }
                    ],
                },
            }
        )
