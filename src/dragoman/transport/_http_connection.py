"""One connection while an exchange has it: written to, waited on, then kept or cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, MutableSet
from typing import TYPE_CHECKING

from aiohttp import ClientConnectionError, ClientError
from aiohttp.http import StreamWriter

from dragoman.errors import APIConnectionError

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader

__all__ = ["HttpConnection"]

_MAX_HEADER = 64 * 1024
_SMALL = 256 * 1024
"""A body up to this size is handed over in one write. A larger one goes in pieces: encrypting and copying 10 MB at once
would hold up every other request of the loop."""
_JOINED = 64 * 1024
"""Up to here head and body are joined first: one system call, one packet."""
_RESET = struct.pack("ii", 1, 0)


class HttpConnection:
    """Owns a connection until `release` or `cut`."""

    __slots__ = ("_connection", "_keep", "_lingering", "_payload", "_timer", "_upload")

    def __init__(
        self, connection: Connection, keep: Callable[[Connection], None], lingering: MutableSet[HttpConnection]
    ) -> None:
        self._connection = connection
        self._keep = keep
        self._lingering = lingering
        """The pool's, which cuts them when it is closed."""
        self._timer: asyncio.TimerHandle | None = None
        self._payload: StreamReader | None = None
        self._upload: asyncio.Task[None] | None = None

    def write(self, lines: bytes, body: bytes, *, bodiless: bool) -> None:
        """Hand a request over, without waiting: the answer may come before all of it has been taken, and then ends the exchange."""
        protocol, transport = self._connection.protocol, self._connection.transport
        if protocol is None or transport is None:
            raise ConnectionResetError
        protocol.set_response_params(
            skip_payload=bodiless, read_until_eof=True, max_line_size=_MAX_HEADER, max_field_size=_MAX_HEADER
        )
        if len(body) <= _JOINED:
            transport.write(lines + body)
            return
        transport.write(lines)
        if len(body) <= _SMALL:
            transport.write(body)
        else:
            self._upload = asyncio.ensure_future(_write_in_pieces(protocol, body))

    async def answer(self, place: str) -> tuple[RawResponseMessage, StreamReader]:
        """Wait for the headers."""
        protocol = self._connection.protocol
        if protocol is None:
            raise ConnectionResetError
        while True:
            message, payload = await protocol.read()
            if message.code == 101:
                raise APIConnectionError(
                    f"{place}: the answer switches protocols, which was not requested", code="invalid_response"
                )
            if message.code >= 200:
                self._payload = payload
                return message, payload

    def error(self) -> BaseException | None:
        """Return how the connection ended, if it has."""
        protocol = self._connection.protocol
        return None if protocol is None else protocol.exception()

    def linger(self, seconds: float) -> None:
        """Read no more of the answer: release the connection when the answer ends within `seconds`, else cut it."""
        assert self._payload is not None
        self._lingering.add(self)
        self._timer = asyncio.get_running_loop().call_later(seconds, self.cut)
        self._payload.on_eof(self._release_lingering)

    def _release_lingering(self) -> None:
        if self in self._lingering:
            self.release()

    def _stop_lingering(self) -> None:
        self._lingering.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def release(self) -> None:
        """The answer has been read whole: keep the connection for the next request."""
        self._stop_lingering()
        if self._has_unsent():
            self.cut()
        else:
            self._keep(self._connection)

    def cut(self) -> None:
        """Close now. A graceful close would first wait for what is not sent yet, and TLS for the peer's close notification."""
        self._stop_lingering()
        transport = self._connection.transport
        if transport is not None:
            if self._has_unsent() or self._payload is None:
                # A reset discards what the server has not read yet; an orderly end would queue up behind it.
                with contextlib.suppress(OSError, AttributeError):
                    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            transport.abort()
        if self._upload is not None:
            self._upload.cancel()
        if self._payload is not None and self._payload.exception() is None:
            # aiohttp does not wake the readers of a connection that it is told to close.
            self._payload.set_exception(ClientConnectionError("cut"))
        self._connection.close()

    def _has_unsent(self) -> bool:
        if self._upload is not None and not self._upload.done():
            return True
        transport = self._connection.transport
        return transport is not None and transport.get_write_buffer_size() > 0


async def _write_in_pieces(protocol: ResponseHandler, body: bytes) -> None:
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    rest = memoryview(body)
    # The reader of the answer learns how the connection ended.
    with contextlib.suppress(ClientError, OSError):
        while rest and protocol.transport is not None:
            protocol.transport.write(rest[:_SMALL])
            rest = rest[_SMALL:]
            await writer.drain()
            await asyncio.sleep(0)
