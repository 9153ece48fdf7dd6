"""A shared store that may freeze or disappear: calls go on with what this process knows, and share again when it is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, TypeAlias, TypeVar

from dragoman.state._delegating import DelegatingStore
from dragoman.state.protocol import (
    LEASE_SECONDS,
    Claim,
    Counter,
    LimitRefusal,
    SharedStore,
    StoreState,
    StoreUnavailable,
)

__all__ = ["Policy", "ResilientStore"]

T = TypeVar("T")
Policy: TypeAlias = Literal["fail_open", "fail_closed"]
"""What happens to limits while processes cannot agree: each counts alone (so that each may admit a whole limit), or all refuse."""

_log = logging.getLogger("dragoman.state")
_REFUSED_FOR = 1.0
"""Seconds after which to retry. A store that is back is noticed within that time."""


class ResilientStore(DelegatingStore):
    """No verb raises because of the shared store, and none waits longer than the timeout."""

    _inner: SharedStore

    def __init__(self, shared: SharedStore, *, timeout: float = 0.25, policy: Policy = "fail_open") -> None:
        self._inner = shared
        self._local = shared.local
        self._timeout = timeout
        self._policy = policy
        self._state = shared.state
        self._has_opened = False
        shared.listen(self._on_contact)

    @property
    def state(self) -> StoreState:
        return self._state

    def _on_contact(self, error: str | None) -> None:
        if error is not None:
            self._switch("local", error)
        else:
            self._switch("shared", self._state.error if self._has_opened else None)
        self._has_opened = True

    def _switch(self, where: Literal["shared", "local"], error: str | None) -> None:
        if self._state.where == where and self._has_opened:
            return
        first, now = not self._has_opened, self._inner.now()
        if where == "local":
            _log.warning("the shared store does not answer, this process goes on alone (%s): %s", self._policy, error)
        elif not first:
            _log.warning("the shared store answers again after %.1f s", now - self._state.since)
        self._state = StoreState(where, now, error)

    async def _agree(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Return the shared store's reply. Raise `StoreUnavailable` within the timeout."""
        if self._state.where == "local":
            raise StoreUnavailable(self._state.error)
        try:
            async with asyncio.timeout(self._timeout):
                return await ask()
        except StoreUnavailable as error:
            self._switch("local", str(error))
            raise
        except TimeoutError as late:
            self._switch("local", f"no answer within {self._timeout} s")
            raise StoreUnavailable from late

    async def refresh(self) -> None:
        try:
            await self._agree(self._inner.refresh)
        except StoreUnavailable:
            return

    async def acquire(self, lease: str, claims: Sequence[Claim], ttl: float = LEASE_SECONDS) -> LimitRefusal | None:
        if not claims:
            return None
        try:
            return await self._agree(lambda: self._inner.acquire(lease, claims, ttl))
        except StoreUnavailable:
            if self._policy == "fail_closed":
                return _unavailable(claims)
            return await self._local.acquire(lease, claims, ttl)

    async def refusal(self, claims: Sequence[Claim]) -> LimitRefusal | None:
        if not claims:
            return None
        try:
            return await self._agree(lambda: self._inner.refusal(claims))
        except StoreUnavailable:
            if self._policy == "fail_closed":
                return _unavailable(claims)
            return await self._local.refusal(claims)

    async def used(self, counters: Sequence[Counter]) -> tuple[int, ...]:
        try:
            return await self._agree(lambda: self._inner.used(counters))
        except StoreUnavailable:
            return await self._local.used(counters)

    async def claim_probe(self, key: str, ttl: float) -> bool:
        try:
            return await self._agree(lambda: self._inner.claim_probe(key, ttl))
        except StoreUnavailable:
            return await self._local.claim_probe(key, ttl)


def _unavailable(claims: Sequence[Claim]) -> LimitRefusal:
    return LimitRefusal(claims[0], 0, _REFUSED_FOR, is_unavailable=True)
