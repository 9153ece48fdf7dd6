"""A ticket that cannot be lost: it settles exactly once, however the call ends and however often its task is cancelled.

A plain `async with` loses its settlement when the caller hangs up: the cancellation is raised at the first `await` of
`__aexit__`. So both verbs of a reservation run in tasks of their own, which a cancellation of the call does not reach."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Protocol

from dragoman.routing import Call
from dragoman.types.call_record import CallRecord

__all__ = ["Background", "Reservation", "Ticket"]

_log = logging.getLogger("dragoman.governance")
_CLOSING_SECONDS = 30.0
"""What the tasks may take once the gateway closes. A container is killed soon after that."""


class Reservation(Protocol):
    """What one call may use. Neither verb is ever cancelled by the end of the call; both have time limits of their own."""

    async def take(self) -> None:
        """Take it, all or nothing. Raise `CallerError` where it is too much."""

    async def settle(self, record: CallRecord | None) -> None:
        """Replace what was taken by what was used. Called exactly once after `take` has returned, never after it has raised.
        `record` None: the call was never sent."""


class Background:
    """Tasks that outlive the call that started them, until the gateway closes."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def aclose(self) -> None:
        """Wait for all of them, and for those that they start, within a limit."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _CLOSING_SECONDS
        while self._tasks and (seconds := deadline - loop.time()) > 0:
            await asyncio.wait(self._tasks, timeout=seconds)
        if self._tasks:
            _log.error("%d settlements did not end within %g s and are lost", len(self._tasks), _CLOSING_SECONDS)


class Ticket:
    """Holds a reservation while a call is made."""

    __slots__ = ("_background", "_call", "_reservation")

    def __init__(self, call: Call, reservation: Reservation, background: Background) -> None:
        self._call = call
        self._reservation = reservation
        self._background = background

    async def __aenter__(self) -> Ticket:
        taking = self._background.start(self._reservation.take())
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            self._background.start(self._return(taking))
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(self._background.start(self._settle()))

    async def _return(self, taking: asyncio.Task[None]) -> None:
        """Settle what is taken after the caller has left."""
        await asyncio.wait((taking,))
        if not taking.cancelled() and taking.exception() is None:
            await self._settle()

    async def _settle(self) -> None:
        try:
            await self._reservation.settle(self._call.record)
        except Exception:
            # The answer is on its way already: a failure here is the operator's to know, not the caller's.
            _log.exception("the call %s could not be settled", self._call.request_id)
