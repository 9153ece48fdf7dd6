"""An answer that comes in pieces, with a sign of life where nothing else is sent for a while.

Load balancers cut connections that are silent for a minute or so, and a model may think for longer than that before its
first word. So a comment goes out whenever nothing went out for the interval, also before the provider has answered at
all; then the status has to be 200, and a failure that comes later is the dialect's error event.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

from dragoman.gateway.http.exchange import Exchange, Headers

__all__ = ["KeepAliveStream"]

_HEADERS: Headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
"""nginx would else collect the pieces."""


class KeepAliveStream:
    """Sends one stream. Enter it before the answer is awaited."""

    __slots__ = (
        "_beat",
        "_content_type",
        "_exchange",
        "_interval",
        "_last",
        "_loop",
        "_sending",
        "_sign",
        "_timer",
        "open",
    )

    def __init__(self, exchange: Exchange, *, content_type: bytes, sign: bytes, interval: float) -> None:
        self._exchange = exchange
        self._content_type = content_type
        self._sign = sign
        """What may be sent at any time between two pieces and means nothing."""
        self._interval = interval
        self._sending = False
        self._beat: asyncio.Task[None] | None = None
        self.open = False
        """Whether the status has been sent."""

    async def __aenter__(self) -> KeepAliveStream:
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._timer = self._loop.call_later(self._interval, self._tick)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._beat is not None and not self._beat.done():
            self._beat.cancel()

    def _tick(self) -> None:
        """The timer looks when the last piece went out, rather than being set anew with each piece."""
        wait = self._last + self._interval - self._loop.time()
        if wait <= 0.001:
            wait = self._interval
            if not self._sending and (self._beat is None or self._beat.done()):
                self._beat = self._loop.create_task(self._send_sign())
        self._timer = self._loop.call_later(wait, self._tick)

    async def _send_sign(self) -> None:
        if not self.open:
            await self._start([])
        self._last = self._loop.time()
        await self._exchange.body(self._sign, True)

    async def _start(self, headers: Headers) -> None:
        self.open = True
        await self._exchange.start(200, [(b"content-type", self._content_type), *_HEADERS, *headers])

    async def begin(self, headers: Headers) -> None:
        """The headers, unless a sign of life had to go out before they were known."""
        await self._quiet()
        if not self.open:
            await self._start(headers)

    async def write(self, data: bytes) -> None:
        """One piece. Waits for a caller who reads slowly, and the provider with it."""
        await self._quiet()
        self._sending = True
        try:
            await self._exchange.body(data, True)
        finally:
            self._sending = False
        self._last = self._loop.time()

    async def end(self, data: bytes = b"") -> None:
        """The last piece."""
        await self.stop()
        await self._exchange.body(data, False)

    async def stop(self) -> None:
        """No sign of life goes out any more."""
        self._timer.cancel()
        await self._quiet()

    async def _quiet(self) -> None:
        if self._beat is not None:
            await self._beat
            self._beat = None
