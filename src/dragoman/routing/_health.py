"""Health: what each outcome says about its deployment and its credential, and who may be asked now.

A circuit breaker with three states: closed (asked), open (out until a time), half-open (the time is over, and one call finds
out). It learns from real calls alone: nothing is ever sent only to see whether it works."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from dragoman.errors import APIError
from dragoman.observe import Event, PutBack, TakenOut
from dragoman.routing._deployment import Deployment
from dragoman.routing._outage import LIMIT_ERRORS, Fault, HealthPolicy, fault_of
from dragoman.stores import Outage, Store

__all__ = ["Health", "Member"]

PROBE_SECONDS = 60.0
"""After which a probe that never ended is given up."""


class Member(NamedTuple):
    """A deployment of a group, and the keys under which its state is kept."""

    deployment: Deployment
    key: str
    """Empty: a deployment of a single call, about which nothing is remembered."""
    credential: str
    alone: bool
    """There is nowhere else to go. Then only its own known limits keep a call from it: better the provider's own word than none."""

    @property
    def keys(self) -> tuple[str, ...]:
        """What must be well for it to be asked."""
        return (self.key,) if self.alone else (self.key, self.credential)

    def outage(self, outages: Mapping[str, Outage]) -> Outage | None:
        """The one that keeps it from being asked."""
        return next((outages[key] for key in self.keys if key in outages), None)


class Health:
    """Of every deployment and credential. Its state is in the store, and what only this process must know, here."""

    def __init__(self, store: Store, policy: HealthPolicy, tell: Callable[[Event], None]) -> None:
        self.store = store
        self.policy = policy
        self._tell = tell
        self._in_a_row: dict[str, int] = {}
        self._suspects: dict[str, int] = {}
        """Taken out so many times in a row, and not yet seen to work again."""

    def half_open(self, member: Member) -> tuple[str, ...]:
        """What has to be probed: the time is over, and nobody knows yet whether it works."""
        if not self._suspects:
            return ()
        return tuple(key for key in member.keys if key in self._suspects)

    def saw(self, outages: Mapping[str, Outage]) -> None:
        """Outages that another process may have told of."""
        for key, outage in outages.items():
            if key not in self._suspects and outage.error not in LIMIT_ERRORS:
                self._suspects[key] = outage.failures

    async def may_probe(self, keys: tuple[str, ...]) -> bool:
        """Whether this call is the one that finds out."""
        for key in keys:
            if not await self.store.claim_probe(key, PROBE_SECONDS):
                return False
        return True

    def succeeded(self, member: Member) -> None:
        if not member.key:
            return
        self.store.count(member.key, "success", self.policy.window)
        self._in_a_row.pop(member.key, None)
        for key in self.half_open(member):
            self._suspects.pop(key, None)
            self.store.put_back(key)
            self._tell(PutBack(key))

    def failed(self, member: Member, error: BaseException) -> Outage | None:
        """The outage that this failure leads to, if it does."""
        fault = self._fault(member, error)
        if fault is Fault.NOBODY or self.policy.disabled or not member.key:
            return None
        in_a_row = self._in_a_row[member.key] = self._in_a_row.get(member.key, 0) + 1
        counts = self.store.count(member.key, "failure", self.policy.window)
        key = member.credential if fault is Fault.CREDENTIAL else member.key
        times = self._suspects.get(key, 0)
        retry_after = error.retry_after if isinstance(error, APIError) else None
        calls = counts.successes + counts.failures
        often = calls >= self.policy.least_calls and counts.failures / calls > self.policy.failure_rate
        if not times and not self._is_enough(member, fault, error, in_a_row, often, retry_after):
            return None
        return self._take_out(key, fault, error, times + 1, retry_after, member.deployment.cooldown_time)

    def _fault(self, member: Member, error: BaseException) -> Fault:
        fault = fault_of(error)
        if fault is Fault.GONE and member.deployment.wild:
            return Fault.NOBODY  # the model's name came from the caller
        return fault

    def _is_enough(
        self,
        member: Member,
        fault: Fault,
        error: BaseException,
        in_a_row: int,
        often: bool,
        retry_after: float | None,
    ) -> bool:
        """Whether this failure ends the patience with a deployment that has been well."""
        if fault is Fault.CREDENTIAL:
            return True
        if member.alone:
            return fault is Fault.LIMIT and retry_after is not None
        if fault is not Fault.DEPLOYMENT:
            return True
        own = member.deployment.allowed_fails
        allowed = self.policy.allowed_fails_by_error.get(
            type(error).__name__, self.policy.allowed_fails if own is None else own
        )
        return in_a_row > allowed or often

    def _take_out(
        self,
        key: str,
        fault: Fault,
        error: BaseException,
        times: int,
        retry_after: float | None,
        cooldown: float | None,
    ) -> Outage:
        now = self.store.now()
        name, status = type(error).__name__, getattr(error, "status_code", None)
        outage = Outage(
            reason=f"{status} {name}" if status else name,
            error=name,
            since=now,
            until=now + self.policy.lasts(fault, times, retry_after, cooldown),
            failures=times,
        )
        if fault is not Fault.LIMIT:
            self._suspects[key] = times
        self.store.take_out(key, outage)
        self._tell(TakenOut(key, outage.error, outage.reason, outage.until))
        return outage
