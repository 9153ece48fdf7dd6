"""The one bridge for callers without an event loop: what is async runs on one background thread, started on first use."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import queue
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future, wait
from typing import Any, Generic, Self, TypeVar, cast

__all__ = ["Iteration", "iterate", "run"]

T = TypeVar("T")

_AHEAD = 64
"""How many items an iteration is ahead of its reader: a stream's chunk then costs no change of threads."""
_PATIENCE = 2.0
"""Seconds that an interrupt, a close or the end of the process waits for coroutines to tidy up."""


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, with the caller's context variables. Works in any thread but the bridge's own, also where
    an event loop runs. An interrupt (Ctrl-C) cancels the coroutine, and is raised again when it has ended."""
    try:
        loop = _BRIDGE.loop()
    except BaseException:
        coroutine.close()
        raise
    return _Call(loop, coroutine).result()


def iterate(source: AsyncIterator[T]) -> Iteration[T]:
    """The items of an async iterator, for a plain `for`. Leaving it early closes the async iterator."""
    return Iteration(source, _BRIDGE.loop())


class _Call(Generic[T]):
    """A coroutine on the bridge, and the thread that waits for it."""

    def __init__(self, loop: _Loop, coroutine: Coroutine[Any, Any, T]) -> None:
        self._loop = loop
        self._coroutine = coroutine
        self._outcome: Future[T] = Future()
        self._task: asyncio.Task[T] | None = None

    def _start(self) -> None:
        self._task = self._loop.create_task(self._coroutine)
        self._task.add_done_callback(functools.partial(_hand_over, self._loop, self._outcome))

    def result(self) -> T:
        outcome = self._outcome
        try:
            self._loop.call_soon_threadsafe(self._start)
            return outcome.result()
        except BaseException:
            if not outcome.done():
                self._loop.call_soon_threadsafe(self._cancel)
                wait([outcome], timeout=_PATIENCE)
            raise
        finally:
            # An error's traceback holds this frame, and outcome and task the error: they must not hold each other.
            del outcome, self._outcome
            self._task = None

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        else:  # interrupted before it could be started
            self._coroutine.close()
            self._outcome.cancel()


def _hand_over(loop: _Loop, outcome: Future[T], task: asyncio.Task[T]) -> None:
    if loop.is_ending:
        # Who still waits is a daemon thread, and ends with the process: an error would only be printed there.
        task.cancelled() or task.exception()
    elif task.cancelled():
        outcome.set_exception(asyncio.CancelledError())
    elif (error := task.exception()) is not None:
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


class _End:
    """The last thing in an iteration's queue."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Iteration(Iterator[T]):
    """An async iterator as a plain one."""

    def __init__(self, source: AsyncIterator[T], loop: _Loop) -> None:
        self._pump = _Pump(source, loop)
        self._loop = loop
        self._has_begun = False
        self._is_over = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._is_over:
            raise StopIteration
        if not _BRIDGE.owns(self._loop):
            raise RuntimeError("This iteration ended with the process or the event loop that began it")
        try:
            if not self._has_begun:
                self._has_begun = True
                self._loop.call_soon_threadsafe(self._pump.start)
            item = self._pump.get()
        except BaseException:
            self.close()
            raise
        if not isinstance(item, _End):
            return item
        self._is_over = True
        if item.error is not None:
            raise item.error
        raise StopIteration

    def close(self) -> None:
        """End the async iterator, and wait until it has."""
        if self._leave() and not _BRIDGE.is_current():
            self._pump.ended.wait(_PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Not waited for: the collector may run this in any thread, at any moment, and the loop may be closed by then.
        with contextlib.suppress(RuntimeError):
            self._leave()

    def _leave(self) -> bool:
        """Have the bridge end it; False where it is over already, or belongs to another process."""
        if self._is_over or not _BRIDGE.owns(self._loop):
            return False
        self._is_over = True
        if not self._has_begun:
            self._loop.call_soon_threadsafe(self._pump.start)
        # Two steps, so that a task that was only just started has begun, and closes its source when it is cancelled.
        self._loop.call_soon_threadsafe(self._loop.call_soon, self._pump.cancel)
        return True


class _Pump(Generic[T]):
    """Reads an async iterator in one task, so that its timeouts and context variables hold together, into a queue.

    It knows nothing of its `Iteration`: that one, forgotten, is gone at once, and ends the pump."""

    def __init__(self, source: AsyncIterator[T], loop: _Loop) -> None:
        self._source = source
        self._loop = loop
        self._queue: queue.SimpleQueue[T | _End] = queue.SimpleQueue()
        self._room = asyncio.Event()
        self._is_full = False
        self._task: asyncio.Task[None] | None = None
        self.ended = threading.Event()

    def get(self) -> T | _End:
        item = self._queue.get()
        if self._is_full and self._queue.qsize() <= _AHEAD // 2:
            self._is_full = False
            with contextlib.suppress(RuntimeError):  # the loop has ended, and the end is in the queue
                self._loop.call_soon_threadsafe(self._room.set)
        return item

    def start(self) -> None:
        self._task = self._loop.keep(self._loop.create_task(self._read()))

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _read(self) -> None:
        error: BaseException | None = None
        try:
            async for item in self._source:
                self._queue.put(item)
                await self._wait_for_room()
        except BaseException as failure:
            error = failure
        try:
            await _close(self._source)
        except BaseException as failure:
            error = error or failure
        finally:
            if not self._loop.is_ending:
                self._queue.put(_End(error))
            self.ended.set()

    async def _wait_for_room(self) -> None:
        if self._queue.qsize() < _AHEAD:
            return
        self._room.clear()
        self._is_full = True
        # Asked again: the reader may have emptied the queue before it could see that it was full.
        if self._queue.qsize() >= _AHEAD:
            await self._room.wait()
        self._is_full = False


async def _close(source: AsyncIterator[Any]) -> None:
    close = getattr(source, "aclose", None)
    if close is not None:
        await close()


class _Loop(asyncio.SelectorEventLoop):
    """The bridge's event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: set[asyncio.Task[Any]] = set()
        self.is_ending = False
        """The process ends."""

    def keep(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        """Hold a task until it ends; asyncio itself would let the collector take it."""
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)
        return task

    def __del__(self) -> None:
        # A forked child inherits a loop that it must not touch, as it shares the parent's selector; and not warn of either.
        pass


class _Bridge:
    """The background thread and its event loop; at most one a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: _Loop | None = None
        self._thread: threading.Thread | None = None
        self._is_registered = False

    def loop(self) -> _Loop:
        """The bridge's loop, started if need be."""
        if self.is_current():
            raise RuntimeError(
                "A synchronous call inside of Dragoman's own event loop would wait for itself: use the async one"
            )
        with self._lock:
            if self._loop is None or self._thread is None or not self._thread.is_alive():
                self._start()
            return cast("_Loop", self._loop)

    def is_current(self) -> bool:
        return self._thread is not None and self._thread.ident == threading.get_ident()

    def owns(self, loop: _Loop) -> bool:
        return self._loop is loop

    def _start(self) -> None:
        if not self._is_registered:
            self._is_registered = True
            atexit.register(self._stop)
            if hasattr(os, "register_at_fork"):
                os.register_at_fork(after_in_child=self._forget)
        self._loop = loop = _Loop()
        self._thread = threading.Thread(target=_live, args=(loop,), name="dragoman", daemon=True)
        self._thread.start()

    def _forget(self) -> None:
        """In a forked child: the thread is not there, and the lock may never be opened."""
        self._lock = threading.Lock()
        self._loop = self._thread = None

    def _stop(self) -> None:
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or not thread.is_alive():
            return
        loop.is_ending = True
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE)


def _live(loop: _Loop) -> None:
    """The life of the bridge's thread; at its end tasks are cancelled and connections closed."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.get_loop().run_forever()


_BRIDGE = _Bridge()
