"""Finding the deployment that takes a call: chosen, allowed to be probed where it is half-open, and within its limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from dragoman.routing.admission.limits import claims_of, no_usage
from dragoman.routing.health.health import DeploymentHealth
from dragoman.routing.request import GroupRequest, affects_health
from dragoman.routing.selection import Choice, NoDeployment, Skipped
from dragoman.state import LimitRefusal, StateStore, View

__all__ = ["Admission", "Admitted"]

_PROBE_TAKES = 1.0
"""Seconds after which a probe may have found something out."""


class Admitted(NamedTuple):
    """A deployment that is asked now."""

    choice: Choice
    lease: str
    """Of its limits; empty where it has none."""
    probing: tuple[str, ...] = ()
    """What this call finds out, alone among all: whether it works again."""


class Admission:
    """Of one call."""

    def __init__(self, store: StateStore, health: DeploymentHealth, request_id: str) -> None:
        self._store = store
        self._health = health
        self._request_id = request_id
        self._leases = 0

    async def admit(self, asked: GroupRequest, tried: Collection[str] = ()) -> Admitted | NoDeployment:
        """One that can be asked now and is not among `tried`, by id."""
        refused: dict[str, Skipped] = {}
        ready: list[float] = []
        limited = unavailable = False
        frees = False
        while True:
            view = self._store.view()
            self._health.saw(view.outages)
            choice = self.choose(asked, view, {*tried, *refused} if refused else tried)
            if isinstance(choice, NoDeployment):
                nobody = _with_refused(choice, refused, ready, limited)
                return nobody._replace(frees=frees, is_unavailable=unavailable)
            member = choice.member
            probing = self._health.half_open(member) if affects_health(asked) else ()
            if probing and not await self.may_probe(probing):
                reason, frees = "out: another call is finding out whether it works again", True
                ready.append(self._store.now() + _PROBE_TAKES)
            else:
                found = await self.lease(choice, asked, probing)
                if isinstance(found, Admitted):
                    if not refused:
                        return found
                    return found._replace(choice=choice._replace(skipped=(*choice.skipped, *refused.values())))
                reason, limited = _why(found), limited or not found.is_unavailable
                unavailable = unavailable or found.is_unavailable
                if found.retry_after is not None:
                    frees = frees or (found.claim.counter.seconds is None and not found.is_unavailable)
                    ready.append(self._store.now() + found.retry_after)
            refused[member.deployment.id] = Skipped(member.deployment.id, reason)

    def choose(self, asked: GroupRequest, view: View, tried: Collection[str]) -> Choice | NoDeployment:
        """Whom the group picks."""
        return asked.group.choose(asked, view, tried)

    async def may_probe(self, keys: tuple[str, ...]) -> bool:
        return await self._health.may_probe(keys)

    def release(self, admitted: Admitted) -> None:
        """It is not asked after all, and took nothing."""
        self._health.give_back(admitted.probing)
        if admitted.lease:
            self._store.settle(admitted.lease, no_usage(admitted.choice.member))

    async def lease(self, choice: Choice, asked: GroupRequest, probing: tuple[str, ...]) -> Admitted | LimitRefusal:
        claims = claims_of(choice.member, asked)
        if not claims:
            return Admitted(choice, "", probing)
        self._leases += 1
        lease = f"{self._request_id}:{self._leases}"
        refusal: LimitRefusal | None = None
        admitted = False
        try:
            refusal = await self._store.acquire(lease, claims)
            admitted = refusal is None
        finally:
            if not admitted:
                self._health.give_back(probing)
        return refusal or Admitted(choice, lease, probing)


def _why(refusal: LimitRefusal) -> str:
    if refusal.is_unavailable:
        return "its limits are not known while the shared state does not answer"
    return f"{refusal.claim.counter.key} is at its limit: {refusal.used} of {refusal.claim.limit}"


def _with_refused(
    nobody: NoDeployment, refused: Mapping[str, Skipped], ready: list[float], limited: bool
) -> NoDeployment:
    """`ready`: when the limits that refused have room again."""
    if not refused:
        return nobody
    soonest = min((moment for moment in (nobody.ready, *ready) if moment is not None), default=None)
    limited = limited and (nobody.is_limited or nobody.ready is None)
    return NoDeployment((*nobody.skipped, *refused.values()), soonest, limited)
