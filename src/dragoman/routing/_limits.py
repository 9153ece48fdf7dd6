"""The limits of a deployment: requests and tokens in a minute, and calls at the same time."""

from __future__ import annotations

import asyncio

from dragoman.errors import APIStatusError
from dragoman.routing._asked import Asked
from dragoman.routing._health import Member
from dragoman.stores import LEASE_SECONDS, Claim, Counter, Store
from dragoman.types.usage import Usage

__all__ = ["Renewal", "claims_of", "spent"]

_MINUTE = 60.0


def claims_of(member: Member, asked: Asked) -> tuple[Claim, ...]:
    """What one call takes of them before it is made; the tokens by estimate, made right when it is over."""
    deployment = member.deployment
    claims: list[Claim] = []
    if deployment.rpm is not None:
        claims.append(Claim(Counter(f"{deployment.id}:rpm", _MINUTE), deployment.rpm))
    if deployment.tpm is not None:
        # One that alone is over the limit may go when nothing else does.
        amount = min(asked.estimated_tokens, deployment.tpm)
        claims.append(Claim(Counter(f"{deployment.id}:tpm", _MINUTE), deployment.tpm, amount))
    if deployment.max_parallel_requests is not None:
        claims.append(Claim(Counter(f"{deployment.id}:parallel"), deployment.max_parallel_requests))
    return tuple(claims)


def spent(member: Member, usage: Usage | None, error: BaseException | None = None) -> dict[str, int]:
    """What a call really took, for the settlement of its lease. Of one that was broken off nobody knows, and the estimate stays;
    one that the provider refused took no tokens."""
    name = f"{member.deployment.id}:tpm"
    if usage is not None:
        total = usage.get("total_tokens")
        return {
            name: (usage.get("prompt_tokens") or 0) + (usage.get("completion_tokens") or 0) if total is None else total
        }
    return {name: 0} if isinstance(error, APIStatusError) else {}


class Renewal:
    """Holds the slots of a lease for as long as its call, or its stream, lasts; those of a killed process are free soon."""

    __slots__ = ("_every", "_lease", "_store", "_timer")

    def __init__(self, store: Store, lease: str, every: float = LEASE_SECONDS / 3) -> None:
        self._store = store
        self._lease = lease
        self._every = every
        self._timer: asyncio.TimerHandle | None = None
        self._rest()

    def _rest(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every, self._renew)

    def _renew(self) -> None:
        self._store.renew(self._lease)
        self._rest()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
