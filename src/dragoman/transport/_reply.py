"""An answer whose headers have arrived, and its body as it comes."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncGenerator, Mapping
from copy import copy
from typing import TYPE_CHECKING, Self

from dragoman.errors import APIConnectionError
from dragoman.transport._timeouts import TimeoutWatch

if TYPE_CHECKING:
    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader

    from dragoman.transport._http_connection import HttpConnection

__all__ = ["Reply"]


_BINARY = ("audio/", "image/", "video/", "application/octet-stream")
"""Media types in which the bytes of a byte order mark are content."""
_PIECE = 32 * 1024
"""Bytes. Hundreds of small events: reading them all takes a few milliseconds."""


class Reply:
    """An answer whose headers have arrived. Must be closed: `async with`, or `aclose()`; closing before the end of the body
    closes the connection."""

    __slots__ = (
        "__weakref__",
        "_body",
        "_connection",
        "_failure",
        "_is_begun",
        "_is_open_ended",
        "_max_body",
        "_pieces",
        "_watch",
        "headers",
        "status",
    )

    status: int
    headers: Mapping[str, str]
    """Names in lower case. A name that came more than once: its values joined with a comma. Bytes that are not UTF-8 are read
    as Latin-1 (RFC 9110, 5.5), so that every value is valid Unicode."""

    def __init__(
        self,
        message: RawResponseMessage,
        body: StreamReader,
        connection: HttpConnection,
        watch: TimeoutWatch,
        *,
        max_body: int,
    ) -> None:
        self.status = message.code
        self.headers = headers = {name.lower(): _text(value) for name, value in message.headers.items()}
        if len(headers) != len(message.headers):
            headers.update({name: ", ".join(map(_text, message.headers.getall(name))) for name in headers})
        self._body = body
        self._is_open_ended = not message.chunked and "content-length" not in headers
        self._is_begun = headers.get("content-type", "").startswith(_BINARY)
        self._connection: HttpConnection | None = connection
        self._watch = watch
        self._max_body = max_body
        self._pieces: list[bytes] = []
        """What `chunks` has cut off a large network read and not yielded yet, the last first."""
        self._failure: APIConnectionError | None = None
        """How the body broke off. Copies of it are raised: a traceback names frames that hold this object."""
        if body.at_eof():
            self._finish()

    async def read(self) -> bytes:
        """Return the whole body, decompressed; after `chunks` has begun, the rest of it. Raise `APIConnectionError` if it is
        larger than `Transport(max_body=...)`."""
        first = await self._next()
        size = len(first)
        if self._connection is None and self._failure is None and size <= self._max_body and not self._pieces:
            return first
        pieces = [first]
        while size <= self._max_body:
            piece = await self._next()
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)
            size += len(piece)
        self._cut()
        raise APIConnectionError(
            f"{self._watch.place}: the body is larger than {self._max_body} bytes", code="response_too_large"
        )

    async def read_start(self, size: int) -> bytes:
        """Return the first `size` bytes of the body, decompressed. Where there is more, the connection is closed."""
        start = bytearray()
        while len(start) <= size and (piece := await self._next()):
            start += piece
        self._close()
        return bytes(start[:size])

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it comes, decompressed, one item a network read. Leaving it early closes the connection.

        A large read comes in pieces, between which other tasks run on the event loop."""
        try:
            while piece := await self._next():
                if len(piece) > _PIECE:
                    self._pieces = [piece[start : start + _PIECE] for start in range(0, len(piece), _PIECE)][::-1]
                    piece = self._pieces.pop()
                yield piece
                if self._pieces:
                    await asyncio.sleep(0)
        finally:
            self._close()

    async def aclose(self) -> None:
        self._close()

    def let_end(self, seconds: float) -> None:
        """Read no more of the body: keep the connection if the body ends within `seconds`, else close it then."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._watch.stop()
        if self._body.is_eof():
            connection.release()
        else:
            connection.linger(seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    def __del__(self) -> None:
        # Its owner has forgotten it: aiohttp would print a warning about its unclosed connection.
        connection = getattr(self, "_connection", None)
        if connection is not None:
            self._watch.finally_cut(connection.cut)

    async def _next(self) -> bytes:
        """Return the next bytes of the body, without the byte order mark of a text at its beginning; empty at its end.

        Servers on Windows write the mark, and neither JSON (RFC 8259, 8.1) nor the clients of a stream expect it."""
        if self._pieces:
            return self._pieces.pop()
        if self._is_begun:
            return await self._receive()
        self._is_begun = True
        first = await self._receive()
        return first if not first.startswith(codecs.BOM_UTF8) else first[3:] or await self._receive()

    async def _receive(self) -> bytes:
        """Return what has arrived of the body, or wait for it; empty at its end."""
        if self._connection is None:
            if self._failure is not None:
                raise copy(self._failure)
            return b""
        watch = self._watch
        watch.waiting()
        try:
            piece = await self._body.readany()
        except BaseException as error:
            self._cut()
            self._failure = watch.explain(error)
            if self._failure is None:
                raise
            if rest := _take_rest(self._body):
                return rest
            raise copy(self._failure) from None
        if self._body.at_eof():
            return self._end(piece)
        watch.received()
        return piece

    def _end(self, piece: bytes) -> bytes:
        """A body without a length ends with its connection, which must not have been cut then."""
        if self._is_open_ended and self._connection is not None:
            broken = self._connection.error()
            self._failure = self._watch.failure or (
                self._watch.explain(broken) if isinstance(broken, OSError) else None
            )
        if self._failure is None:
            self._finish()
            return piece
        self._cut()
        if piece:
            return piece
        raise copy(self._failure)

    def _close(self) -> None:
        if self._connection is None:
            return
        if self._body.is_eof():
            self._finish()
        else:
            self._cut()

    def _finish(self) -> None:
        connection, self._connection = self._connection, None
        self._watch.stop()
        if connection is not None:
            connection.release()

    def _cut(self) -> None:
        connection, self._connection = self._connection, None
        self._watch.stop()
        if connection is not None:
            connection.cut()


def _text(value: str) -> str:
    """Return `value` without the lone surrogates that aiohttp makes of bytes that are not UTF-8, and no JSON can hold."""
    if value.isascii():
        return value
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    return value


def _take_rest(body: StreamReader) -> bytes:
    """Return what came before an error. aiohttp itself would raise the error first, and the end of many streams would be lost."""
    buffered = getattr(body, "_buffer", None)
    if not buffered:
        return b""
    rest = b"".join(buffered)
    buffered.clear()
    return rest
