# Copyright: (c) 2026, The evergreen.key_rotation maintainers
# GNU General Public License v3.0 or later (see LICENSE)
"""The in-memory AWS of the unit tests, with bad weather, indexes instead of searches, and no journal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.unit.memory.core import Core, Crash, ReadTimeoutError, ServiceError
from tests.unit.memory.iam import Iam, Key, UserState
from tests.unit.memory.scheduler import Scheduler, ScheduleState, Ses
from tests.unit.memory.world import World

from .simulate_settings import HOUR, YEAR, Rates

READ_TIMEOUT_SECONDS = 5.0
ATTEMPTS, IAM_ATTEMPTS = 3, 5
"""Of each client, and of IAM's but the one that makes keys. Source: lambda_src/composition.py."""


@dataclass
class Weather(Core):
    """A core whose calls fail at the stated rates while the function runs.

    Attributes:
        calm: nothing fails (enrolment by people, the end of the simulation).
        deadline: the function is killed then.
    """

    rng: Random = field(default_factory=Random)
    rates: Rates = field(default_factory=Rates)
    calm: bool = False
    deadline: float = math.inf
    tokens: float = 0.0
    refilled: float = 0.0
    until_fault: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    outages: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    busy: frozenset[int] = frozenset()

    def plan(self, years: float) -> None:
        """Draw what is drawn ahead: outages, and the hours in which others use up IAM's rate."""
        self.latency_seconds = self.rates.latency_seconds
        span = years * YEAR
        for service in ("iam", "secretsmanager"):
            starts = [
                self.seconds + self.rng.random() * span for _ in range(round(years * self.rates.outages_per_year))
            ]
            self.outages[service] = sorted(
                (start, start + self.rng.uniform(*self.rates.outage_hours) * HOUR) for start in starts
            )
        first = int(self.seconds // HOUR)
        hours = range(first, first + int(span // HOUR))
        self.busy = frozenset(hour for hour in hours if self.rng.random() < self.rates.busy_hours_share)
        self.tokens, self.refilled = self.rates.iam_burst, self.seconds
        self._next_fault()

    def _next_fault(self) -> None:
        rates = self.rates
        rate = 1 / rates.calls_per_crash + 1 / rates.calls_per_lost_answer + 1 / rates.calls_per_server_error
        self.until_fault = 1 + int(math.log(1.0 - self.rng.random()) / math.log(1.0 - rate)) if rate else 1 << 60

    def _fault(self) -> str:
        rates = self.rates
        kinds = {
            "crash": 1 / rates.calls_per_crash,
            "lost answer": 1 / rates.calls_per_lost_answer,
            "server error": 1 / rates.calls_per_server_error,
        }
        self._next_fault()
        return self.rng.choices(list(kinds), list(kinds.values()))[0]

    def _throttled(self) -> bool:
        """IAM's token bucket. Invocations overlap by seconds, so its clock is the latest moment that was seen."""
        if self.seconds > self.refilled:
            left = self.rates.busy_left_share if int(self.seconds // HOUR) in self.busy else 1.0
            gained = (self.seconds - self.refilled) * self.rates.iam_calls_per_second * left
            self.tokens = min(self.rates.iam_burst, self.tokens + gained)
            self.refilled = self.seconds
        if self.tokens < 1.0:
            return True
        self.tokens -= 1.0
        return False

    def _down(self, service: str) -> bool:
        outages = self.outages.get(service)
        if not outages or self.seconds < outages[0][0]:
            return False
        if outages[0][1] < self.seconds - HOUR:  # invocations overlap, but never by an hour
            outages.pop(0)
        return any(start <= self.seconds < end for start, end in outages)

    def once(self, service: str, work: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """One request, in the weather that there is."""
        self.happened["calls"] += 1
        self.seconds += self.latency_seconds
        if self.calm:
            return work(**arguments)
        if self.seconds > self.deadline:
            self.happened["time-out of the function"] += 1
            raise Crash("time-out")
        if self._down(service):
            raise ServiceError("ServiceUnavailable", 503)
        if service == "iam" and self._throttled():
            self.happened["IAM throttled"] += 1
            raise ServiceError("Throttling")
        self.until_fault -= 1
        if self.until_fault > 0:
            return work(**arguments)
        kind = self._fault()
        self.happened[kind] += 1
        if kind == "server error":
            raise ServiceError("InternalFailure", 500)
        if kind == "lost answer" or self.rng.random() < 0.5:
            work(**arguments)
        if kind == "crash":
            raise Crash("crash")
        self.seconds += READ_TIMEOUT_SECONDS
        raise ReadTimeoutError


class RetryingClient:
    """A boto3 client's face with boto3's standard retries. Source: botocore.retries.standard."""

    def __init__(self, core: Weather, service: str, methods: Mapping[str, Callable[..., Any]], attempts: int) -> None:
        self._core = core
        for name, method in methods.items():
            setattr(self, name, self._bound(service, method, attempts))

    def _bound(self, service: str, method: Callable[..., Any], attempts: int) -> Callable[..., Any]:
        core = self._core

        def ask(**arguments: Any) -> Any:
            tries = 0
            while True:
                try:
                    return core.once(service, method, arguments)
                except (ServiceError, ReadTimeoutError) as problem:
                    tries += 1
                    if tries >= attempts or not _worth_a_retry(problem):
                        raise
                    core.sleep(core.rng.random() * min(2.0 ** (tries - 1), 20.0))

        return ask


def _worth_a_retry(problem: Exception) -> bool:
    if not isinstance(problem, ServiceError):
        return True
    response: dict[str, Any] = problem.response
    status: int = response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= 500 or response["Error"]["Code"] == "Throttling"


@dataclass
class FleetKey(Key):
    """A key with its own delay.

    Attributes:
        works_from: when STS knows it and the lists show it; steady_from: when it no longer flickers.
        gone: why it does not work.
    """

    works_from: float = 0.0
    steady_from: float = 0.0
    gone: str = ""


@dataclass
class FleetIam(Iam):
    """IAM with an index of keys, and a delay of each new key.

    Attributes:
        before_change: called with a user's name before anything that decides whether a key works.
        last_use: (user name, key id, until) -> a consumer's last use.
    """

    index: dict[str, tuple[UserState, FleetKey]] = field(default_factory=dict)
    before_change: Callable[[str], None] = lambda user_name: None
    last_use: Callable[[str, str, float], float | None] = lambda user_name, key_id, until: None
    after_off: Callable[[FleetKey], None] = lambda key: None

    def add_key(self, user_name: str, age_days: float = 0.0, active: bool = True) -> FleetKey:
        core = self.core
        assert isinstance(core, Weather)
        self.made += 1
        created = core.seconds - age_days * 86_400
        key = FleetKey(f"AKIA{self.made:016d}", f"secret-{self.made}", created, active)
        rates = core.rates
        if core.rng.random() < rates.very_slow_key_share:
            delay = core.rng.uniform(*rates.very_slow_key_seconds)
        else:
            delay = rates.slow_key_median_seconds * math.exp(rates.slow_key_sigma * core.rng.gauss(0.0, 1.0))
        key.works_from = created + delay
        key.steady_from = key.works_from + rates.flicker_seconds
        user = self.users[user_name.lower()]
        user.keys.append(key)
        self.index[key.key_id] = user, key
        return key

    def key(self, key_id: str) -> FleetKey | None:
        found = self.index.get(key_id)
        return None if found is None or found[1].deleted is not None else found[1]

    def _own(self, user_name: str, key_id: str) -> Key:
        found = self.index.get(key_id)
        if found is None or found[0] is not self._user(user_name) or found[1].deleted is not None:
            raise ServiceError("NoSuchEntity", 404, key_id)
        return found[1]

    def _list_access_keys(self, UserName: str) -> dict[str, Any]:
        now = self.core.seconds
        return {
            "AccessKeyMetadata": [
                {
                    "AccessKeyId": key.key_id,
                    "Status": "Active" if key.active else "Inactive",
                    "CreateDate": self.core.at(key.created),
                }
                for key in self._user(UserName).keys
                if key.deleted is None and isinstance(key, FleetKey) and key.works_from <= now
            ]
        }

    def _get_access_key_last_used(self, AccessKeyId: str) -> dict[str, Any]:
        found = self.index.get(AccessKeyId)
        if found is None or found[1].deleted is not None:
            raise ServiceError("AccessDenied", 403, AccessKeyId)
        user, key = found
        self.before_change(user.name)
        core = self.core
        assert isinstance(core, Weather)
        reported = core.seconds - core.rates.last_used_delay_hours * HOUR
        seen = self.last_use(user.name, AccessKeyId, reported)
        if seen is not None and (key.used is None or seen > key.used):
            key.used, key.used_by = seen, "bedrock"
        return super()._get_access_key_last_used(AccessKeyId)

    def _update_access_key(self, UserName: str, AccessKeyId: str, Status: str) -> dict[str, Any]:
        self.before_change(UserName)
        answer = super()._update_access_key(UserName, AccessKeyId, Status)
        key = self.index[AccessKeyId][1]
        key.gone = "" if key.active else self.core.actor
        if not key.active:
            self.after_off(key)
        return answer

    def _delete_access_key(self, UserName: str, AccessKeyId: str) -> dict[str, Any]:
        self.before_change(UserName)
        was_active = self._own(UserName, AccessKeyId).active
        answer = super()._delete_access_key(UserName, AccessKeyId)
        user, key = self.index[AccessKeyId]
        user.keys.remove(key)
        if was_active:
            key.gone = self.core.actor
            self.after_off(key)
        return answer

    def _get_caller_identity(self, key_id: str, secret: str) -> dict[str, Any]:
        core = self.core
        assert isinstance(core, Weather)
        found = self.index.get(key_id)
        now = core.seconds
        if found is None or not found[1].active or found[1].deleted is not None or found[1].works_from > now:
            raise ServiceError("InvalidClientTokenId", 403, key_id)
        user, key = found
        if now < key.steady_from and not core.calm and core.rng.random() < core.rates.flicker_share:
            raise ServiceError("InvalidClientTokenId", 403, key_id)
        key.used, key.used_by = now, "sts"
        return {"Arn": self._arn(user), "Account": "123456789012"}


@dataclass
class FleetScheduler(Scheduler):
    """Schedules that tell the event queue when they fire next."""

    armed: Callable[[tuple[str, str], ScheduleState], None] = lambda name, schedule: None

    def _put(self, request: dict[str, Any]) -> dict[str, Any]:
        answer = super()._put(request)
        name = request["GroupName"], request["Name"]
        self.armed(name, self.schedules[name])
        return answer


@dataclass
class FleetSes(Ses):
    """SES that refuses some mails and counts the others by subject."""

    core: Weather = field(default_factory=Weather)
    arrived: Callable[[str], None] = lambda subject: None

    def _send_email(self, **mail: Any) -> dict[str, Any]:
        if self.core.rng.random() * self.core.rates.mails_per_refused_mail < 1.0:
            self.core.happened["mails refused by SES"] += 1
            raise ServiceError("MessageRejected")
        self.arrived(mail["Content"]["Simple"]["Subject"]["Data"])
        return {"MessageId": "1"}


class FleetClients:
    """See rotation.runtime.Clients."""

    def __init__(self, core: Weather, world: World) -> None:
        self._core = core
        self._iam = world.iam
        iam = world.iam.methods()
        self._clients = {
            "secretsmanager": RetryingClient(core, "secretsmanager", world.secrets.methods(), ATTEMPTS),
            "iam": RetryingClient(core, "iam", iam, IAM_ATTEMPTS),
            "iam_create": RetryingClient(core, "iam", iam, 1),
            "scheduler": RetryingClient(core, "scheduler", world.scheduler.methods(), ATTEMPTS),
            "ses": RetryingClient(core, "ses", world.ses.methods(), ATTEMPTS),
        }

    def secretsmanager(self) -> RetryingClient:
        return self._clients["secretsmanager"]

    def iam(self) -> RetryingClient:
        return self._clients["iam"]

    def iam_create(self) -> RetryingClient:
        return self._clients["iam_create"]

    def scheduler(self) -> RetryingClient:
        return self._clients["scheduler"]

    def ses(self) -> RetryingClient:
        return self._clients["ses"]

    def sts(self, access_key_id: str, secret_access_key: str) -> RetryingClient:
        methods = self._iam.sts_methods(access_key_id, secret_access_key)
        return RetryingClient(self._core, "sts", methods, 2)
