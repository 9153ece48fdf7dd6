"""A server that does byte for byte what its script says, so that it can misbehave on purpose, and records what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

__all__ = [
    "CHUNKED",
    "END",
    "Link",
    "RawServer",
    "Request",
    "Script",
    "answer",
    "chunk",
    "serve",
    "serve_once",
    "serving",
]

END = b"0\r\n\r\n"


@dataclass
class Request:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    head: bytes


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: tuple[str, ...] = ()) -> bytes:
    """A whole answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass
class Link:
    """One connection, as the server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    requests: list[Request] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    closed_at: float = 0.0

    async def request(self) -> Request:
        """Read one request; raises `asyncio.IncompleteReadError` where the client has closed."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(method, target, headers, body, head)
        self.requests.append(request)
        return request

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def until_closed(self) -> None:
        """Wait until the client has closed the connection."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65536):
                pass
        self.closed_at = time.monotonic()
        self.closed.set()

    async def until_gone(self) -> None:
        """The same without reading anything: asks the system for the state of the connection."""
        established = 1
        while True:
            opened = self.writer.get_extra_info("socket")
            if opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != established:
                break
            await asyncio.sleep(0.005)
        self.closed_at = time.monotonic()
        self.closed.set()


Script = Callable[[Link], Awaitable[None]]


def serve(*pieces: bytes, pause: float = 0.0) -> Script:
    """A script that answers each request with the same bytes."""

    async def script(link: Link) -> None:
        while True:
            await link.request()
            for piece in pieces:
                await link.send(piece)
                if pause:
                    await asyncio.sleep(pause)

    return script


def serve_once(*pieces: bytes) -> Script:
    """A script that answers one request, and closes the connection."""

    async def script(link: Link) -> None:
        await link.request()
        for piece in pieces:
            await link.send(piece)
        link.writer.close()
        await link.writer.wait_closed()

    return script


class RawServer:
    """Runs its script once a connection; what is left open at the end is closed."""

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None) -> None:
        self.links: list[Link] = []
        self._script = script
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[Request]:
        return [request for link in self.links for request in link.requests]

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._tls, limit=2**24)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        link = Link(reader, writer)
        self.links.append(link)
        try:
            await self._script(link)
        except (asyncio.IncompleteReadError, OSError):
            link.closed_at = time.monotonic()
            link.closed.set()
        except asyncio.CancelledError:
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()


@contextlib.asynccontextmanager
async def serving(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawServer]:
    server = RawServer(script, tls=tls)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
