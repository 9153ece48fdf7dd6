"""One `Transport` for each running event loop, opened on first use. A transport closes with its loop by itself."""

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
        """Return the transport of the running loop."""
        loop = asyncio.get_running_loop()
        transport = self._by_loop.get(loop)
        return transport if transport is not None else self._open(loop)

    async def aclose(self) -> None:
        """Close the transport of the running loop; the others close with their loops."""
        transport = self._by_loop.pop(asyncio.get_running_loop(), None)
        if transport is not None:
            await transport.aclose()

    def _open(self, loop: asyncio.AbstractEventLoop) -> Transport:
        self._abandon_after_fork()
        # A transport holds its loop, so weak keys would never be freed: closed loops are removed here. No lock: each step on
        # the dict is atomic, only this loop's thread touches its entry, and a lock might be held during a fork.
        for other in list(self._by_loop):
            if other.is_closed():
                self._by_loop.pop(other, None)
        transport = self._by_loop[loop] = self._make()
        return transport

    def _abandon_after_fork(self) -> None:
        """Keep the parent's connections unused after a fork, as closing them here would disturb the parent.

        A forked child has event loops of its own, and so comes here before it sends anything."""
        if self._process != os.getpid():
            self._inherited.append(self._by_loop)
            self._by_loop = {}
            self._process = os.getpid()
