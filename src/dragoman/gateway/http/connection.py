"""A connection that cannot exhaust the server before its caller is authenticated."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from dragoman.gateway.http.disconnect import ON_DISCONNECT

__all__ = ["Connection"]

_HEAD_TOO_LARGE = b"431 Request Header Fields Too Large"


class _InputEnds(Exception):
    """Raised out of a callback to make the parser stop."""


class _Flow(FlowControl):
    """Reading goes on only when no request waits for its turn."""

    def __init__(self, transport: asyncio.Transport, waiting: deque[Any]) -> None:
        super().__init__(transport)
        self._waiting = waiting

    def resume_reading(self) -> None:
        if not self._waiting:
            super().resume_reading()


class Connection(HttpToolsProtocol):
    """uvicorn's, which bounds neither a request's head nor its time, nor how many requests wait on one connection.

    Input ends where a bound is exceeded or what comes is not HTTP: requests that arrived whole before that are answered, in their
    order, and the connection closes after the last of them."""

    head_bytes = 128 * 1024
    """The most that a head may take, or that may come without a part of a body being complete by it (nginx takes 32 KB)."""
    url_bytes = 16 * 1024
    max_headers = 256
    head_seconds = 60.0
    """The longest from the first byte of a head to its last."""
    max_waiting = 16
    """Requests that may wait while one is answered."""
    rest_bytes = 32 * 1024 * 1024
    rest_seconds = 5.0
    """What may come of a body, and for how long, after its request was answered without it. It is thrown away as it comes; a caller
    whose connection is closed in the middle of sending might never see the answer."""
    stall_seconds = 120.0
    """The longest that a caller may take nothing of what was written to him."""

    _unused = 0
    """Bytes since the parser last came to something."""
    _head_size = 0
    _head_done = False
    _input_ended = False
    _rest = 0
    """Bytes that came after an answer that did not need them."""
    _running: RequestResponseCycle | None = None
    _head_timer: asyncio.TimerHandle | None = None
    _rest_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _on_disconnect: Callable[[], None] | None = None
    _is_lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        # A connection that never says a word is as idle as one that has said all.
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_keepalive_if_required()
        self._end_timers()
        self._end_stall()
        self.pipeline.clear()
        super().connection_lost(exc)
        # uvicorn tells the request that came last, which is not the one that runs where several came.
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        self._is_lost = True
        if self._on_disconnect is not None:
            self._on_disconnect()

    def _set_on_disconnect(self, callback: Callable[[], None] | None) -> None:
        self._on_disconnect = callback
        if callback is not None and self._is_lost:
            self.loop.call_soon(callback)

    def data_received(self, data: bytes) -> None:
        if self._input_ended:
            return
        self._unused += len(data)
        super().data_received(data)
        if self._rest_timer is not None:
            self._rest += len(data)
            if self._rest > self.rest_bytes or self._unused > self.head_bytes:
                self.transport.close()
        elif self._unused and not self._input_ended:
            self._wait_for_more()
        elif self._head_timer is not None:
            self._end_timer()

    # What the parser finds

    def on_message_begin(self) -> None:
        self._head_size, self._head_done = 0, False
        super().on_message_begin()
        self.scope["extensions"] = {ON_DISCONNECT: self._set_on_disconnect}  # type: ignore[dict-item]

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > self.url_bytes:
            self._refuse(b"414 URI Too Long")
            raise _InputEnds

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head_done:
            return  # a trailer: it says nothing that may count as said in the head (RFC 9110, 6.5.1)
        self._head_size += len(name) + len(value)
        if self._head_size > self.head_bytes or len(self.headers) >= self.max_headers:
            self._refuse(_HEAD_TOO_LARGE)
            raise _InputEnds
        super().on_header(name, value)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: the gateway answers 426 itself, and uvicorn's advice to install WebSocket libraries misleads."""

    def on_headers_complete(self) -> None:
        self._unused, self._head_done = 0, True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unused = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unused = 0
        self.cycle.more_body = False
        super().on_message_complete()
        if self._rest_timer is not None:
            self._end_rest()
        if len(self.pipeline) >= self.max_waiting:
            self._end_input()
            raise _InputEnds

    # Where input ends

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn where the parser failed, or was made to."""
        self._refuse(b"400 Bad Request")

    def _wait_for_more(self) -> None:
        if self._unused > self.head_bytes:
            self._refuse(_HEAD_TOO_LARGE)
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self.head_seconds, self._refuse, b"408 Request Timeout")

    def _refuse(self, status: bytes) -> None:
        if self._input_ended:
            return
        if self._is_answering():
            self._end_input()
        elif not self.transport.is_closing():
            self._input_ended = True
            self._end_timers()
            if self._running is None or self._running.response_complete or not self._running.response_started:
                self.transport.write(b"HTTP/1.1 %b\r\ncontent-length: 0\r\nconnection: close\r\n\r\n" % status)
            self.transport.close()

    def _is_answering(self) -> bool:
        """Whether a request that has arrived whole is being answered."""
        running = self._running
        return running is not None and not running.more_body and not running.response_complete

    def _end_input(self) -> None:
        """Answer what has arrived whole, and close then."""
        self._input_ended = True
        self._end_timers()
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()
        last = self.pipeline[0][0] if self.pipeline else self._running
        assert last is not None
        last.keep_alive = False

    # What is answered

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        answered = self._running
        super().on_response_complete()  # which may start the next
        if answered is self.cycle and self.cycle.more_body and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._rest_timer = self.loop.call_later(self.rest_seconds, self.transport.close)

    # Who does not read

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_stall(None)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._end_stall()

    def _watch_stall(self, before: int | None) -> None:
        size = self.transport.get_write_buffer_size()
        if before is not None and size >= before:
            self.transport.abort()
        else:
            self._stall_timer = self.loop.call_later(self.stall_seconds, self._watch_stall, size)

    def _end_stall(self) -> None:
        if self._stall_timer is not None:
            self._stall_timer.cancel()
            self._stall_timer = None

    def _end_timers(self) -> None:
        self._end_timer()
        self._end_rest()

    def _end_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _end_rest(self) -> None:
        self._rest = 0
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None
