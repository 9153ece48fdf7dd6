"""The background task that exchanges commands with Redis: at once for callers that wait, soon for what is to be told, and once an
interval in any case."""

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

_GATHER_SECONDS = 0.005
"""Seconds for which what is to be told waits for more, unless commands are sent before."""
_BATCH_SIZE = 200
"""Commands in one round trip, so that neither Redis nor the event loop is held up."""
_DEFERRED_BATCH_SIZE = 25
"""Deferred commands in one round trip, as callers wait meanwhile."""

_MAX_CONTINUATIONS = 50
"""Further round trips of one refresh: keys may change faster than they can be read."""

_Waiting: TypeAlias = "asyncio.Future[str | None]"
"""Its result is an error, or None."""


def _nothing() -> None:
    """Do nothing: that the command was lost needs no undoing."""


@dataclass(slots=True, eq=False)
class PendingCommand:
    """A command whose reply a caller awaits."""

    command: Command
    result: asyncio.Future[Any]
    read: Callable[[Any], Any]
    """Turns the reply into the caller's result."""
    on_abandoned: Callable[[Any], None]
    """Called with the reply instead if the caller has gone."""
    on_lost: Callable[[], None]
    """Called if it is unknown whether the command was run."""

    def finish(self, reply: Any) -> None:
        if self.result.done():
            self.on_abandoned(reply)
        else:
            self.result.set_result(self.read(reply))

    def fail(self, error: str) -> None:
        if self.result.done() and not self.result.cancelled():
            return
        self.on_lost()
        if not self.result.done():
            # Not as an exception: a caller that goes at this moment would never retrieve it.
            self.result.set_result(StoreUnavailable(error))


class SyncTask:
    """Makes one round trip at a time. After a failure it refuses commands at once, and tries to reconnect once an interval."""

    def __init__(self, connection: RedisConnection, replica: SharedReplica, interval: float) -> None:
        self._connection = connection
        self._replica = replica
        self._interval = interval
        self._pending: list[PendingCommand] = []
        self._sent: list[PendingCommand] = []
        self._waiting: list[_Waiting] = []
        """For the next refresh."""
        self._wake = asyncio.Event()
        self._next_refresh = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False
        self._state = StoreState("local", replica.now(), "not opened yet")
        self.on_contact: Callable[[str | None], None] = lambda error: None

    @property
    def state(self) -> StoreState:
        return self._state

    @property
    def _is_disconnected(self) -> bool:
        return self._state.where == "local"

    async def open(self, timeout: float) -> None:
        """Start the task, and wait for the first refresh, `timeout` seconds at most."""
        if self._task is None:
            opened: _Waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(opened)
            self._task = asyncio.create_task(self._work(), name="dragoman.state")
            await asyncio.wait((opened,), timeout=timeout)

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
        read: Callable[[Any], Any],
        *,
        on_abandoned: Callable[[Any], None] = lambda reply: None,
        on_lost: Callable[[], None] = _nothing,
    ) -> Any:
        """Return what `read` makes of the reply. Raise `StoreUnavailable`."""
        if self._is_disconnected or self._is_closing:
            raise StoreUnavailable(self._state.error or "closed")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending.append(PendingCommand(command, future, read, on_abandoned, on_lost))
        self._wake.set()
        result = await future
        if isinstance(result, StoreUnavailable):
            raise result
        return result

    async def refresh(self) -> None:
        """Wait for a refresh that begins after this call. Raise `StoreUnavailable`."""
        if self._is_disconnected or self._is_closing:
            raise StoreUnavailable(self._state.error or "closed")
        waiting: _Waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._next_refresh = 0.0
        self._wake.set()
        if error := await waiting:
            raise StoreUnavailable(error)

    def _end_waiting(self, count: int, error: str | None) -> None:
        """Report to the first `count` waiting callers how their refresh went."""
        ended, self._waiting = self._waiting[:count], self._waiting[count:]
        for waiting in ended:
            if not waiting.done():
                waiting.set_result(error)

    def tell(self) -> None:
        """Send what is in the outbox soon."""
        if self._timer is None and self._task is not None and not (self._is_disconnected or self._is_closing):
            self._timer = self._task.get_loop().call_later(_GATHER_SECONDS, self._wake_up)

    def _wake_up(self) -> None:
        self._timer = None
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
                    await self._run_once()
            await self._send_last()
        finally:
            # Also if the loop ends without a close.
            self._is_closing = True
            self._fail_pending("closed")
            if self._timer is not None:
                self._timer.cancel()
            await self._connection.close()

    async def _send_last(self) -> None:
        if self._is_disconnected:
            return
        try:
            await self._exchange(self._replica.deferred())
            await self._exchange([self._replica.refresh(is_last=True)])
        except Exception as error:
            self._fail(error)

    async def _run_once(self) -> None:
        time = asyncio.get_running_loop().time()
        is_due = time >= self._next_refresh
        if is_due:
            self._next_refresh = time + self._interval
        elif self._is_disconnected:
            return
        waiting = len(self._waiting)
        try:
            if self._is_disconnected:
                (memory,) = await self._connection.pipeline([self._replica.probe()])
                self._replica.hand_over(memory)
            if is_due:
                await self._refresh(waiting)
            else:
                await self._exchange([])
        except Exception as error:
            self._fail(error)
            await self._connection.close()

    async def _refresh(self, waiting: int) -> None:
        """Send what was deferred in small batches, between which callers are served, and then load what the others know."""
        deferred = iter(self._replica.deferred())
        while part := list(islice(deferred, _DEFERRED_BATCH_SIZE)):
            await self._exchange(part)
        (reply,) = await self._exchange([self._replica.refresh()])
        for _ in range(_MAX_CONTINUATIONS):
            if not self._replica.load(reply):
                break
            (reply,) = await self._exchange([self._replica.refresh(is_more=True)])
        if self._is_disconnected:
            self._state = StoreState("shared", self._replica.now(), self._state.error)
        self.on_contact(None)
        self._end_waiting(waiting, None)

    async def _exchange(self, commands: Sequence[Command]) -> Sequence[Any]:
        """Send `commands` together with all that cannot wait, and return the replies to `commands`."""
        outgoing = self._replica.outgoing()
        self._sent, self._pending = self._pending, []
        everything = iter([*outgoing, *(pending.command for pending in self._sent), *commands])
        replies: list[Any] = []
        while part := list(islice(everything, _BATCH_SIZE)):
            replies += await self._connection.pipeline(part)
        self._replica.on_sent()
        sent, self._sent = self._sent, []
        first, last = len(outgoing), len(outgoing) + len(sent)
        for pending, reply in zip(sent, replies[first:last], strict=True):
            pending.finish(reply)
        return replies[last:]

    def _fail(self, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}".rstrip(": ")
        self._replica.on_failed()
        since = self._state.since if self._is_disconnected else self._replica.now()
        self._state = StoreState("local", since, text)
        self._fail_pending(text)
        self.on_contact(text)

    def _fail_pending(self, error: str) -> None:
        unanswered = self._sent + self._pending
        self._sent, self._pending = [], []
        for pending in unanswered:
            pending.fail(error)
        self._end_waiting(len(self._waiting), error)
