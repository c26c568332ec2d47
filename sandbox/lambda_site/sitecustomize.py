# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""Python imports this by itself at the start of a Lambda process: it puts the process on the virtual clock.

Wall-clock readings get the offset that the clock keeps in a file; sleep and the monotonic clock stay real.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

_OFFSET_FILE = Path(os.environ["SANDBOX_CLOCK_OFFSET"])
_time, _gmtime, _localtime = time.time, time.gmtime, time.localtime
_real_datetime, _real_date = datetime.datetime, datetime.date


def _now() -> float:
    return _time() + float(_OFFSET_FILE.read_text())


def _now_ns() -> int:
    return int(_now() * 1_000_000_000)


def _parts(read: Callable[[float], time.struct_time], seconds: float | None = None) -> time.struct_time:
    return read(_now() if seconds is None else seconds)


class _LikeDatetime(type):
    """A datetime made by C code is an instance of the patched class too."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real_datetime)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _real_datetime)


class _LikeDate(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, _real_date)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return issubclass(subclass, _real_date)


class VirtualDatetime(datetime.datetime, metaclass=_LikeDatetime):
    """datetime.datetime whose present is the virtual one."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> VirtualDatetime:
        """The current time, in tz or local."""
        return cls.fromtimestamp(_now(), tz)

    @classmethod
    def utcnow(cls) -> VirtualDatetime:
        """The current time in UTC, naive."""
        return cls.fromtimestamp(_now(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> VirtualDatetime:
        """The current local time, naive."""
        return cls.fromtimestamp(_now())


class VirtualDate(datetime.date, metaclass=_LikeDate):
    """datetime.date whose today is the virtual one."""

    @classmethod
    def today(cls) -> VirtualDate:
        """The current local date."""
        return cls.fromtimestamp(_now())


# Partials, because functions written in Python would become methods where a class keeps one, as logging does.
vars(time).update(
    time=partial(_now), time_ns=partial(_now_ns), gmtime=partial(_parts, _gmtime), localtime=partial(_parts, _localtime)
)
vars(datetime).update(datetime=VirtualDatetime, date=VirtualDate)
