"""Health: what each outcome says about its deployment and its credential, and which of them may be called now.

A circuit breaker with three states: closed (called), open (out until a time), half-open (the time is over, and one call probes
it). It learns from real calls; lists of models are requested only if that is configured (`health_check.py`)."""

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
_MAX_ENTRIES = 10_000
PROBE_SECONDS = 60.0
"""After which a probe that never ended is given up."""


class _Failure(NamedTuple):
    member: Member
    error: BaseException
    fault: Fault
    in_a_row: int
    often: bool
    """Whether too many of the deployment's recent calls have failed."""
    retry_after: float | None


class DeploymentHealth:
    """The health of every deployment and credential. Shared state is in the store, and what only this process needs is here.

    Any thread may use it. Only a probe, the one call that a half-open key lets through, heals a key or takes it out for longer;
    calls that began before an outage and end in it or after it change nothing, however many they are."""

    def __init__(self, store: StateStore, policy: HealthPolicy, tell: Callable[[Event], None]) -> None:
        self.store = store
        self.policy = policy
        self._tell = tell
        self._lock = threading.Lock()
        self._in_a_row: dict[str, int] = {}
        self._outages_in_a_row: dict[str, int] = {}
        """By key: how often it was taken out without having worked in between."""
        self._suspects: dict[str, None] = {}
        """The keys that have not yet worked again, and have to be probed."""

    def adopt(self, policy: HealthPolicy) -> None:
        """Judge by another policy from now on."""
        self.policy = policy

    def failures_in_a_row(self, member: Member) -> int:
        """Failures since the last success that this process saw."""
        return self._in_a_row.get(member.key, 0)

    def half_open(self, member: Member) -> tuple[str, ...]:
        """Return the keys that have to be probed: their outage is over, and whether they work is not known yet."""
        if not self._suspects:
            return ()
        return tuple(key for key in member.keys if key in self._suspects)

    def learn_outages(self, outages: Mapping[str, Outage]) -> None:
        """Learn of outages that another process may have reported."""
        for key, outage in outages.items():
            if self._outages_in_a_row.get(key, 0) < outage.failures:
                with self._lock:
                    _remember(self._outages_in_a_row, key, outage.failures)
                    if outage.error not in LIMIT_ERRORS:
                        _remember(self._suspects, key, None)

    async def may_probe(self, keys: tuple[str, ...]) -> bool:
        """Whether this call is the one that probes. It has to report how that went: `record_success`, `record_failure` or
        `release_probes`."""
        claimed: list[str] = []
        try:
            for key in keys:
                if not await self.store.claim_probe(key, PROBE_SECONDS):
                    self.release_probes(claimed)
                    return False
                claimed.append(key)
        except BaseException:
            self.release_probes(keys)
            raise
        return True

    def forget(self, key: str) -> None:
        """What was held against it, as it is somewhere else now."""
        with self._lock:
            for entries in (self._in_a_row, self._outages_in_a_row, self._suspects):
                entries.pop(key, None)
        self.store.close_circuit(key)

    def release_probes(self, keys: Iterable[str]) -> None:
        """Let the next call probe: this one has found nothing out."""
        outages = self.store.view().outages
        for key in keys:
            if key not in outages:
                self.store.close_circuit(key)

    def record_success(self, member: Member, probed: tuple[str, ...] = ()) -> None:
        if not member.key:
            return
        self.store.count(member.key, "success", self.policy.window)
        if self._in_a_row or self._outages_in_a_row:
            outages = self.store.view().outages
            with self._lock:
                self._in_a_row.pop(member.key, None)
                for key in member.keys:
                    if key not in outages and key not in self._suspects:
                        self._outages_in_a_row.pop(key, None)
        for key in probed:
            with self._lock:
                self._suspects.pop(key, None)
                self._outages_in_a_row.pop(key, None)
            self.store.close_circuit(key)
            self._tell(CircuitClosed(key, member.deployment.id))

    def record_failure(self, member: Member, error: BaseException, probed: tuple[str, ...] = ()) -> Outage | None:
        """Record a failure, and return the outage that it leads to, if any."""
        fault = self._fault(member, error)
        if fault is Fault.REQUEST or self.policy.disabled or not member.key:
            self.release_probes(probed)
            return None
        key = member.credential if fault is Fault.CREDENTIAL else member.key
        self.release_probes({*probed} - {key})
        failure = self._count_failure(member, error, fault)
        if key in probed:
            return self._open_circuit(key, failure)
        outage = self.store.view().outages.get(key)
        if outage is not None or key in self._suspects:
            return self._extend(key, outage, failure)
        return self._open_circuit(key, failure) if self._is_enough(failure) else None

    def _count_failure(self, member: Member, error: BaseException, fault: Fault) -> _Failure:
        counts = self.store.count(member.key, "failure", self.policy.window)
        with self._lock:
            in_a_row = self._in_a_row.get(member.key, 0) + 1
            _remember(self._in_a_row, member.key, in_a_row)
        retry_after = error.retry_after if isinstance(error, APIError) else None
        return _Failure(member, error, fault, in_a_row, self._is_often(counts), retry_after)

    def _fault(self, member: Member, error: BaseException) -> Fault:
        fault = fault_of(error)
        if fault is Fault.GONE and member.deployment.wild:
            return Fault.REQUEST  # the model's name came from the caller
        return fault

    def _is_often(self, counts: Counts) -> bool:
        calls = counts.successes + counts.failures
        return calls >= self.policy.least_calls and counts.failures / calls > self.policy.failure_rate

    def _is_enough(self, failure: _Failure) -> bool:
        """Whether this failure is one too many for a deployment that has worked."""
        fault, deployment = failure.fault, failure.member.deployment
        if failure.member.alone and fault is not Fault.CREDENTIAL:
            return fault is Fault.LIMIT and failure.retry_after is not None
        allowed = allowed_fails(failure.error, deployment.allowed_fails_by_error, self.policy.allowed_fails_by_error)
        if allowed is not None:
            return failure.in_a_row > allowed
        if fault is not Fault.DEPLOYMENT or failure.retry_after is not None:
            return True  # the provider says when to come again
        allowed = self.policy.allowed_fails if deployment.allowed_fails is None else deployment.allowed_fails
        return failure.in_a_row > allowed or failure.often

    def _extend(self, key: str, outage: Outage | None, failure: _Failure) -> Outage | None:
        """Return the longer outage after a failure of a call that began before the outage: only a limit whose end the provider
        names is news."""
        if failure.fault is not Fault.LIMIT or failure.retry_after is None:
            return None
        until = self.store.now() + min(failure.retry_after, self.policy.longest_retry_after)
        if outage is not None and outage.until >= until:
            return None
        return self._open_circuit(key, failure, grows=False)

    def _open_circuit(self, key: str, failure: _Failure, *, grows: bool = True) -> Outage:
        error, now = failure.error, self.store.now()
        name, status = type(error).__name__, getattr(error, "status_code", None)
        with self._lock:
            times = max(1, self._outages_in_a_row.get(key, 0) + grows)
            _remember(self._outages_in_a_row, key, times)
            if failure.fault is not Fault.LIMIT:
                _remember(self._suspects, key, None)
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
        deployment = failure.member.deployment.id
        self._tell(CircuitOpened(key, outage.error, outage.reason, outage.until, deployment))
        return outage


def _remember(entries: dict[str, _V], key: str, value: _V) -> None:
    """Set an entry. Callers can name any number of a wildcard's models, so the oldest are forgotten."""
    if key not in entries and len(entries) >= _MAX_ENTRIES:
        del entries[next(iter(entries))]
    entries[key] = value
