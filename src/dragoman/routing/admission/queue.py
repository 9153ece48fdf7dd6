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
    """One call in the line. It sleeps on its own event loop, and may be woken from any thread."""

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
        """Else its loop has ended without it, or stands still."""
        return now < self.deadline and not self._loop.is_closed()

    def wake(self) -> bool:
        """False: its loop has ended."""
        try:
            self._loop.call_soon_threadsafe(self._woken.set)
        except RuntimeError:
            self.deadline = -math.inf
            return False
        return True

    async def sleep(self, duration: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Until it is woken, or so many seconds."""
        nap, call = asyncio.ensure_future(sleep(duration)), asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((nap, call), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            call.cancel()
            self._woken.clear()


Enqueue: TypeAlias = Callable[[Waiter, int, float], int | None]
"""(waiter, how many may wait, monotonic now) -> its position; None: the line is full."""


class WaitersAhead(NamedTuple):
    """What those who are to be served before somebody wait for."""

    waiters: tuple[Waiter, ...] = ()
    deployments: frozenset[str] = frozenset()


_NOBODY = WaitersAhead()


class WaitQueue:
    """Of one router. Any thread may use it: each step is short, and under a lock."""

    def __init__(self) -> None:
        # Held again by the same thread where the collector closes a forgotten waiter in the middle of a step.
        self._lock = threading.RLock()
        self._waiters: list[Waiter] = []
        self._numbers = itertools.count(1)
        self._process = os.getpid()

    def __len__(self) -> int:
        return len(self._waiters)

    def waiting(self) -> dict[str, int]:
        """How many wait, by alias."""
        found: dict[str, int] = {}
        for waiter in tuple(self._waiters):
            found[waiter.alias] = found.get(waiter.alias, 0) + 1
        return found

    def waiters_ahead(self, rank: tuple[float, float], now: float) -> WaitersAhead:
        """Of a waiter with this rank."""
        if not self._waiters:
            return _NOBODY
        if self._process != os.getpid():  # after a fork: the parent's calls are the parent's
            self._lock, self._waiters, self._process = threading.RLock(), [], os.getpid()
        with self._lock:
            before = tuple(it for it in self._waiters if it.rank < rank and it.is_active(now))
        return WaitersAhead(before, frozenset().union(*(it.needs for it in before)))

    def join(self, waiter: Waiter, max_size: int, now: float) -> int | None:
        """Its position among those of its alias, from 1 on; None: the line is full."""
        with self._lock:
            position = self.position(waiter, max_size, now)
            if position is not None:
                waiter.number = next(self._numbers)
                insort(self._waiters, waiter, key=lambda it: it.rank)
            return position

    def position(self, waiter: Waiter, max_size: int, now: float) -> int | None:
        """Which it would have, coming now."""
        with self._lock:
            same = [it for it in self._waiters if it.alias == waiter.alias and it.is_active(now)]
        return None if len(same) >= max_size else 1 + sum(it.priority <= waiter.priority for it in same)

    def leave(self, waiter: Waiter) -> None:
        """It was served, refused or cancelled: the next may try."""
        with self._lock:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        self._wake(waiter.needs)

    def released(self, deployment: str) -> None:
        """A call of this deployment has ended."""
        if self._waiters:
            self._wake((deployment,))

    def _wake(self, deployments: Iterable[str]) -> None:
        """For each of them whoever stands first for it: those who wait for one need not wait for another."""
        with self._lock:
            waiters = tuple(self._waiters)
        left = set(deployments)
        for waiter in waiters:
            if not left.isdisjoint(waiter.needs) and waiter.wake():
                left -= waiter.needs
            if not left:
                return
