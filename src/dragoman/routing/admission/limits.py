"""The limits of a deployment: requests and tokens in a minute, and calls at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType

from dragoman.errors import APIStatusError
from dragoman.routing.deployments.member import Member
from dragoman.routing.request import GroupRequest
from dragoman.settings.readers import as_number
from dragoman.state import LEASE_SECONDS, Claim, StateStore
from dragoman.types.usage import TokenUsage

__all__ = ["Renewal", "actual_usage", "claims_of", "no_usage"]

_OUTPUT = 1000
"""Tokens that are held for an answer without a known limit of its length."""


def _input(member: Member, request: GroupRequest) -> int:
    return request.estimated_input


def _output(member: Member, request: GroupRequest) -> int:
    operation = request.call.operation
    if not operation.generates:
        return 0
    if request.output_tokens:
        return request.output_tokens
    own = member.deployment.params
    return next((int(limit) for name in operation.output_limits if (limit := as_number(own.get(name)))), _OUTPUT)


_ESTIMATES: Mapping[str, Callable[[Member, GroupRequest], int]] = MappingProxyType(
    {"tpm": lambda member, request: request.estimated_tokens, "itpm": _input, "otpm": _output}
)
"""What a call will take of a limit of tokens, as far as that is known before it is made."""


def _total(usage: TokenUsage) -> int:
    total = usage.get("total_tokens")
    return (usage.get("prompt_tokens") or 0) + (usage.get("completion_tokens") or 0) if total is None else total


_USED: Mapping[str, Callable[[TokenUsage], int]] = MappingProxyType(
    {
        "tpm": _total,
        "itpm": lambda usage: usage.get("prompt_tokens") or 0,
        "otpm": lambda usage: usage.get("completion_tokens") or 0,
    }
)
"""What a call has taken of a limit of tokens."""


def claims_of(member: Member, request: GroupRequest) -> tuple[Claim, ...]:
    """Return what one call claims of the limits before it is made. Tokens are estimated, and corrected when it is over."""
    limits = member.deployment.limits
    if not limits:
        return ()
    claims: list[Claim] = []
    for field, counter, limit in limits:
        estimate = _ESTIMATES.get(field)
        # A call that alone exceeds the limit may go when no other does.
        amount = 1 if estimate is None else min(estimate(member, request), limit)
        claims.append(Claim(counter, limit, amount))
    return tuple(claims)


def actual_usage(member: Member, usage: TokenUsage | None, error: BaseException | None = None) -> dict[str, int]:
    """Return what a call really took, for the settlement of its lease.

    What a broken stream took is not known, and its estimate stays. A call that the provider refused took no tokens."""
    limits = [limit for limit in member.deployment.limits if limit.field in _USED]
    if usage is not None:
        return {limit.counter.key: _USED[limit.field](usage) for limit in limits}
    return {limit.counter.key: 0 for limit in limits} if isinstance(error, APIStatusError) else {}


def no_usage(member: Member) -> dict[str, int]:
    """Return the settlement of a call that was not made after all."""
    return {limit.counter.key: 0 for limit in member.deployment.limits if limit.counter.seconds is not None}


class Renewal:
    """Holds the slots of a lease for as long as its call, or its stream, lasts. Those of a killed process are free soon."""

    __slots__ = ("_every", "_lease", "_store", "_timer")

    def __init__(self, store: StateStore, lease: str, every: float = LEASE_SECONDS / 3) -> None:
        self._store = store
        self._lease = lease
        self._every = every
        self._timer: asyncio.TimerHandle | None = None
        self._schedule()

    def _schedule(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._every, self._renew)

    def _renew(self) -> None:
        self._store.renew(self._lease)
        self._schedule()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
