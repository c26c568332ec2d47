# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""One call of AWS that no module makes: python aws_call.py SERVICE OPERATION [ARGUMENTS], the arguments as JSON.

Endpoint, credentials and Region come from the environment. It prints the answer as JSON, with times as ISO 8601.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime
from typing import Any

import boto3


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else value.read().decode()


service, operation, *arguments = sys.argv[1:]
answer = getattr(boto3.client(service), operation)(**json.loads(arguments[0] if arguments else "{}"))
answer.pop("ResponseMetadata", None)
print(json.dumps(answer, default=_text))
