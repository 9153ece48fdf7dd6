"""A small HTTP proxy: tunnels for CONNECT, one request a connection for plain HTTP. It knows only loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tests.upstreams.raw import Link, RawServer

__all__ = ["Proxy", "proxying"]


class Proxy:
    """Sends every host to `port` on loopback, whatever its name, and records the heads of the requests it got."""

    def __init__(self, port: int, *, authorization: str | None = None) -> None:
        self._port = port
        self._authorization = authorization
        self.heads: list[str] = []
        self.tunnelled = bytearray()
        """What went up through tunnels."""
        self.server = RawServer(self._serve)

    @property
    def url(self) -> str:
        return self.server.url

    async def _serve(self, link: Link) -> None:
        request = await link.request()
        self.heads.append(request.head.decode("latin-1"))
        if self._authorization is not None and request.headers.get("proxy-authorization") != self._authorization:
            await link.send(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            return
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            if request.method == "CONNECT":
                await link.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                writer.write(request.head + request.body)
            await self._relay(link, reader, writer)
        finally:
            writer.transport.abort()

    async def _relay(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up = asyncio.ensure_future(self._copy(link.reader, writer, self.tunnelled))
        down = asyncio.ensure_future(self._copy(reader, link.writer, bytearray()))
        try:
            await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
        finally:
            up.cancel()
            down.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, log: bytearray) -> None:
        while data := await reader.read(65536):
            log += data
            writer.write(data)
            await writer.drain()


@contextlib.asynccontextmanager
async def proxying(port: int, *, authorization: str | None = None) -> AsyncIterator[Proxy]:
    proxy = Proxy(port, authorization=authorization)
    await proxy.server.start()
    try:
        yield proxy
    finally:
        await proxy.server.stop()
