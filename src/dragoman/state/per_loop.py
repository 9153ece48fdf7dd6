"""The store of a router whose state is shared through Redis: one connection for each event loop, as in `Transports`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dragoman.state import MemoryStore, RedisStore, ResilientStore
from dragoman.state._delegating import DelegatingStore

if TYPE_CHECKING:
    from dragoman.state import Counter, StateStore
    from dragoman.state.redis_place import RedisPlace

__all__ = ["PerLoopStore", "store_at"]


def store_at(place: RedisPlace, now: Callable[[], float]) -> StateStore:
    """Return the store at `place`, or one in the memory of this process."""
    address = place.address
    if address is None:
        return MemoryStore(now)
    policy, prefix = place.policy, place.prefix
    return PerLoopStore(lambda: ResilientStore(RedisStore(address, prefix=prefix), policy=policy))


class PerLoopStore(DelegatingStore):
    """A store for any number of event loops, which share their state as processes do.

    It opens on first use: `open` is awaited before each call, and connects in the first one of a loop. Without Redis each loop goes
    on alone."""

    def __init__(self, make: Callable[[], StateStore]) -> None:
        self._make = make
        self._process = os.getpid()
        self._by_loop: dict[asyncio.AbstractEventLoop, StateStore] = {}
        self._opening: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}
        self._inherited: list[object] = []
        self._watched: dict[str, tuple[Counter, ...]] = {}
        self._nowhere: StateStore = MemoryStore()
        """For calls from outside of any event loop."""

    @property
    def _inner(self) -> StateStore:
        """The store of the running loop."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return next(iter(list(self._by_loop.values())), self._nowhere)
        store = self._by_loop.get(loop)
        return store if store is not None else self._new(loop)

    def _new(self, loop: asyncio.AbstractEventLoop) -> StateStore:
        if self._process != os.getpid():  # after a fork: the parent's connections are the parent's, and kept unused
            self._inherited += [self._by_loop, self._opening]
            self._by_loop, self._opening, self._process = {}, {}, os.getpid()
        for other in [*self._by_loop, *self._opening]:
            if other.is_closed():
                self._by_loop.pop(other, None)
                self._opening.pop(other, None)
        store = self._by_loop[loop] = self._make()
        for by, counters in self._watched.items():
            store.watch(counters, by=by)
        return store

    async def open(self) -> None:
        """Connect the running loop. No call waits longer for it than one timeout, and one that is cancelled does not cancel it
        for the others."""
        store, loop = self._inner, asyncio.get_running_loop()
        opening = self._opening.get(loop)
        if opening is None:
            opening = self._opening[loop] = loop.create_task(store.open(), name="dragoman.state.open")
        if not opening.done():
            await asyncio.shield(opening)

    async def close(self) -> None:
        """Close the store of the running loop. The others close with their loops."""
        loop = asyncio.get_running_loop()
        opening, store = self._opening.pop(loop, None), self._by_loop.pop(loop, None)
        if opening is not None:
            await asyncio.wait([opening])
        if store is not None:
            await store.close()

    def watch(self, counters: Iterable[Counter], *, by: str = "") -> None:
        self._watched[by] = tuple(counters)
        for store in list(self._by_loop.values()):
            store.watch(self._watched[by], by=by)
