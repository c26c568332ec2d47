# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Names and defaults that the Lambda, the modules and the inventory agree on."""

from __future__ import annotations

# Fields of the secret document.
USER_NAME = "USER_NAME"
ACCESS_KEY_ID = "AWS_ACCESS_KEY_ID"
SECRET_ACCESS_KEY = "AWS_SECRET_ACCESS_KEY"
NOTIFY_EMAIL = "NOTIFY_EMAIL"

# Tags on the IAM user: the binding.
TAG_SECRET = "key-rotation:secret"
TAG_SINCE = "key-rotation:since"
TAG_FUNCTION = "key-rotation:function"

# Tags on the secret: its settings. They win over the environment and the document.
TAG_GRACE_PERIOD_HOURS = "key-rotation:grace-period-hours"
TAG_MAX_KEY_AGE_DAYS = "key-rotation:max-key-age-days"
TAG_NOTIFY_EMAIL = "key-rotation:notify-email"
TAG_DISPOSABLE_KEYS = "key-rotation:disposable-keys"
TAG_HOLD_UNTIL = "key-rotation:hold-until"

# Strategies.
IAM_ACCESS_KEY = "iam_access_key"
NOOP = "noop"
STRATEGIES = (IAM_ACCESS_KEY, NOOP)

# Defaults, in the unit that the name says.
MAX_KEY_AGE_DAYS = 90
GRACE_PERIOD_HOURS = 24
QUIET_HOURS = 12
LEAST_QUIET_HOURS = 6
MAX_EXTENSION_HOURS = 168
PROOF_SUCCESSES = 3
PROOF_SPACING_SECONDS = 2.0
RETIREMENT_GROUP = "key-rotation"
RETIREMENT_INTERVAL_HOURS = 6
WINDOW_DAYS = 1
RETRY_DAYS = 3
FUNCTION_TIMEOUT_SECONDS = 60

# Staging labels.
AWSCURRENT = "AWSCURRENT"
AWSPENDING = "AWSPENDING"
AWSPREVIOUS = "AWSPREVIOUS"
GIVEN_UP = "KEY_ROTATION_GIVEN_UP"
"""Our own label: on the last version of which somebody made sure that no attempt at it is alive."""
