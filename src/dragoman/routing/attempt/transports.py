"""One `Transport` for each running event loop, made on first use. A transport closes with its loop by itself."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

from dragoman.transport import Transport

__all__ = ["Transports"]


class Transports:
    """Safe to use from many threads and loops, and after a fork."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._process = os.getpid()
        self._by_loop: dict[asyncio.AbstractEventLoop, Transport] = {}
        self._inherited: list[Any] = []

    def here(self) -> Transport:
        """The transport of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._by_loop.get(loop)
        return found if found is not None else self._open(loop)

    async def aclose(self) -> None:
        """Close the transport of the running loop; the others close with their loops."""
        transport = self._by_loop.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()

    def _open(self, loop: asyncio.AbstractEventLoop) -> Transport:
        self._leave_the_parents()
        # A transport knows its loop, so that weak keys would never go: closed loops are taken out here. No lock: each step
        # on the dict is whole in itself, nobody else touches this loop's entry, and a lock might be held during a fork.
        for other in list(self._by_loop):
            if other.is_closed():
                self._by_loop.pop(other, None)
        transport = self._by_loop[loop] = self._make()
        return transport

    def _leave_the_parents(self) -> None:
        """After a fork the parent's connections are the parent's: they are kept unused, for closing them here would disturb
        it. A forked child has loops of its own, so that it comes by here before it sends anything."""
        if self._process != os.getpid():
            self._inherited.append(self._by_loop)
            self._by_loop = {}
            self._process = os.getpid()
