"""The background task that makes the trips: at once for who waits, soon for what is to be told, and once an interval anyhow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from dragoman.state._commands import Command
from dragoman.state._redis_connection import RedisConnection
from dragoman.state._replica import SharedReplica
from dragoman.state.protocol import StoreState, StoreUnavailable

__all__ = ["PendingCommand", "SyncTask"]

_GATHER = 0.005
"""Seconds for which what is to be told waits for more, unless a trip is made anyhow."""
_AT_ONCE = 200
"""Commands in one trip, so that neither Redis nor the event loop is held up."""
_AT_A_TIME = 25
"""Commands in one trip that can wait, while others may not."""


_MOST_PIECES = 50
"""Of one refresh: where keys change faster than they can be read, others are to be heard of too."""

_Waiting: TypeAlias = "asyncio.Future[str | None]"
"""Ends with an error, or without."""


def _nothing() -> None:
    """Nobody minds that an ask is lost."""


@dataclass(slots=True, eq=False)
class PendingCommand:
    """A command whose reply somebody awaits."""

    command: Command
    answer: asyncio.Future[Any]
    arrived: Callable[[Any], Any]
    """Reads the reply, and gives what the caller gets."""
    unwanted: Callable[[Any], None]
    """Called with the reply instead where the caller has gone."""
    lost: Callable[[], None]
    """Called where nobody knows whether the command was run."""

    def finish(self, reply: Any) -> None:
        if self.answer.done():
            self.unwanted(reply)
        else:
            self.answer.set_result(self.arrived(reply))

    def fail(self, error: str) -> None:
        if self.answer.done() and not self.answer.cancelled():
            return
        self.lost()
        if not self.answer.done():
            # Not as an exception: a caller who goes in this very moment would leave it unread.
            self.answer.set_result(StoreUnavailable(error))


class SyncTask:
    """Makes one trip at a time. After a failed one it is away: it refuses at once, and tries once an interval to return."""

    def __init__(self, trips: RedisConnection, cargo: SharedReplica, interval: float) -> None:
        self._trips = trips
        self._cargo = cargo
        self._interval = interval
        self._asks: list[PendingCommand] = []
        self._under_way: list[PendingCommand] = []
        self._waiting: list[_Waiting] = []
        """For the next refresh."""
        self._wake = asyncio.Event()
        self._next_refresh = 0.0
        self._bell: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._state = StoreState("local", cargo.now(), "not opened yet")
        self.heard: Callable[[str | None], None] = lambda error: None

    @property
    def state(self) -> StoreState:
        return self._state

    @property
    def _is_away(self) -> bool:
        return self._state.where == "local"

    async def open(self, patience: float) -> None:
        """Waits so many seconds at most for the first refresh."""
        if self._task is None:
            opened: _Waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(opened)
            self._task = asyncio.create_task(self._work(), name="dragoman.state")
            await asyncio.wait((opened,), timeout=patience)

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is None:
            return
        self._is_closing = True
        self._wake.set()
        if not task.done():
            await asyncio.wait([task])

    async def submit(
        self,
        command: Command,
        arrived: Callable[[Any], Any],
        *,
        unwanted: Callable[[Any], None] = lambda reply: None,
        lost: Callable[[], None] = _nothing,
    ) -> Any:
        if self._is_away or self._is_closing:
            raise StoreUnavailable(self._state.error or "closed")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asks.append(PendingCommand(command, answer, arrived, unwanted, lost))
        self._wake.set()
        result = await answer
        if isinstance(result, StoreUnavailable):
            raise result
        return result

    async def refresh(self) -> None:
        """A refresh that begins from now on."""
        if self._is_away or self._is_closing:
            raise StoreUnavailable(self._state.error or "closed")
        waiting: _Waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._next_refresh = 0.0
        self._wake.set()
        if error := await waiting:
            raise StoreUnavailable(error)

    def _end_waiting(self, count: int, error: str | None) -> None:
        """Tell the first so many how their refresh went."""
        ended, self._waiting = self._waiting[:count], self._waiting[count:]
        for waiting in ended:
            if not waiting.done():
                waiting.set_result(error)

    def tell(self) -> None:
        """There is something in the outbox."""
        if self._bell is None and self._task is not None and not (self._is_away or self._is_closing):
            self._bell = self._task.get_loop().call_later(_GATHER, self._ring)

    def _ring(self) -> None:
        self._bell = None
        self._wake.set()

    async def _work(self) -> None:
        try:
            while not self._is_closing:
                try:
                    async with asyncio.timeout_at(self._next_refresh):
                        await self._wake.wait()
                except TimeoutError:
                    pass
                self._wake.clear()
                if not self._is_closing:
                    await self._turn()
            await self._farewell()
        finally:
            # Also where the loop ends without a close.
            self._is_closing = True
            self._end_asks("closed")
            if self._bell is not None:
                self._bell.cancel()
            await self._trips.hang_up()

    async def _farewell(self) -> None:
        if self._is_away:
            return
        try:
            await self._exchange(self._cargo.deferred())
            await self._exchange([self._cargo.refresh(is_last=True)])
        except Exception as error:
            self._fail(error)

    async def _turn(self) -> None:
        time = asyncio.get_running_loop().time()
        is_due = time >= self._next_refresh
        if is_due:
            self._next_refresh = time + self._interval
        elif self._is_away:
            return
        waiting = len(self._waiting)
        try:
            if self._is_away:
                (memory,) = await self._trips.make([self._cargo.probe()])
                self._cargo.hand_over(memory)
            if is_due:
                await self._refresh(waiting)
            else:
                await self._exchange([])
        except Exception as error:
            self._fail(error)
            await self._trips.hang_up()

    async def _refresh(self, waiting: int) -> None:
        """Tell in small trips, so that who asks meanwhile does not wait for all of it; then hear."""
        patient = iter(self._cargo.deferred())
        while part := list(islice(patient, _AT_A_TIME)):
            await self._exchange(part)
        (reply,) = await self._exchange([self._cargo.refresh()])
        for _ in range(_MOST_PIECES):
            if not self._cargo.load(reply):
                break
            (reply,) = await self._exchange([self._cargo.refresh(is_more=True)])
        if self._is_away:
            self._state = StoreState("shared", self._cargo.now(), self._state.error)
        self.heard(None)
        self._end_waiting(waiting, None)

    async def _exchange(self, commands: Sequence[Command]) -> Sequence[Any]:
        """Make these commands, with all that cannot wait; the replies to them."""
        told = self._cargo.outgoing()
        self._under_way, self._asks = self._asks, []
        asked = [ask.command for ask in self._under_way]
        everything = iter([*told, *asked, *commands])
        replies: list[Any] = []
        while part := list(islice(everything, _AT_ONCE)):
            replies += await self._trips.make(part)
        self._cargo.on_sent()
        asks, self._under_way = self._under_way, []
        first = len(told)
        for ask, reply in zip(asks, replies[first : first + len(asks)], strict=True):
            ask.finish(reply)
        return replies[first + len(asks) :]

    def _fail(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        self._cargo.on_failed()
        since = self._state.since if self._is_away else self._cargo.now()
        self._state = StoreState("local", since, text)
        self._end_asks(text)
        self.heard(text)

    def _end_asks(self, error: str) -> None:
        asks = self._under_way + self._asks
        self._under_way, self._asks = [], []
        for ask in asks:
            ask.fail(error)
        self._end_waiting(len(self._waiting), error)
