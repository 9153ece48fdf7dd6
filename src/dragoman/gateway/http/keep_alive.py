"""An answer in pieces, with bytes that keep the connection alive while there is nothing else to send.

Load balancers cut connections that are silent for a minute or so, and a model may think for longer than that before its first
word. So a comment is sent whenever nothing was sent for the interval, also before the provider has answered at all; then the
status has to be 200, and a failure that comes later is the dialect's error event.
"""

from __future__ import annotations

import asyncio

from dragoman.gateway.http.exchange import Exchange, Headers

__all__ = ["KeepAliveStream"]

_HEADERS: Headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
"""Without it nginx collects the pieces."""


class KeepAliveStream:
    """Sends one stream. Close it in the end, whatever happens."""

    __slots__ = (
        "_beat",
        "_content_type",
        "_exchange",
        "_interval",
        "_is_sending",
        "_keep_alive_bytes",
        "_last",
        "_loop",
        "_timer",
        "is_open",
    )

    def __init__(self, exchange: Exchange, *, content_type: bytes, keep_alive_bytes: bytes, interval: float) -> None:
        """`keep_alive_bytes` may stand between any two pieces and mean nothing; empty: nothing may. `interval`: seconds."""
        self._exchange = exchange
        self._content_type = content_type
        self._keep_alive_bytes = keep_alive_bytes
        self._interval = interval
        self._is_sending = False
        self._beat: asyncio.Task[None] | None = None
        self.is_open = False
        """Whether the status has been sent."""

    def start_timer(self) -> None:
        """Begin to keep the connection alive."""
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer = self._loop.call_later(self._interval, self._tick)

    def close(self) -> None:
        self._timer.cancel()
        if self._beat is not None and not self._beat.done():
            self._beat.cancel()

    def _tick(self) -> None:
        """Compare the time of the last piece, which is cheaper than to set a timer anew with each piece."""
        wait = self._last + self._interval - self._loop.time()
        if wait <= 0.001:
            wait = self._interval
            if self._keep_alive_bytes and not self._is_sending and (self._beat is None or self._beat.done()):
                self._beat = self._loop.create_task(self._send_keep_alive())
        self._timer = self._loop.call_later(wait, self._tick)

    async def _send_keep_alive(self) -> None:
        if not self.is_open:
            await self._start([])
        self._last = self._loop.time()
        await self._exchange.body(self._keep_alive_bytes, True)

    async def _start(self, headers: Headers) -> None:
        self.is_open = True
        await self._exchange.start(200, [(b"content-type", self._content_type), *_HEADERS, *headers])

    async def begin(self, headers: Headers) -> None:
        """Send the headers, unless the connection had to be kept alive before they were known."""
        await self._finish_beat()
        if not self.is_open:
            await self._start(headers)

    async def write(self, data: bytes) -> None:
        """Send one piece. Wait for a caller that reads slowly, and let the provider wait too."""
        await self._finish_beat()
        self._is_sending = True
        try:
            await self._exchange.body(data, True)
        finally:
            self._is_sending = False
        self._last = self._loop.time()

    async def end(self, data: bytes = b"") -> None:
        """Send the last piece."""
        await self.stop()
        await self._exchange.body(data, False)

    async def stop(self) -> None:
        """Stop keeping the connection alive."""
        self._timer.cancel()
        await self._finish_beat()

    async def _finish_beat(self) -> None:
        if self._beat is not None:
            await self._beat
            self._beat = None
