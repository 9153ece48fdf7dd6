"""Health: what each outcome says about its deployment and its credential, and who may be asked now.

A circuit breaker with three states: closed (asked), open (out until a time), half-open (the time is over, and one call finds
out). It learns from real calls; lists of models are asked for only where that is wanted (`_checkup.py`)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeVar

from dragoman.errors import APIError
from dragoman.observe import CircuitClosed, CircuitOpened, Event
from dragoman.routing.deployments.member import Member
from dragoman.routing.health.outage import LIMIT_ERRORS, Fault, allowed_fails, fault_of, outage_duration
from dragoman.routing.settings.health import HealthPolicy
from dragoman.state import Counts, Outage, StateStore

__all__ = ["DeploymentHealth"]

_V = TypeVar("_V")
_KEPT = 10_000
PROBE_SECONDS = 60.0
"""After which a probe that never ended is given up."""


class _Failure(NamedTuple):
    member: Member
    error: BaseException
    fault: Fault
    in_a_row: int
    often: bool
    """Of the deployment's calls of late."""
    retry_after: float | None


class DeploymentHealth:
    """Of every deployment and credential. Its state is in the store, and what only this process must know, here.

    Any thread may use it. Only a probe, the one call that a half-open key lets through, heals a key or takes it out for longer;
    calls that began before an outage and end in it or after it change nothing, however many they are."""

    def __init__(self, store: StateStore, policy: HealthPolicy, tell: Callable[[Event], None]) -> None:
        self.store = store
        self.policy = policy
        self._tell = tell
        self._lock = threading.Lock()
        self._in_a_row: dict[str, int] = {}
        self._times: dict[str, int] = {}
        """Taken out so many times in a row."""
        self._suspects: dict[str, None] = {}
        """Those not yet seen to work again, which a probe has to find out."""

    def adopt(self, policy: HealthPolicy) -> None:
        """Judge by another policy from now on."""
        self.policy = policy

    def in_a_row(self, member: Member) -> int:
        """Failures since the last success that this process saw."""
        return self._in_a_row.get(member.key, 0)

    def half_open(self, member: Member) -> tuple[str, ...]:
        """What has to be probed: the time is over, and nobody knows yet whether it works."""
        if not self._suspects:
            return ()
        return tuple(key for key in member.keys if key in self._suspects)

    def saw(self, outages: Mapping[str, Outage]) -> None:
        """Outages that another process may have told of."""
        for key, outage in outages.items():
            if self._times.get(key, 0) < outage.failures:
                with self._lock:
                    _keep(self._times, key, outage.failures)
                    if outage.error not in LIMIT_ERRORS:
                        _keep(self._suspects, key, None)

    async def may_probe(self, keys: tuple[str, ...]) -> bool:
        """Whether this call is the one that finds out. It has to say how that went: `succeeded`, `failed` or `give_back`."""
        claimed: list[str] = []
        try:
            for key in keys:
                if not await self.store.claim_probe(key, PROBE_SECONDS):
                    self.give_back(claimed)
                    return False
                claimed.append(key)
        except BaseException:
            self.give_back(keys)
            raise
        return True

    def forget(self, key: str) -> None:
        """What was held against it, as it is somewhere else now."""
        with self._lock:
            for known in (self._in_a_row, self._times, self._suspects):
                known.pop(key, None)
        self.store.close_circuit(key)

    def give_back(self, keys: Iterable[str]) -> None:
        """A probe found nothing out: the next call may try."""
        outages = self.store.view().outages
        for key in keys:
            if key not in outages:
                self.store.close_circuit(key)

    def succeeded(self, member: Member, probed: tuple[str, ...] = ()) -> None:
        if not member.key:
            return
        self.store.count(member.key, "success", self.policy.window)
        if self._in_a_row or self._times:
            outages = self.store.view().outages
            with self._lock:
                self._in_a_row.pop(member.key, None)
                for key in member.keys:
                    if key not in outages and key not in self._suspects:
                        self._times.pop(key, None)
        for key in probed:
            with self._lock:
                self._suspects.pop(key, None)
                self._times.pop(key, None)
            self.store.close_circuit(key)
            self._tell(CircuitClosed(key))

    def failed(self, member: Member, error: BaseException, probed: tuple[str, ...] = ()) -> Outage | None:
        """The outage that this failure leads to, if it does."""
        fault = self._fault(member, error)
        if fault is Fault.NOBODY or self.policy.disabled or not member.key:
            self.give_back(probed)
            return None
        key = member.credential if fault is Fault.CREDENTIAL else member.key
        self.give_back(other for other in probed if other != key)
        counts = self.store.count(member.key, "failure", self.policy.window)
        with self._lock:
            in_a_row = self._in_a_row.get(member.key, 0) + 1
            _keep(self._in_a_row, member.key, in_a_row)
        retry_after = error.retry_after if isinstance(error, APIError) else None
        failure = _Failure(member, error, fault, in_a_row, self._is_often(counts), retry_after)
        if key in probed:
            return self._take_out(key, failure)
        out = self.store.view().outages.get(key)
        if out is not None or key in self._suspects:
            # It began before the outage: only a limit whose end it names is news.
            if fault is Fault.LIMIT and retry_after is not None:
                return self._until_later(key, out, failure)
            return None
        return self._take_out(key, failure) if self._is_enough(failure) else None

    def _fault(self, member: Member, error: BaseException) -> Fault:
        fault = fault_of(error)
        if fault is Fault.GONE and member.deployment.wild:
            return Fault.NOBODY  # the model's name came from the caller
        return fault

    def _is_often(self, counts: Counts) -> bool:
        calls = counts.successes + counts.failures
        return calls >= self.policy.least_calls and counts.failures / calls > self.policy.failure_rate

    def _is_enough(self, failure: _Failure) -> bool:
        """Whether this failure ends the patience with a deployment that has been well."""
        fault, deployment = failure.fault, failure.member.deployment
        if failure.member.alone and fault is not Fault.CREDENTIAL:
            return fault is Fault.LIMIT and failure.retry_after is not None
        said = allowed_fails(failure.error, deployment.allowed_fails_by_error, self.policy.allowed_fails_by_error)
        if said is not None:
            return failure.in_a_row > said
        if fault is not Fault.DEPLOYMENT or failure.retry_after is not None:
            return True  # who says when to come again is not to be asked before
        own = deployment.allowed_fails
        return failure.in_a_row > (self.policy.allowed_fails if own is None else own) or failure.often

    def _until_later(self, key: str, out: Outage | None, failure: _Failure) -> Outage | None:
        until = self.store.now() + min(failure.retry_after or 0.0, self.policy.longest_retry_after)
        if out is not None and out.until >= until:
            return None
        return self._take_out(key, failure, grows=False)

    def _take_out(self, key: str, failure: _Failure, *, grows: bool = True) -> Outage:
        error, now = failure.error, self.store.now()
        name, status = type(error).__name__, getattr(error, "status_code", None)
        with self._lock:
            times = max(1, self._times.get(key, 0) + grows)
            _keep(self._times, key, times)
            if failure.fault is not Fault.LIMIT:
                _keep(self._suspects, key, None)
            elif grows:
                self._suspects.pop(key, None)  # it answers, and says when there is room
        cooldown = failure.member.deployment.cooldown_time
        outage = Outage(
            reason=f"{status} {name}" if status else name,
            error=name,
            since=now,
            until=now + outage_duration(self.policy, failure.fault, times, failure.retry_after, cooldown),
            failures=times,
        )
        self.store.open_circuit(key, outage)
        self._tell(CircuitOpened(key, outage.error, outage.reason, outage.until))
        return outage


def _keep(known: dict[str, _V], key: str, value: _V) -> None:
    """Callers can name any number of a wildcard's models, so the oldest are forgotten."""
    if key not in known and len(known) >= _KEPT:
        del known[next(iter(known))]
    known[key] = value
