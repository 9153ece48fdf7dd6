"""Where the contract is tried: several processes' stores that know of each other, under one clock that a test moves."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from dragoman.state import MemoryStore, RedisStore, ResilientStore, StateStore

__all__ = ["Clock", "Place", "in_memory", "in_redis", "resilient"]


@dataclass
class Clock:
    seconds: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        # Whole milliseconds, as stores count them: 1.7e9 + 0.1 is not what it seems.
        self.seconds = round((self.seconds + seconds) * 1000) / 1000


@dataclass
class Place:
    """Where processes meet."""

    clock: Clock
    make: Callable[[], StateStore]
    members: list[StateStore] = field(default_factory=list)

    async def join(self) -> StateStore:
        """One more process."""
        store = self.make()
        await store.open()
        self.members.append(store)
        return store

    async def meet(self) -> None:
        """Everybody tells, then everybody hears."""
        for _ in range(2):
            for store in self.members:
                await store.refresh()


@contextlib.asynccontextmanager
async def _opened(clock: Clock, make: Callable[[], StateStore]) -> AsyncIterator[Place]:
    place = Place(clock, make)
    try:
        yield place
    finally:
        for store in place.members:
            await store.close()


def in_memory() -> contextlib.AbstractAsyncContextManager[Place]:
    """In one process all have the same store."""
    clock = Clock()
    store = MemoryStore(clock)
    return _opened(clock, lambda: store)


def _redis(url: str, clock: Clock, prefix: str, cluster: bool) -> RedisStore:
    # Refreshed only when a test asks for it; and a machine that is busy is not an outage.
    return RedisStore(url, prefix=prefix, now=clock, refresh=600.0, timeout=10.0, cluster=cluster)


def in_redis(url: str, *, cluster: bool = False) -> contextlib.AbstractAsyncContextManager[Place]:
    clock, prefix = Clock(), uuid.uuid4().hex
    return _opened(clock, lambda: _redis(url, clock, prefix, cluster))


def resilient(url: str) -> contextlib.AbstractAsyncContextManager[Place]:
    clock, prefix = Clock(), uuid.uuid4().hex
    return _opened(clock, lambda: ResilientStore(_redis(url, clock, prefix, False), timeout=10.0))
