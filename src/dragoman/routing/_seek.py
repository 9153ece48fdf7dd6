"""Finding the deployment that takes a call: chosen, allowed to be probed where it is half-open, and within its limits."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from dragoman.routing._asked import Asked
from dragoman.routing._checks import PassedOver
from dragoman.routing._group import Choice, NoChoice
from dragoman.routing._health import Health
from dragoman.routing._limits import claims_of
from dragoman.stores import Refusal, Store

__all__ = ["Admitted", "Seeker"]


class Admitted(NamedTuple):
    """A deployment that is asked now."""

    choice: Choice
    lease: str
    """Of its limits; empty where it has none."""


class Seeker:
    """Of one call."""

    def __init__(self, store: Store, health: Health, request_id: str) -> None:
        self._store = store
        self._health = health
        self._request_id = request_id
        self._leases = 0

    async def find(self, asked: Asked, tried: Collection[str] = ()) -> Admitted | NoChoice:
        """One that can be asked now and is not among `tried`, by id."""
        refused: dict[str, PassedOver] = {}
        ready: list[float] = []
        while True:
            view = self._store.view()
            self._health.saw(view.outages)
            choice = asked.group.choose(asked, view, {*tried, *refused} if refused else tried)
            if isinstance(choice, NoChoice):
                return _with_refused(choice, refused, ready)
            member = choice.member
            reason = await self._probe(choice)
            if reason is None:
                found = await self._lease(choice, asked)
                if isinstance(found, Admitted):
                    return found._replace(choice=choice._replace(passed_over=(*choice.passed_over, *refused.values())))
                reason = f"{found.claim.counter.key} is at its limit: {found.used} of {found.claim.limit}"
                if found.retry_after is not None:
                    ready.append(self._store.now() + found.retry_after)
            refused[member.deployment.id] = PassedOver(member.deployment.id, reason)

    async def _probe(self, choice: Choice) -> str | None:
        """Why not: another call is finding out whether it works again."""
        keys = self._health.half_open(choice.member)
        if not keys or await self._health.may_probe(keys):
            return None
        return "out: another call is finding out whether it works again"

    async def _lease(self, choice: Choice, asked: Asked) -> Admitted | Refusal:
        claims = claims_of(choice.member, asked)
        if not claims:
            return Admitted(choice, "")
        self._leases += 1
        lease = f"{self._request_id}:{self._leases}"
        return await self._store.acquire(lease, claims) or Admitted(choice, lease)


def _with_refused(nobody: NoChoice, refused: Mapping[str, PassedOver], ready: list[float]) -> NoChoice:
    """`ready`: when the limits that refused have room again."""
    if not refused:
        return nobody
    soonest = min((moment for moment in (nobody.ready, *ready) if moment is not None), default=None)
    limited = bool(ready) and (nobody.is_limited or nobody.ready is None)
    return NoChoice((*nobody.passed_over, *refused.values()), soonest, limited)
