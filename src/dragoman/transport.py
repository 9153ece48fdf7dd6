"""The only module that opens a socket to a provider; foreign network errors become ours here."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

__all__ = ["Reply", "Timeouts", "Transport"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. Each ends the request with `dragoman.errors.Timeout`, whose message names the limit."""

    connect: float = 10.0
    """To a usable connection: name look-up, TCP, TLS, and a place in the pool."""
    first_content: float | None = None
    """To the first content of a stream. None: 120 for streams, and the total for whole answers. Watched by the caller of
    `send`, who knows what content is."""
    idle: float = 120.0
    """Between two reads of a body that has begun."""
    total: float = 600.0
    """From `send` to the end of the body."""


class Reply:
    """An answer whose headers are here. Must be closed: `async with`, or `aclose()`; closing before the end of the body
    closes the connection."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""

    async def read(self) -> bytes:
        """The whole body, decompressed."""
        raise NotImplementedError

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, decompressed, one item a network read."""
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError


class Transport:
    """A pool of connections that belongs to one event loop."""

    def __init__(
        self,
        *,
        verify: bool | str | ssl.SSLContext = True,
        limit_per_host: int = 0,
        keepalive: float = 60.0,
        trust_env: bool = True,
    ) -> None: ...

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | None, timeouts: Timeouts
    ) -> Reply:
        """Send one request. Cancelling it closes the connection.

        Raises `APIConnectionError` or `Timeout`."""
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError
