"""Noticing that a caller has closed its connection, so that its call ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import TypeAlias

from dragoman.gateway.http.exchange import Receive, Scope

__all__ = ["ON_DISCONNECT", "ClientDisconnected", "DisconnectWatch", "OnDisconnect"]

OnDisconnect: TypeAlias = Callable[[Callable[[], None] | None], None]
"""Takes the callback for the moment in which the caller closes its connection; None: no longer needed."""
ON_DISCONNECT = "dragoman.on_disconnect"
"""The ASGI extension that holds an `OnDisconnect`. With a server that has none, a task waits for its message."""


class ClientDisconnected(Exception):
    """The caller has closed its connection: no answer can reach it."""


class DisconnectWatch:
    """While it is entered, a caller that disconnects cancels the task that serves it; leaving it then raises
    `ClientDisconnected`."""

    __slots__ = ("_is_over", "_on_disconnect", "_receive", "_task", "_watch", "disconnected")

    def __init__(self, receive: Receive, scope: Scope | None = None) -> None:
        self._receive = receive
        self._on_disconnect: OnDisconnect | None = ((scope or {}).get("extensions") or {}).get(ON_DISCONNECT)
        self._watch: asyncio.Task[None] | None = None
        self._is_over = False
        self.disconnected = False

    async def __aenter__(self) -> DisconnectWatch:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = task
        if self._on_disconnect is not None:
            self._on_disconnect(self._cancel)
        else:
            self._watch = loop.create_task(self._wait())
        return self

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._cancel()

    def _cancel(self) -> None:
        # Servers also say "disconnect" when the answer is complete.
        if not self._is_over:
            self.disconnected = True
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over = True
        if self._on_disconnect is not None:
            self._on_disconnect(None)
        if self._watch is not None:
            self._watch.cancel()
        task = self._task
        # The watch ends with an error, whose traceback holds this object: they must not hold each other, and the request's body
        # with them, until the collector runs.
        del self._watch, self._task
        if self.disconnected:
            task.uncancel()
            raise ClientDisconnected from None
