"""One `Transport` for each running event loop, made on first use. A transport closes with its loop by itself."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

from dragoman.transport import Transport

__all__ = ["Transports"]


class Transports:
    """Safe to use from many threads and loops, and after a fork."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._by_loop: dict[asyncio.AbstractEventLoop, Transport] = {}
        self._inherited: list[Any] = []

    def here(self) -> Transport:
        """The transport of the running loop."""
        if self._process != os.getpid():
            self._forked()
        loop = asyncio.get_running_loop()
        found = self._by_loop.get(loop)
        return found if found is not None else self._open(loop)

    async def aclose(self) -> None:
        """Close the transport of the running loop; the others close with their loops."""
        transport = self._by_loop.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()

    def _open(self, loop: asyncio.AbstractEventLoop) -> Transport:
        transport = self._make()
        with self._lock:
            # A transport knows its loop, so that weak keys would never go: closed loops are taken out here.
            for other in [other for other in self._by_loop if other.is_closed()]:
                del self._by_loop[other]
            self._by_loop[loop] = transport
        return transport

    def _forked(self) -> None:
        """The parent's connections are the parent's: they are kept unused, for closing them here would disturb it."""
        with self._lock:
            if self._process != os.getpid():
                self._inherited.append(self._by_loop)
                self._by_loop = {}
                self._process = os.getpid()
