"""An answer whose headers are here, and its body as it comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import TYPE_CHECKING, Self

from dragoman.errors import APIConnectionError
from dragoman.transport._limits import Watch

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.http import RawResponseMessage
    from aiohttp.streams import StreamReader

__all__ = ["Reply", "cut"]


class Reply:
    """An answer whose headers are here. Must be closed: `async with`, or `aclose()`; closing before the end of the body
    closes the connection."""

    __slots__ = (
        "__weakref__",
        "_body",
        "_connection",
        "_is_open_ended",
        "_keep",
        "_max_body",
        "_protocol",
        "_watch",
        "headers",
        "status",
    )

    status: int
    headers: Mapping[str, str]
    """Names in lower case. A name that came more than once: its values joined with a comma."""

    def __init__(
        self,
        message: RawResponseMessage,
        body: StreamReader,
        connection: Connection,
        *,
        watch: Watch,
        keep: Callable[[Connection], None],
        max_body: int,
    ) -> None:
        self.status = message.code
        self.headers = headers = {name.lower(): value for name, value in message.headers.items()}
        if len(headers) != len(message.headers):
            headers.update({name: ", ".join(message.headers.getall(name)) for name in headers})
        self._body = body
        self._is_open_ended = not message.chunked and "content-length" not in headers
        self._connection: Connection | None = connection
        self._protocol = connection.protocol
        self._watch = watch
        self._keep = keep
        self._max_body = max_body
        if body.at_eof():
            self._finish()

    async def read(self) -> bytes:
        """The whole body, decompressed. Raises `APIConnectionError` where it is larger than `Transport(max_body=...)`."""
        first = await self._next()
        size = len(first)
        if self._connection is None and size <= self._max_body:
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

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body as it comes, decompressed, one item a network read. Leaving it early closes the connection."""
        try:
            while piece := await self._next():
                yield piece
        finally:
            self._close()

    async def aclose(self) -> None:
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    def __del__(self) -> None:
        # Forgotten by its owner: aiohttp would print a warning when its connection goes unclosed.
        if getattr(self, "_connection", None) is not None and not self._watch.loop_is_closed():
            self._cut()

    async def _next(self) -> bytes:
        """What is here of the body, waited for if there is nothing; empty at its end."""
        if self._connection is None:
            return b""
        watch = self._watch
        watch.waiting()
        try:
            piece = await self._body.readany()
        except BaseException as error:
            self._cut()
            failure = watch.explain(error)
            if failure is None:
                raise
            raise failure from None
        watch.received()
        if self._body.at_eof():
            self._check_end()
            self._finish()
        return piece

    def _check_end(self) -> None:
        """A body without a length ends with its connection, which must not have been cut then."""
        broken = self._protocol.exception() if self._protocol is not None else None
        failure = self._watch.failure or (self._watch.explain(broken) if isinstance(broken, OSError) else None)
        if self._is_open_ended and failure is not None:
            self._cut()
            raise failure

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
        if connection is None:
            return
        transport = connection.transport
        if transport is not None and transport.get_write_buffer_size():
            # Answered before the whole request was read: what is left of it must not precede the next one.
            cut(connection)
        else:
            self._keep(connection)

    def _cut(self) -> None:
        connection, self._connection = self._connection, None
        self._watch.stop()
        if connection is not None:
            cut(connection)


def cut(connection: Connection) -> None:
    """Close now. A polite close would first wait for what is not sent yet, and TLS for the peer's goodbye."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()
