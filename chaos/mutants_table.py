# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Each guard of the life cycle, and the edit of the source that takes it away."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One edit.

    Attributes:
        guard: as the life cycle names it.
        without: what is taken away.
        file: in plugins/module_utils/rotation.
        old, new: the text that is replaced; it stands exactly once.
    """

    guard: str
    without: str
    file: str
    old: str
    new: str

    def applied(self, source: str) -> str:
        """The source without the guard.

        Raises:
            ValueError: the source no longer has the text exactly once: this table is out of date.
        """
        if source.count(self.old) != 1:
            raise ValueError(
                f"{self.file} has the text of {self.guard!r}, {self.without!r} {source.count(self.old)} times"
            )
        return source.replace(self.old, self.new)


STRATEGY, PROTOCOL, SLOTS = "iam_access_key.py", "protocol.py", "slots.py"
RETIRE, ACCOUNT, BINDING, PROOF, GATEWAY = "retirement.py", "account.py", "binding.py", "proof.py", "gateway.py"

MUTANTS = (
    Mutant("binding", "another secret's user", BINDING, "if bound != tag_value(secret_arn):", "if False:"),
    Mutant(
        "binding", "a user without the tag", BINDING, "if bound is None:\n", "if bound is None:\n        return user\n"
    ),
    Mutant("binding", "the exact spelling", BINDING, "if user.name != user_name:", "if False:"),
    Mutant("binding", "in createSecret and finishSecret", STRATEGY, "        account.bound_user()\n", ""),
    Mutant("binding", "in the retirement", RETIRE, "    account.bound_user()\n", ""),
    Mutant(
        "binding",
        "the function's own account and Region",
        "event.py",
        "_home(secret_id) != _home(function_arn)",
        "False",
    ),
    Mutant(
        "token check",
        "unknown and older tokens",
        PROTOCOL,
        "if AWSCURRENT not in labels and AWSPENDING not in labels:",
        "if False:",
    ),
    Mutant("token check", "rotation that is off", PROTOCOL, "if not secret.rotation_enabled:", "if False:"),
    Mutant(
        "token check",
        "a roll-back that holds the secret",
        PROTOCOL,
        "    if _is_held(secret, store):\n",
        "    if False:\n",
    ),
    Mutant(
        "token check",
        "an edit after the move is no roll-back",
        "document.py",
        "return access_key_of(current) != access_key_of(previous)",
        "return True",
    ),
    Mutant(
        "value-present check",
        "a value that is stored already",
        PROTOCOL,
        "    if pending is None:\n        strategy.create(",
        "    if True:\n        strategy.create(",
    ),
    Mutant(
        "value-present check",
        "a stored key that is Inactive or gone",
        PROTOCOL,
        "elif not strategy.confirm(pending):",
        "elif False:",
    ),
    Mutant(
        "value-present check",
        "finishSecret before createSecret",
        PROTOCOL,
        '        raise EventError(f"version {event.token} has no value yet',
        '        pending = current\n    if False:\n        raise EventError(f"version {event.token} has no value yet',
    ),
    Mutant(
        "read-back compensation",
        "taking the key back",
        STRATEGY,
        "            if stored is not None or problem.refused:\n",
        "            if False:\n",
    ),
    Mutant(
        "read-back compensation",
        "reading back first",
        STRATEGY,
        "            if stored is not None and stored.text == value:\n",
        "            if False:\n",
    ),
    Mutant(
        "orphan rule",
        "the rule",
        SLOTS,
        "(_is_spent, _is_overdue, _is_orphan, _is_abandoned)",
        "(_is_spent, _is_overdue, _is_abandoned)",
    ),
    Mutant(
        "orphan rule",
        "quiet for long enough",
        SLOTS,
        "if evidence.now < quiet:",
        "if False:",
    ),
    Mutant(
        "orphan rule",
        "never used",
        SLOTS,
        "    if evidence.last_used(key).date is not None:\n        return False\n",
        "",
    ),
    Mutant(
        "abandoned rule",
        "the rule",
        SLOTS,
        "(_is_spent, _is_overdue, _is_orphan, _is_abandoned)",
        "(_is_spent, _is_overdue, _is_orphan)",
    ),
    Mutant("orphan rule", "made after the enrolment", SLOTS, "key.created <= evidence.since or ", ""),
    Mutant(
        "orphan rule",
        "in no version",
        SLOTS,
        "key.created <= evidence.since or evidence.naming(key):",
        "key.created <= evidence.since:",
    ),
    Mutant(
        "abandoned rule",
        "the attempt is dead",
        SLOTS,
        "end is None or end > evidence.now for",
        "end is None for",
    ),
    Mutant(
        "abandoned rule",
        "the attempt's age, not its version's",
        SLOTS,
        "        return None if version.labels or not later else min(later) + self.attempt_limit\n",
        "        return None if version.labels or not later else version.created + self.attempt_limit\n",
    ),
    Mutant(
        "abandoned rule",
        "without a label",
        SLOTS,
        "return None if version.labels or not later",
        "return None if not later",
    ),
    Mutant(
        "abandoned rule",
        "newer than AWSCURRENT's key",
        SLOTS,
        "        or key.created <= evidence.current_key.created - evidence.attempt_limit\n",
        "",
    ),
    Mutant(
        "abandoned rule",
        "used by nothing but STS",
        SLOTS,
        '(used.service == "sts" and used.date <= tested)',
        "used.date <= tested or used.service != 'sts'",
    ),
    Mutant(
        "abandoned rule",
        "by STS only while it was tested",
        SLOTS,
        '(used.service == "sts" and used.date <= tested)',
        "used.service == 'sts'",
    ),
    Mutant(
        "never touch the current key",
        "in slots",
        SLOTS,
        "key.key_id != account.document.access_key_id and rule",
        "rule",
    ),
    Mutant(
        "never touch the current key",
        "in the retirement",
        RETIRE,
        '    if in_use:\n        return "in_use"',
        "    if False:\n        pass",
    ),
    Mutant(
        "never touch the pending key",
        "in the retirement",
        RETIRE,
        "(account.document.access_key_id, _pending_key(secret, store))",
        "(account.document.access_key_id,)",
    ),
    Mutant(
        "nothing goes unless AWSCURRENT works",
        "in slots",
        SLOTS,
        "if not is_active(listed, account.document.access_key_id):",
        "if False:",
    ),
    Mutant(
        "nothing goes unless AWSCURRENT works",
        "in the retirement",
        RETIRE,
        "        if not _works(account):\n",
        "        if False:\n",
    ),
    Mutant(
        "spent keys",
        "known, given up or forgotten",
        SLOTS,
        "return used is not None and evidence.now - used > FORGOTTEN_AFTER",
        "return True",
    ),
    Mutant("overdue rule", "not while it is used", SLOTS, "or account.used_lately(key.key_id):", "or False:"),
    Mutant("overdue rule", "not before it is due", SLOTS, "if evidence.now < max(due, extension) or", "if"),
    Mutant("exact identity", "in testSecret", PROOF, "if not is_user(arn, account, user_name):", "if False:"),
    Mutant(
        "exact identity",
        "in finishSecret",
        STRATEGY,
        "if not is_user(arn, self._invocation.account, new.user_name):",
        "if False:",
    ),
    Mutant(
        "overdue rule",
        "only what was asked for can be over",
        SLOTS,
        "if start is None and account.settings.retirement_role_arn:",
        "if False:",
    ),
    Mutant("exact identity", "the whole name", PROOF, "path[-1] == user_name", "arn.endswith(user_name)"),
    Mutant("exact identity", "the name and not the path", PROOF, "path[-1] == user_name", "f'/{user_name}' in arn"),
    Mutant(
        "exact identity",
        "a last question before the move",
        STRATEGY,
        'raise ProofError(f"the pending key {new.access_key_id} stopped working: {problem.code}") from None',
        "arn = f'arn:aws:iam::{self._invocation.account}:user/{new.user_name}'",
    ),
    Mutant("successes in a row", "more than one", PROOF, "if in_a_row >= successes:", "if in_a_row >= 1:"),
    Mutant("successes in a row", "in a row", PROOF, "in_a_row, last = 0, problem.code", "last = problem.code"),
    Mutant(
        "write-ahead retirement",
        "the retirement",
        STRATEGY,
        "            account.schedule_retirement(old_key, ",
        "            print(end='') if True else (old_key, ",
    ),
    Mutant(
        "write-ahead retirement",
        "ahead",
        PROTOCOL,
        "    strategy.before_promotion(secret, current, pending)\n    store.promote(event.token, current.version_id)\n",
        "    store.promote(event.token, current.version_id)\n    strategy.before_promotion(secret, current, pending)\n",
    ),
    Mutant(
        "write-ahead retirement",
        "moved on by a late retry",
        GATEWAY,
        '            call("scheduler:UpdateSchedule", self._client.update_schedule, **schedule)\n',
        "",
    ),
    Mutant(
        "compare-and-swap",
        "the comparison's version",
        GATEWAY,
        "            RemoveFromVersionId=current,\n",
        '            RemoveFromVersionId=self.describe().holder("AWSCURRENT"),\n',
    ),
    Mutant(
        "compare-and-swap",
        "the comparison in finishSecret",
        PROTOCOL,
        "    if not strategy.fits(current, pending):\n",
        "    if False:\n",
    ),
    Mutant(
        "compare-and-swap", "the comparison of noop", "noop.py", "return current.same_value(pending)", "return True"
    ),
    Mutant("compare-and-swap", "another key", STRATEGY, " and new.access_key_id != old.access_key_id", ""),
    Mutant(
        "replay after success",
        "is left alone",
        STRATEGY,
        "        if AWSPENDING not in labels:\n",
        "        if False:\n",
    ),
    Mutant(
        "retirement, level checks",
        "a version names the key",
        RETIRE,
        '    if since is None:\n        raise EventError(f"no',
        '    if since is None:\n        since = current.created\n    if not since:\n        raise EventError(f"no',
    ),
    Mutant(
        "retirement, level checks",
        "a schedule asks for it",
        RETIRE,
        '        return "not_due"',
        "        start = invocation.now()",
    ),
    Mutant("retirement, level checks", "due", RETIRE, "    if now < due:\n", "    if False:\n"),
    Mutant(
        "retirement, level checks",
        "held",
        ACCOUNT,
        "        later = max(later, self.settings.hold_until or later)\n",
        "",
    ),
    Mutant(
        "retirement, level checks",
        "in use",
        RETIRE,
        "account.used_lately(key_id) if account.grace_period else None",
        "None",
    ),
    Mutant(
        "retirement, bounds",
        "the extension",
        RETIRE,
        "return min(extension, account.latest_retirement(key) - INTERVAL)",
        "return account.latest_retirement(key) - INTERVAL",
    ),
    Mutant(
        "retirement, bounds",
        "the age, when it is used",
        RETIRE,
        "return min(extension, account.latest_retirement(key) - INTERVAL)",
        "return extension",
    ),
    Mutant(
        "retirement, bounds",
        "the age, when it is held",
        ACCOUNT,
        "            later = min(later, self.latest_retirement(key))\n",
        "            pass\n",
    ),
    Mutant(
        "retirement, bounds",
        "its schedule ends last",
        RETIRE,
        "        if account.keys.deactivate(key_id):\n            _tell",
        "        account.schedules.delete(key_id)\n        if account.keys.deactivate(key_id):\n            _tell",
    ),
    Mutant(
        "noop",
        "refuses an access key",
        "noop.py",
        "if names_access_key(current.binary if current.text is None else current.text):",
        "if False:",
    ),
    Mutant(
        "nothing secret",
        "errors of codes alone",
        GATEWAY,
        'raise AwsError(action, str(response.get("Error", {}).get("Code", status)), refused) from None',
        "raise AwsError(f'{action} {problem}', str(response.get('Error', {}).get('Code', status)), refused) from None",
    ),
)
