"""Overload: calls wait in one line for deployments that are at their limits, each until its own deadline.

Those of better priority come first, and of equal ones whoever came first. A newcomer passes nobody of the same or better priority
who waits for the same deployment. Who cannot be served in time is refused at once, where that is known. The line is this
process's own; what processes share are the limits."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
import threading
from bisect import insort
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from dragoman.observe import Queued, tell
from dragoman.routing.admission.admission import Admitted, Seeker
from dragoman.routing.admission.refusal import nobody_can_be_asked
from dragoman.routing.choice.checks import PassedOver
from dragoman.routing.choice.group import NoChoice

if TYPE_CHECKING:
    from dragoman.errors import APIError
    from dragoman.routing.recovery.attempts import Trial
    from dragoman.routing.request import Asked

__all__ = ["Line", "Place", "place_of", "wait_for_turn"]

_LEAST_TIME = 0.001
_A_SLOT_HERE = 1.0
"""Seconds between two looks for a free slot, or for those ahead: their end is told at once, but that of a lost lease is not, nor
that of a waiter whose loop stands still."""
_A_SLOT_SHARED = 0.1
"""The same where other processes free slots too."""
_A_FAILURE = 8.0
"""Nobody waits longer for the end of an outage that is not over at a known time."""


class _Waiter:
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

    @property
    def rank(self) -> tuple[int, int]:
        return self.priority, self.number

    def lives(self, now: float) -> bool:
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

    async def rest(self, duration: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        """Until it is woken, or so many seconds."""
        nap, call = asyncio.ensure_future(sleep(duration)), asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait((nap, call), return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()
            call.cancel()
            self._woken.clear()


_Take: TypeAlias = Callable[[_Waiter, int, float], int | None]
"""(waiter, how many may wait, monotonic now) -> its position; None: the line is full."""


class _Ahead(NamedTuple):
    """What those who are to be served before somebody wait for."""

    waiters: tuple[_Waiter, ...] = ()
    deployments: frozenset[str] = frozenset()


_NOBODY = _Ahead()


class Line:
    """Of one router. Any thread may use it: each step is short, and under a lock."""

    def __init__(self) -> None:
        # Held again by the same thread where the collector closes a forgotten waiter in the middle of a step.
        self._lock = threading.RLock()
        self._waiters: list[_Waiter] = []
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

    def ahead(self, rank: tuple[float, float], now: float) -> _Ahead:
        """Of a waiter with this rank."""
        if not self._waiters:
            return _NOBODY
        if self._process != os.getpid():  # after a fork: the parent's calls are the parent's
            self._lock, self._waiters, self._process = threading.RLock(), [], os.getpid()
        with self._lock:
            before = tuple(it for it in self._waiters if it.rank < rank and it.lives(now))
        return _Ahead(before, frozenset().union(*(it.needs for it in before)))

    def join(self, waiter: _Waiter, max_size: int, now: float) -> int | None:
        """Its position among those of its alias, from 1 on; None: the line is full."""
        with self._lock:
            position = self.position(waiter, max_size, now)
            if position is not None:
                waiter.number = next(self._numbers)
                insort(self._waiters, waiter, key=lambda it: it.rank)
            return position

    def position(self, waiter: _Waiter, max_size: int, now: float) -> int | None:
        """Which it would have, coming now."""
        with self._lock:
            same = [it for it in self._waiters if it.alias == waiter.alias and it.lives(now)]
        return None if len(same) >= max_size else 1 + sum(it.priority <= waiter.priority for it in same)

    def leave(self, waiter: _Waiter) -> None:
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


async def wait_for_turn(
    asked: Asked, trial: Trial, seeker: Seeker, deadline: float, has_backup: Callable[[], bool]
) -> Admitted:
    """Somebody who can be asked now, or when it is the call's turn. Raises the `APIError` for a call that cannot be served by
    then, or for which a fallback stands ready."""
    found = await place_of(asked, trial, seeker, deadline, has_backup, trial.line.join)
    return found if isinstance(found, Admitted) else await found.turn.served(found.waiter, found.position)


class Place(NamedTuple):
    """Where a call stands that has to wait."""

    turn: _Turn
    waiter: _Waiter
    position: int
    """Among those of its alias, from 1 on."""


async def place_of(
    asked: Asked, trial: Trial, seeker: Seeker, deadline: float, has_backup: Callable[[], bool], take: _Take
) -> Admitted | Place:
    """Somebody who can be asked now, or a place in the line: `take` is its `join`, or its `position` for who only looks. Raises
    as `wait_for_turn`."""
    policy = trial.settings.queue.of(asked.group.alias)
    said = asked.options.metadata.get("priority")
    priority = said if type(said) is int else policy.default_priority
    ahead = trial.line.ahead((priority, math.inf), trial.clock.monotonic())
    found = await seeker.find(asked, ahead.deployments)
    if isinstance(found, Admitted):
        return found
    turn = _Turn(asked, trial, seeker, has_backup)
    limit = policy.timeout if policy.timeout is not None else trial.settings.longest_wait
    until = min(deadline, trial.clock.monotonic() + limit)
    waiter = _Waiter(asked.group.alias, priority, asked.group.able(asked), until)
    turn.pause(waiter, found, ahead)
    position = take(waiter, policy.max_size, trial.clock.monotonic())
    if position is None:
        raise turn.refusal(found, ahead, waiter)
    return Place(turn, waiter, position)


class _Turn:
    """The waiting of one call for one model group."""

    def __init__(self, asked: Asked, trial: Trial, seeker: Seeker, has_backup: Callable[[], bool]) -> None:
        self._asked = asked
        self._trial = trial
        self._seeker = seeker
        self._has_backup = has_backup

    async def served(self, waiter: _Waiter, position: int) -> Admitted:
        trial, clock, line = self._trial, self._trial.clock, self._trial.line
        began, served = clock.monotonic(), False
        try:
            while True:
                # Also at first: what was set free before it stood in the line was not told to it.
                ahead = line.ahead(waiter.rank, clock.monotonic())
                found: Admitted | NoChoice | None = None
                if not waiter.needs <= ahead.deployments:
                    found = await self._seeker.find(self._asked, ahead.deployments)
                if isinstance(found, Admitted):
                    served = True
                    return found
                await waiter.rest(self.pause(waiter, found, ahead), clock.sleep)
        finally:
            line.leave(waiter)
            seconds_waited = clock.monotonic() - began
            of_whom = (trial.call.request_id, waiter.alias)
            tell(trial.listeners, Queued(*of_whom, seconds_waited, position, waiter.priority, served))

    def pause(self, waiter: _Waiter, found: NoChoice | None, ahead: _Ahead) -> float:
        """Seconds until it is worth looking again. Raises where that is not worth waiting for."""
        now, left = self._trial.store.now(), waiter.deadline - self._trial.clock.monotonic()
        if found is not None and not found.is_limited:
            left = min(left, _A_FAILURE)  # whether it then works is not known
        own = None if found is None else -math.inf if found.frees else found.ready
        blocking = [it.ready for it in ahead.waiters if it.ready is not None and not it.needs.isdisjoint(waiter.needs)]
        waiter.ready = min((moment for moment in (own, *blocking) if moment is not None), default=None)
        hopeless = waiter.ready is None or waiter.ready - now >= left
        unavailable = found is not None and found.is_unavailable  # for how long nobody knows
        if left <= 0 or hopeless or unavailable or self._has_backup():
            raise self.refusal(found, ahead, waiter)
        shared = self._trial.store.state.where == "shared"
        if own == -math.inf:
            return min(left, _A_SLOT_SHARED if shared else _A_SLOT_HERE)
        wait = _A_SLOT_HERE if own is None else max(_LEAST_TIME, own - now)
        return min(left, wait, _A_SLOT_HERE) if shared else min(left, wait)

    def refusal(self, found: NoChoice | None, ahead: _Ahead, waiter: _Waiter) -> APIError:
        """With everybody who could not be asked, and when it may be tried again."""
        now = self._trial.store.now()
        found = found or NoChoice((), None, is_limited=True)
        taken = waiter.needs & ahead.deployments
        others = tuple(PassedOver(deployment, "others wait for it") for deployment in sorted(taken))
        moments = [moment for moment in (found.ready, waiter.ready) if moment is not None and moment > -math.inf]
        ready = max(now, min(moments)) if moments else now + _A_SLOT_HERE if taken or found.frees else None
        limited = found.is_limited or (bool(taken) and not found.passed_over)
        nobody = NoChoice((*found.passed_over, *others), ready, limited, None if taken else found.error)
        return nobody_can_be_asked(waiter.alias, nobody, now)
