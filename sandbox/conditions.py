# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The Condition element of IAM policies, and the patterns that all elements share. Pure: no moto, no I/O."""

from __future__ import annotations

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

Context = Mapping[str, tuple[str, ...]]
"""Condition keys in lower case, each with its values; an absent key is a key without a value."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"\s*([^,]+?)\s*(?:,\s*'([^']*)'\s*)?")
_NEGATED = re.compile(r"(String|Numeric|Date|Arn|Ip)Not|NotIpAddress")


class PolicyError(Exception):
    """A policy says what AWS would have refused to store, or what this evaluator does not know."""


def as_list(value: Any) -> list[Any]:
    """One value or a list of them, as a list."""
    return list(value) if isinstance(value, list | tuple) else [value]


def matches(pattern: str, text: str, context: Context, ignore_case: bool = False) -> bool:
    """Whether text fits pattern: * any run of characters, ? any one, ${key} the value of a condition key.

    A variable without a value fits nothing, as on AWS.
    """
    pieces: list[str] = []
    position = 0
    for found in _VARIABLE.finditer(pattern):
        pieces.append(_glob(pattern[position : found.start()]))
        value = _variable(found[1], context)
        if value is None:
            return False
        pieces.append(re.escape(value))
        position = found.end()
    pieces.append(_glob(pattern[position:]))
    return re.fullmatch("".join(pieces), text, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


def satisfied(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    """Whether every operator and key of a Condition element holds.

    Raises:
        PolicyError: an operator that does not exist, or a value that its type cannot read.
    """
    return all(
        _holds(name, as_list(wanted), context.get(key.lower(), ()), context)
        for name, keys in condition.items()
        for key, wanted in keys.items()
    )


def _holds(name: str, wanted: list[Any], actual: tuple[str, ...], context: Context) -> bool:
    qualifier, _, base = name.rpartition(":")
    if qualifier not in ("", "ForAllValues", "ForAnyValue"):
        raise PolicyError(f"no condition operator {name}")
    if base == "Null":
        return any((not actual) == (str(value).lower() == "true") for value in wanted)
    if_exists = base.endswith("IfExists")
    base = base.removesuffix("IfExists")
    negated = _NEGATED.match(base) is not None
    test = _TESTS.get(base.replace("Not", "", 1) if negated else base)
    if test is None:
        raise PolicyError(f"no condition operator {name}")
    if not actual:
        return if_exists or qualifier == "ForAllValues" or (negated and qualifier == "")

    def one(value: str) -> bool:
        hit = any(test(str(candidate), value, context) for candidate in wanted)
        return hit != negated

    # Without a qualifier a key is meant to have one value; for several, "not equal" means to none of them.
    every = qualifier == "ForAllValues" or (negated and qualifier == "")
    return all(map(one, actual)) if every else any(map(one, actual))


def _variable(expression: str, context: Context) -> str | None:
    if expression in ("*", "?", "$"):
        return expression
    match = _DEFAULT.fullmatch(expression)
    if match is None:
        return None
    values = context.get(match[1].lower(), ())
    return values[0] if len(values) == 1 else match[2]


def _expand(text: str, context: Context) -> str | None:
    values = [_variable(found[1], context) for found in _VARIABLE.finditer(text)]
    if None in values:
        return None
    supply = iter(values)
    return _VARIABLE.sub(lambda _: next(supply) or "", text)


def _glob(text: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char) or re.escape(char) for char in text)


def _equals(wanted: str, actual: str, context: Context) -> bool:
    return _expand(wanted, context) == actual


def _equals_ignore_case(wanted: str, actual: str, context: Context) -> bool:
    expanded = _expand(wanted, context)
    return expanded is not None and expanded.lower() == actual.lower()


def _arn_like(wanted: str, actual: str, context: Context) -> bool:
    patterns, parts = _split_arn(wanted), actual.split(":", 5)
    return len(patterns) == len(parts) == 6 and all(
        matches(pattern, part, context) for pattern, part in zip(patterns, parts, strict=True)
    )


def _split_arn(pattern: str) -> list[str]:
    """Split at the colons that are not inside a variable."""
    return re.split(r":(?![^{]*\})", pattern, maxsplit=5)


def _bool(wanted: str, actual: str, _: Context) -> bool:
    return wanted.lower() == actual.lower()


def _ip(wanted: str, actual: str, _: Context) -> bool:
    try:
        return ipaddress.ip_address(actual) in ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        raise PolicyError(f"{wanted} and {actual} are no IP addresses") from None


def _ordered(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> Callable[..., bool]:
    def test(wanted: str, actual: str, _: Context) -> bool:
        try:
            return compare(read(actual), read(wanted))
        except ValueError:
            raise PolicyError(f"{wanted} or {actual} is no number or date") from None

    return test


def _moment(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}
_TESTS: dict[str, Callable[[str, str, Context], bool]] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_ignore_case,
    "StringLike": matches,
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": _bool,
    "IpAddress": _ip,
    **{f"Numeric{name}": _ordered(float, compare) for name, compare in _ORDERS.items()},
    **{f"Date{name}": _ordered(_moment, compare) for name, compare in _ORDERS.items()},
}
