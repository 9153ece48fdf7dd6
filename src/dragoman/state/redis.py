"""The store of many processes: a memory store that is synchronised with the others' through Redis or Valkey.

What must be agreed on is one script in one round trip. Everything else happens in this process at once, and the others are told
in the background. A store belongs to the event loop on which it was opened: its verbs are called there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from dragoman.state._commands import Commands, field_of
from dragoman.state._delegating import DelegatingStore
from dragoman.state._redis_connection import RedisConnection
from dragoman.state._replica import SharedReplica, refusal_in
from dragoman.state._sync_task import SyncTask
from dragoman.state.memory import MemoryStore
from dragoman.state.protocol import (
    LEASE_SECONDS,
    Claim,
    Counter,
    Counts,
    LimitRefusal,
    Outage,
    Outcome,
    StoreState,
)

__all__ = ["RedisStore"]

_ALIVE = 5.0
"""Refresh intervals after which a silent process is taken to have nothing in flight."""


class RedisStore(DelegatingStore):
    """Wrap it in a `ResilientStore`: by itself it raises `StoreUnavailable` while Redis does not answer."""

    _inner: MemoryStore

    def __init__(
        self,
        url: str,
        *,
        prefix: str = "dragoman",
        timeout: float = 0.25,
        refresh: float = 1.0,
        cluster: bool = False,
        now: Callable[[], float] | None = None,
    ) -> None:
        """`url` is redis://, rediss:// or unix://. Stores with the same prefix share their state. Without `now` the clock is
        Redis's."""
        self._replica = SharedReplica(Commands(prefix), refresh * _ALIVE, now)
        self._timeout = timeout
        self._sync_task = SyncTask(RedisConnection(url, timeout=timeout, cluster=cluster), self._replica, refresh)
        self._inner = self._replica.local
        self._commands = self._replica.commands

    @property
    def local(self) -> MemoryStore:
        return self._inner

    @property
    def state(self) -> StoreState:
        return self._sync_task.state

    def now(self) -> float:
        return self._replica.now()

    def listen(self, on_contact: Callable[[str | None], None]) -> None:
        self._sync_task.on_contact = on_contact

    async def open(self) -> None:
        await self._sync_task.open(self._timeout)

    async def close(self) -> None:
        await self._sync_task.close()

    async def refresh(self) -> None:
        await self._sync_task.refresh()

    async def acquire(self, lease: str, claims: Sequence[Claim], ttl: float = LEASE_SECONDS) -> LimitRefusal | None:
        self._inner.limits.check(lease, claims)
        if not claims:
            return None
        replica = self._replica
        try:
            refusal: LimitRefusal | None = await self._sync_task.submit(
                self._commands.acquire(replica.clock, lease, claims, ttl),
                lambda reply: replica.acquired(lease, claims, ttl, reply),
                on_abandoned=lambda reply: replica.give_up(lease, claims, ttl, reply),
                on_lost=lambda: replica.give_up(lease, claims, ttl, None),
            )
        except asyncio.CancelledError:
            # The reply may have come at this moment. One that is still to come is abandoned.
            self.settle(lease, {claim.counter.key: 0 for claim in claims})
            raise
        return refusal

    async def refusal(self, claims: Sequence[Claim]) -> LimitRefusal | None:
        if not claims:
            return None
        command = self._commands.acquire(self._replica.clock, "", claims, 0.0)
        refusal: LimitRefusal | None = await self._sync_task.submit(command, lambda reply: refusal_in(reply, claims))
        return refusal

    def settle(self, lease: str, amounts: Mapping[str, int] | None = None) -> None:
        self._replica.settle(lease, amounts or {})
        self._sync_task.tell()

    def renew(self, lease: str, ttl: float = LEASE_SECONDS) -> None:
        self._replica.renew(lease, ttl)
        self._sync_task.tell()

    async def used(self, counters: Sequence[Counter]) -> tuple[int, ...]:
        if not counters:
            return ()
        used: tuple[int, ...] = await self._sync_task.submit(self._commands.used(self._replica.clock, counters), tuple)
        return used

    def open_circuit(self, key: str, outage: Outage) -> None:
        self._inner.open_circuit(key, outage)
        self._replica.outbox.outages[key] = self._inner.health.outages[key]
        self._sync_task.tell()

    def close_circuit(self, key: str) -> None:
        self._inner.close_circuit(key)
        self._replica.outbox.outages[key] = None
        self._sync_task.tell()

    async def claim_probe(self, key: str, ttl: float) -> bool:
        command = self._commands.claim_probe(self._replica.clock, key, ttl)
        return bool(await self._sync_task.submit(command, lambda reply: reply))

    def count(self, key: str, outcome: Outcome, window: float) -> Counts:
        self._replica.outbox.count((key, window), Counts(outcome == "success", outcome == "failure"))
        return self._inner.count(key, outcome, window)

    def observe(
        self, key: str, milliseconds: float, first_content_ms: float | None = None, tokens: int | None = None
    ) -> None:
        self._inner.observe(key, milliseconds, first_content_ms, tokens)
        taken = {
            "latency": milliseconds,
            "first_content": first_content_ms,
            "per_token": milliseconds / tokens if tokens else None,
        }
        self._replica.outbox.observe(key, (field_of(name, value) for name, value in taken.items() if value is not None))
