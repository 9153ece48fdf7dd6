"""A store that leaves every verb to another one: what stores in front of others begin with, and override where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from dragoman.state.protocol import (
    LEASE_SECONDS,
    Claim,
    Counter,
    Counts,
    LimitRefusal,
    Outage,
    Outcome,
    StateStore,
    StoreState,
    View,
)

__all__ = ["DelegatingStore"]


class DelegatingStore:
    """Each verb means what `StateStore` says of it."""

    if TYPE_CHECKING:  # a subclass has it as an attribute, which costs no call, or as a property

        @property
        def _inner(self) -> StateStore: ...

    @property
    def state(self) -> StoreState:
        return self._inner.state

    def now(self) -> float:
        return self._inner.now()

    def view(self) -> View:
        return self._inner.view()

    async def open(self) -> None:
        await self._inner.open()

    async def refresh(self) -> None:
        await self._inner.refresh()

    async def close(self) -> None:
        await self._inner.close()

    async def acquire(self, lease: str, claims: Sequence[Claim], ttl: float = LEASE_SECONDS) -> LimitRefusal | None:
        return await self._inner.acquire(lease, claims, ttl)

    async def refusal(self, claims: Sequence[Claim]) -> LimitRefusal | None:
        return await self._inner.refusal(claims)

    def settle(self, lease: str, amounts: Mapping[str, int] | None = None) -> None:
        self._inner.settle(lease, amounts)

    def renew(self, lease: str, ttl: float = LEASE_SECONDS) -> None:
        self._inner.renew(lease, ttl)

    async def used(self, counters: Sequence[Counter]) -> tuple[int, ...]:
        return await self._inner.used(counters)

    def watch(self, counters: Iterable[Counter], *, by: str = "") -> None:
        self._inner.watch(counters, by=by)

    def open_circuit(self, key: str, outage: Outage) -> None:
        self._inner.open_circuit(key, outage)

    def close_circuit(self, key: str) -> None:
        self._inner.close_circuit(key)

    async def claim_probe(self, key: str, ttl: float) -> bool:
        return await self._inner.claim_probe(key, ttl)

    def count(self, key: str, outcome: Outcome, window: float) -> Counts:
        return self._inner.count(key, outcome, window)

    def counted(self, key: str, window: float) -> Counts:
        return self._inner.counted(key, window)

    def began(self, key: str) -> None:
        self._inner.began(key)

    def ended(self, key: str) -> None:
        self._inner.ended(key)

    def observe(
        self, key: str, milliseconds: float, first_content_ms: float | None = None, tokens: int | None = None
    ) -> None:
        self._inner.observe(key, milliseconds, first_content_ms, tokens)
