# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Every finding in a few words. docs/audit.md has the same list, and a test compares them. Pure."""

from __future__ import annotations

CATALOGUE: dict[str, str] = {
    # What blocks work on a service account.
    "unreadable": "Could not be read at all",
    "secret-missing": "The secret does not exist",
    "secret-awaits-deletion": "The secret awaits deletion",
    "secret-is-replica": "The secret is a replica of another Region's",
    "secret-managed-elsewhere": "Another AWS service manages the secret",
    "user-missing": "The IAM user does not exist",
    "document": "The secret's value is no document of a service account",
    "user-differs": "The document names another user than the inventory",
    "noop-with-access-key": "Strategy noop over an access key",
    "foreign-binding": "The user is bound to another secret",
    # Keys.
    "key-not-active": "The current key does not work",
    "key-too-old": "Key too old",
    "rotation-too-late": "Would break its promise before the next rotation",
    "two-active-keys": "Two Active keys",
    "key-unknown": "An Active key that no labelled version names",
    "key-unused": "Key not used for a long time",
    "retirement-missing": "The previous key has no retirement",
    "retirement-overdue": "The previous key's retirement is overdue",
    "retirement-postponed": "The previous key is still in use",
    "key-inactive": "Inactive key not yet deleted",
    "no-key": "No key yet",
    # Rotation and secrets.
    "rotation-off": "Rotation is off",
    "never-rotated": "Never rotated",
    "rotated-long-ago": "Last rotation too long ago",
    "rotation-overdue": "Rotation overdue",
    "pending": "A rotation is running, or one failed",
    "secret-unused": "Nobody reads the secret",
    "binding-missing": "The user's binding is missing",
    "foreign-function": "Another function rotates the secret",
    "tags-differ": "Tags differ from the inventory",
    "tag-ignored": "A tag makes no sense",
    "schedule-differs": "Schedule differs from the inventory",
    "access-differs": "Not closed as the inventory says",
    "unread": "A part could not be read",
    # The account around them.
    "root-access-key": "The root user has an access key",
    "user-uncovered": "IAM user with Active keys that no host covers",
    "secret-uncovered": "Secret of our functions that no host names",
    "account-unread": "A part of the account could not be read",
    # The inventory.
    "exempt": "Exempt for now",
    "exemption-over": "An exemption has ended",
}
