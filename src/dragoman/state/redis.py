"""The store of many processes: a memory store that is kept in step with the others' through Redis or Valkey.

What must be agreed on is one script in one round trip; all else happens in this process at once and is told in the background.
It belongs to the event loop on which it was opened: its verbs are called there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence

from dragoman.state._commands import Commands, field_of
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
    View,
)

__all__ = ["RedisStore"]

_ALIVE = 5.0
"""Refreshes after which a process that is silent has nothing in flight."""


class RedisStore:
    """Give it to a `ResilientStore`: alone it raises `StoreUnavailable` while Redis does not answer."""

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
        """`url` is redis://, rediss:// or unix://. Those who share a prefix share state. Without `now` the clock is Redis's."""
        self._cargo = SharedReplica(Commands(prefix), refresh * _ALIVE, now)
        self._timeout = timeout
        self._worker = SyncTask(RedisConnection(url, timeout=timeout, cluster=cluster), self._cargo, refresh)
        self._local = self._cargo.local
        self._commands = self._cargo.commands

    @property
    def local(self) -> MemoryStore:
        return self._local

    @property
    def state(self) -> StoreState:
        return self._worker.state

    def now(self) -> float:
        return self._cargo.now()

    def view(self) -> View:
        return self._local.view()

    def listen(self, heard: Callable[[str | None], None]) -> None:
        self._worker.heard = heard

    async def open(self) -> None:
        await self._worker.open(self._timeout)

    async def close(self) -> None:
        await self._worker.close()

    async def refresh(self) -> None:
        await self._worker.refresh()

    async def acquire(self, lease: str, claims: Sequence[Claim], ttl: float = LEASE_SECONDS) -> LimitRefusal | None:
        self._local.limits.check(lease, claims)
        if not claims:
            return None
        cargo = self._cargo
        try:
            refusal: LimitRefusal | None = await self._worker.submit(
                self._commands.acquire(cargo.clock, lease, claims, ttl),
                lambda reply: cargo.acquired(lease, claims, ttl, reply),
                unwanted=lambda reply: cargo.give_up(lease, claims, ttl, reply),
                lost=lambda: cargo.give_up(lease, claims, ttl, None),
            )
        except asyncio.CancelledError:
            # Where the reply came in the same moment; where it is still to come, it is unwanted.
            self.settle(lease, {claim.counter.key: 0 for claim in claims})
            raise
        return refusal

    async def refusal(self, claims: Sequence[Claim]) -> LimitRefusal | None:
        if not claims:
            return None
        command = self._commands.acquire(self._cargo.clock, "", claims, 0.0)
        refusal: LimitRefusal | None = await self._worker.submit(command, lambda reply: refusal_in(reply, claims))
        return refusal

    def settle(self, lease: str, amounts: Mapping[str, int] | None = None) -> None:
        self._cargo.settle(lease, amounts or {})
        self._worker.tell()

    def renew(self, lease: str, ttl: float = LEASE_SECONDS) -> None:
        self._cargo.renew(lease, ttl)
        self._worker.tell()

    async def used(self, counters: Sequence[Counter]) -> tuple[int, ...]:
        if not counters:
            return ()
        used: tuple[int, ...] = await self._worker.submit(self._commands.used(self._cargo.clock, counters), tuple)
        return used

    def watch(self, counters: Iterable[Counter], *, by: str = "") -> None:
        self._local.watch(counters, by=by)

    def open_circuit(self, key: str, outage: Outage) -> None:
        self._local.open_circuit(key, outage)
        self._cargo.outbox.outages[key] = self._local.health.outages[key]
        self._worker.tell()

    def close_circuit(self, key: str) -> None:
        self._local.close_circuit(key)
        self._cargo.outbox.outages[key] = None
        self._worker.tell()

    async def claim_probe(self, key: str, ttl: float) -> bool:
        command = self._commands.claim_probe(self._cargo.clock, key, ttl)
        return bool(await self._worker.submit(command, lambda reply: reply))

    def count(self, key: str, outcome: Outcome, window: float) -> Counts:
        self._cargo.outbox.count((key, window), Counts(outcome == "success", outcome == "failure"))
        return self._local.count(key, outcome, window)

    def counted(self, key: str, window: float) -> Counts:
        return self._local.counted(key, window)

    def began(self, key: str) -> None:
        self._local.began(key)

    def ended(self, key: str) -> None:
        self._local.ended(key)

    def observe(
        self, key: str, milliseconds: float, first_content_ms: float | None = None, tokens: int | None = None
    ) -> None:
        self._local.observe(key, milliseconds, first_content_ms, tokens)
        taken = {
            "latency": milliseconds,
            "first_content": first_content_ms,
            "per_token": milliseconds / tokens if tokens else None,
        }
        self._cargo.outbox.observe(key, (field_of(name, value) for name, value in taken.items() if value is not None))
