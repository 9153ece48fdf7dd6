"""One request and its answer, on the wire: who asks, in which dialect, and how an answer is sent."""

from __future__ import annotations

import asyncio
import binascii
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

if TYPE_CHECKING:
    from dragoman.dialects.dialect import Dialect

__all__ = [
    "HANG_UP",
    "ClientDisconnected",
    "DisconnectWatch",
    "Exchange",
    "Headers",
    "Receive",
    "Scope",
    "Send",
    "TellHangUp",
    "header",
]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

TellHangUp: TypeAlias = Callable[[Callable[[], None] | None], None]
"""Takes what is to be called when the caller closes his connection; None: nothing any more."""
HANG_UP = "dragoman.hang_up"
"""The ASGI extension with a `TellHangUp`. Where a server has none, a task waits for its word."""
_JSON = (b"content-type", b"application/json")


class ClientDisconnected(Exception):
    """The caller hung up: there is nobody to answer."""


def header(name: bytes, value: str, longest: int = 2048) -> tuple[bytes, bytes]:
    """Return a header whose value may come from a caller or a provider; it never raises.

    What does not belong in a header is percent-encoded, and what is longer than `longest` bytes is cut."""
    if not (value.isascii() and value.isprintable()):
        # Quoting makes nothing shorter, so what is cut here is cut below anyhow.
        value = quote(value[:longest].encode("utf-8", "surrogatepass"), safe=" !#$&'()*+,/:;=?@[]~|")
    return name, (value if len(value) <= longest else value[: longest - 3] + "...").encode()


def _new_id() -> str:
    return "req_" + binascii.hexlify(os.urandom(12)).decode()


@dataclass(slots=True)
class Exchange:
    """What one request's road through the gateway carries along."""

    scope: Scope
    receive: Receive
    send: Send
    headers: dict[str, str]
    """The caller's, names in lower case."""
    dialect: Dialect
    shared_headers: Headers = field(default_factory=list)
    """What every answer to this caller carries."""
    request_id: str = field(default_factory=_new_id)
    status: int = 0
    """The status that was sent; 0 while nothing was."""
    model: str = ""
    """As the caller named it."""
    operation: str = ""
    stream: bool = False
    provider: str = ""
    answered_by: str = ""
    """The provider's own name of the model."""
    deployment: str = ""
    """The last that was asked."""
    fallback: str = ""
    """The model group that answered in place of the one that was asked for."""
    attempts: int = 0
    tried: tuple[str, ...] = ()
    """The attempts, where one has failed."""
    usage: dict[str, Any] | None = None
    """What was used, in numbers."""
    cost: str = ""
    """US dollars, or that they are not known; empty where nothing was used."""
    error: str = ""
    """The class of the error that ended it."""
    begun: float = field(default_factory=time.monotonic)

    def _id_headers(self) -> Headers:
        value = self.request_id.encode()
        return [(b"x-dragoman-request-id", value), (self.dialect.request_id_header, value)]

    async def start(self, status: int, headers: Headers) -> None:
        """The status and the headers; the body follows by `body`."""
        self.status = status
        await self.send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*self._id_headers(), *self.shared_headers, *headers],
            }
        )

    async def body(self, data: bytes, more: bool) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def reply(self, status: int, data: bytes, headers: Headers | None = None) -> None:
        """A whole JSON answer."""
        length = (b"content-length", b"%d" % len(data))
        await self.start(status, [_JSON, length, *(headers or [])])
        await self.body(data, False)


class DisconnectWatch:
    """While it is entered, a caller who hangs up cancels the task that serves him; leaving it then raises `CallerLeft`."""

    __slots__ = ("_over", "_receive", "_task", "_tell_at_the_end", "_watch", "left")

    def __init__(self, receive: Receive, scope: Scope | None = None) -> None:
        self._receive = receive
        self._tell_at_the_end: TellHangUp | None = ((scope or {}).get("extensions") or {}).get(HANG_UP)
        self._watch: asyncio.Task[None] | None = None
        self._over = False
        self.left = False

    async def __aenter__(self) -> DisconnectWatch:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task = task
        if self._tell_at_the_end is not None:
            self._tell_at_the_end(self._hung_up)
        else:
            self._watch = loop.create_task(self._wait())
        return self

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._hung_up()

    def _hung_up(self) -> None:
        # Servers also say "disconnect" when the answer is complete.
        if not self._over:
            self.left = True
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        if self._tell_at_the_end is not None:
            self._tell_at_the_end(None)
        if self._watch is not None:
            self._watch.cancel()
        task = self._task
        # The watch ends with an error, whose traceback holds this object: they must not hold each other, and the request's body
        # with them, until the collector comes by.
        del self._watch, self._task
        if self.left:
            task.uncancel()
            raise ClientDisconnected from None
