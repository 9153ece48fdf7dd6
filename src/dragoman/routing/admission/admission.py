"""Admit a call to a deployment: one is chosen, may be probed if it is half-open, and has room within its limits."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NamedTuple

from dragoman.routing.admission.limits import claims_of, no_usage
from dragoman.routing.health.health import DeploymentHealth
from dragoman.routing.request import GroupRequest, affects_health
from dragoman.routing.selection import Choice, NoDeployment, Skipped
from dragoman.state import LimitRefusal, StateStore, View

__all__ = ["Admission", "Admitted"]

_PROBE_TAKES = 1.0
"""Seconds after which a probe may have ended."""


class Admitted(NamedTuple):
    """A deployment that takes the call now."""

    choice: Choice
    lease: str
    """On its limits; empty if it has none."""
    probing: tuple[str, ...] = ()
    """The half-open keys that this call probes, alone among all."""


@dataclass(slots=True)
class _Refusals:
    """The deployments that were chosen and could not be admitted."""

    skipped: list[Skipped] = field(default_factory=list)
    ready: list[float] = field(default_factory=list)
    """When their limits have room again, in the store's time."""
    is_limited: bool = False
    is_unavailable: bool = False
    frees: bool = False

    def add(self, deployment: str, refusal: LimitRefusal | None, now: float) -> None:
        """Add a deployment that is at its limits; or without a refusal, one that another call is probing."""
        if refusal is None:
            self.frees = True
            self.ready.append(now + _PROBE_TAKES)
            self.skipped.append(Skipped(deployment, "out: another call is finding out whether it works again"))
            return
        if refusal.is_unavailable:
            self.is_unavailable = True
        else:
            self.is_limited = True
        if refusal.retry_after is not None:
            self.frees = self.frees or (refusal.claim.counter.seconds is None and not refusal.is_unavailable)
            self.ready.append(now + refusal.retry_after)
        self.skipped.append(Skipped(deployment, _reason(refusal)))

    def merge(self, others: NoDeployment) -> NoDeployment:
        """Return why there is no deployment, where `others` could not even be chosen."""
        return NoDeployment(
            (*others.skipped, *self.skipped),
            ready=min((moment for moment in (others.ready, *self.ready) if moment is not None), default=None),
            is_limited=self.is_limited and (others.is_limited or others.ready is None),
            frees=self.frees,
            is_unavailable=self.is_unavailable,
        )


class Admission:
    """Admits the requests of one call."""

    def __init__(self, store: StateStore, health: DeploymentHealth, request_id: str) -> None:
        self._store = store
        self._health = health
        self._request_id = request_id
        self._leases = 0

    async def admit(self, request: GroupRequest, excluded: Collection[str] = ()) -> Admitted | NoDeployment:
        """Return a deployment that can take the request now, and is not among the ids in `excluded`."""
        refusals: _Refusals | None = None
        while True:
            view = self._store.view()
            self._health.learn_outages(view.outages)
            choice = self.choose(request, view, excluded)
            if isinstance(choice, NoDeployment):
                return choice if refusals is None else refusals.merge(choice)
            member = choice.member
            probing = self._health.half_open(member) if affects_health(request) else ()
            is_free = not probing or await self.may_probe(probing)
            result = await self.lease(choice, request, probing) if is_free else None
            if isinstance(result, Admitted):
                return result if refusals is None else _after(result, refusals)
            refusals = refusals or _Refusals()
            refusals.add(member.deployment.id, result, self._store.now())
            excluded = {*excluded, member.deployment.id}

    def choose(self, request: GroupRequest, view: View, excluded: Collection[str]) -> Choice | NoDeployment:
        """Return the choice of the model group."""
        return request.group.choose(request, view, excluded)

    async def may_probe(self, keys: tuple[str, ...]) -> bool:
        return await self._health.may_probe(keys)

    def release(self, admitted: Admitted) -> None:
        """Give back what was admitted: the deployment is not called, and nothing of its limits was used."""
        self._health.release_probes(admitted.probing)
        if admitted.lease:
            self._store.settle(admitted.lease, no_usage(admitted.choice.member))

    async def lease(self, choice: Choice, request: GroupRequest, probing: tuple[str, ...]) -> Admitted | LimitRefusal:
        """Acquire the limits of the chosen deployment."""
        claims = claims_of(choice.member, request)
        if not claims:
            return Admitted(choice, "", probing)
        self._leases += 1
        lease = f"{self._request_id}:{self._leases}"
        refusal: LimitRefusal | None = None
        is_admitted = False
        try:
            refusal = await self._store.acquire(lease, claims)
            is_admitted = refusal is None
        finally:
            if not is_admitted:
                self._health.release_probes(probing)
        return refusal or Admitted(choice, lease, probing)


def _after(admitted: Admitted, refusals: _Refusals) -> Admitted:
    """Return what was admitted in place of the refused deployments."""
    choice = admitted.choice
    return admitted._replace(choice=choice._replace(skipped=(*choice.skipped, *refusals.skipped)))


def _reason(refusal: LimitRefusal) -> str:
    if refusal.is_unavailable:
        return "its limits are not known while the shared state does not answer"
    return f"{refusal.claim.counter.key} is at its limit: {refusal.used} of {refusal.claim.limit}"
