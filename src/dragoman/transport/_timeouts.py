"""How long an exchange may take, and the watch that ends it when a limit runs out."""

from __future__ import annotations

import asyncio
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dragoman.errors import APIConnectionError, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TimeoutWatch", "Timeouts", "ran_out"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. Each ends the request with `dragoman.errors.Timeout`, whose message names the limit."""

    connect: float = 10.0
    """To a usable connection: name look-up, TCP, TLS, and a place in the pool."""
    first_content: float | None = None
    """To the first content of a stream. None: 120 for streams, and the total for whole answers. Watched by the caller of
    `send`, which knows what content is."""
    idle: float = 120.0
    """Between two reads of a body that has begun."""
    total: float = 600.0
    """From `send` to the end of the body."""


_EARLY = 0.002
"""An event loop may run a timer up to its clock's resolution too early."""


class TimeoutWatch:
    """Cuts the connection of one exchange when its `idle` or `total` limit runs out, and remembers why.

    One timer an exchange, moved only when it fires: a stream's chunk costs a reading of the clock, not a timer."""

    __slots__ = ("_begun", "_cut", "_loop", "_timeouts", "_timer", "_waiting_since", "deadline", "failure", "place")

    def __init__(self, loop: asyncio.AbstractEventLoop, timeouts: Timeouts, place: str) -> None:
        self.place = place
        self.deadline = loop.time() + timeouts.total
        self.failure: Timeout | None = None
        self._loop = loop
        self._timeouts = timeouts
        self._begun = False
        self._waiting_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._cut: Callable[[], None] | None = None

    def connect_limit(self) -> tuple[str, float, float]:
        """Return the limit that ends connecting: its name, its seconds, and what is left of them."""
        left = self.deadline - self._loop.time()
        if left < self._timeouts.connect:
            return "total", self._timeouts.total, left
        return "connect", self._timeouts.connect, self._timeouts.connect

    def start(self, cut: Callable[[], None]) -> None:
        """Begin to watch: `cut` is called when a limit runs out."""
        self._cut = cut
        self._timer = self._loop.call_at(self.deadline, self._look)

    def waiting(self) -> None:
        """Note that the next piece of the body is awaited."""
        if self._begun:
            self._waiting_since = self._loop.time()

    def received(self) -> None:
        """Note that a piece of the body is here. How long its reader takes is not the provider's idleness."""
        self._waiting_since = None
        if not self._begun:
            self._begun = True
            self._move_timer(self._loop.time())

    def finally_cut(self, cut: Callable[[], None]) -> None:
        """Cut from the garbage collector, which may run in any thread."""
        if self._loop.is_closed():
            return
        if self._loop.is_running() and _running_loop() is not self._loop:
            self._loop.call_soon_threadsafe(self._stop_and, cut)
        else:
            self._stop_and(cut)

    def _stop_and(self, cut: Callable[[], None]) -> None:
        self.stop()
        cut()

    def explain(self, error: BaseException) -> APIConnectionError | None:
        """Return our error for what ended the exchange, or None if `error` comes neither from a limit nor from the network."""
        from dragoman.transport._failures import forget_frames, map_error

        if self.failure is not None and isinstance(error, Exception):
            forget_frames(error)
            return copy(self.failure)  # the traceback of what is raised names frames that hold this watch
        return map_error(error, self.place)

    def stop(self) -> None:
        self._cut = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _move_timer(self, idle_from: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._loop.call_at(min(self.deadline, idle_from + self._timeouts.idle), self._look)

    def _look(self) -> None:
        now = self._loop.time() + _EARLY
        if now >= self.deadline:
            self._expire("total", self._timeouts.total)
        elif self._waiting_since is None:
            self._move_timer(now)
        elif now >= self._waiting_since + self._timeouts.idle:
            self._expire("idle", self._timeouts.idle)
        else:
            self._move_timer(self._waiting_since)

    def _expire(self, limit: str, seconds: float) -> None:
        cut = self._cut
        self.stop()
        self.failure = ran_out(limit, seconds, self.place)
        if cut is not None:
            cut()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def ran_out(limit: str, seconds: float, place: str) -> Timeout:
    return Timeout(f"{place} took longer than the {limit} timeout of {seconds:.3g} s")
