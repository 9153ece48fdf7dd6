"""The queue of the calls that wait for deployments at their limits, ordered by priority and then by arrival.

The queue is this process's own; what processes share are the limits."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import threading
from bisect import insort
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, TypeAlias

__all__ = ["Enqueue", "WaitQueue", "Waiter", "WaitersAhead"]


class Waiter:
    """One call in the queue. It sleeps on its own event loop, and may be woken from any thread."""

    def __init__(self, alias: str, priority: int, needs: frozenset[str], deadline: float) -> None:
        self.alias = alias
        self.priority = priority
        self.needs = needs
        """The ids of the deployments that can take it."""
        self.deadline = deadline
        self.number = 0
        self.ready: float | None = None
        """When it may be served, in the store's time, as far as it knows; negative infinity: at any moment."""
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    def expect(self, ready: float | None) -> None:
        """Note when it may be served."""
        self.ready = ready

    @property
    def rank(self) -> tuple[int, int]:
        return self.priority, self.number

    def is_active(self, now: float) -> bool:
        """Whether it still waits: otherwise its event loop has ended without it, or is stuck."""
        return now < self.deadline and not self._loop.is_closed()

    def wake(self) -> bool:
        """Wake it up. Return False if its event loop has ended."""
        try:
            self._loop.call_soon_threadsafe(self._woken.set)
        except RuntimeError:
            self.deadline = -math.inf
            return False
        return True

    async def sleep(self, duration: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Sleep until it is woken, for `duration` seconds at most."""
        nap, call = asyncio.ensure_future(sleep(duration)), asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((nap, call), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            call.cancel()
            self._woken.clear()


Enqueue: TypeAlias = Callable[[Waiter, int, float], int | None]
"""(waiter, how many may wait, monotonic now) -> its position; None: the queue is full."""


class WaitersAhead(NamedTuple):
    """The waiters that are served before a call, and what they wait for."""

    waiters: tuple[Waiter, ...] = ()
    deployments: frozenset[str] = frozenset()


_NONE_AHEAD = WaitersAhead()


class WaitQueue:
    """The queue of one router. Any thread may use it: each step is short, and under a lock."""

    def __init__(self) -> None:
        # Reentrant: the garbage collector may close a forgotten waiter in the middle of a step.
        self._lock = threading.RLock()
        self._waiters: list[Waiter] = []
        self._numbers = itertools.count(1)
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self._waiters)

    def waiting(self) -> dict[str, int]:
        """Return how many wait, by alias."""
        counts: dict[str, int] = {}
        for waiter in tuple(self._waiters):
            counts[waiter.alias] = counts.get(waiter.alias, 0) + 1
        return counts

    def waiters_ahead(self, rank: tuple[float, float], now: float) -> WaitersAhead:
        """Return the waiters ahead of this rank."""
        if not self._waiters:
            return _NONE_AHEAD
        if self._process != os.getpid():  # after a fork: the parent's calls are the parent's
            self._lock, self._waiters, self._process = threading.RLock(), [], os.getpid()
        with self._lock:
            ahead = tuple(waiter for waiter in self._waiters if waiter.rank < rank and waiter.is_active(now))
        return WaitersAhead(ahead, frozenset().union(*(waiter.needs for waiter in ahead)))

    def join(self, waiter: Waiter, max_size: int, now: float) -> int | None:
        """Add a waiter, and return its position among those of its alias, from 1 on; None: the queue is full."""
        with self._lock:
            position = self.position(waiter, max_size, now)
            if position is not None:
                waiter.number = next(self._numbers)
                insort(self._waiters, waiter, key=lambda item: item.rank)
            return position

    def position(self, waiter: Waiter, max_size: int, now: float) -> int | None:
        """Return the position that it would get now."""
        with self._lock:
            same = [item for item in self._waiters if item.alias == waiter.alias and item.is_active(now)]
        return None if len(same) >= max_size else 1 + sum(item.priority <= waiter.priority for item in same)

    def leave(self, waiter: Waiter) -> None:
        """Remove a waiter that was served, refused or cancelled: the next may try."""
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        self._wake(waiter.needs)

    def released(self, deployment: str) -> None:
        """Note that a call of this deployment has ended."""
        if self._waiters:
            self._wake((deployment,))

    def _wake(self, deployments: Iterable[str]) -> None:
        """Wake the first waiter for each of these deployments. One that is woken for a deployment takes all others that it
        needs."""
        with self._lock:
            waiters = tuple(self._waiters)
        remaining = set(deployments)
        for waiter in waiters:
            if not remaining.isdisjoint(waiter.needs) and waiter.wake():
                remaining -= waiter.needs
            if not remaining:
                return
