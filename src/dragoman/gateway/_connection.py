"""A connection that may not take the server's memory or patience before anybody knows who is calling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dragoman.gateway._exchange import HANG_UP

__all__ = ["Connection"]


class Connection(HttpToolsProtocol):
    """uvicorn's, which has no limit to the size of a request's head, nor to the time in which it has to arrive."""

    head_bytes = 128 * 1024
    """The most that may come without a head, or a part of a body, being complete by it (nginx takes 32 KB)."""
    head_seconds = 60.0
    """The longest from the first byte of a head to its last."""

    _unused = 0
    """Bytes since the parser last came to something."""
    _head_timer: asyncio.TimerHandle | None = None
    _hang_up: Callable[[], None] | None = None
    _is_lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # A connection that never says a word is as idle as one that has said all.
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_keepalive_if_required()
        self._end_timer()
        super().connection_lost(exc)
        self._is_lost = True
        if self._hang_up is not None:
            self._hang_up()

    def _tell_hang_up(self, told: Callable[[], None] | None) -> None:
        self._hang_up = told
        if told is not None and self._is_lost:
            self.loop.call_soon(told)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: self._tell_hang_up}  # type: ignore[dict-item]

    def data_received(self, data: bytes) -> None:
        self._unused += len(data)
        super().data_received(data)
        if self._unused:
            self._wait_for_more()
        elif self._head_timer is not None:
            self._end_timer()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the gateway answers 426 itself, and uvicorn's advice to install WebSocket libraries misleads."""

    def on_headers_complete(self) -> None:
        self._unused = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unused = 0
        super().on_message_complete()

    def _wait_for_more(self) -> None:
        if self._unused > self.head_bytes:
            self._refuse(b"431 Request Header Fields Too Large")
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.head_seconds, self._refuse, b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        self._end_timer()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
            self.transport.close()

    def _end_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
