"""One request and its answer on the wire: what the caller sent, and how an answer is sent back."""

from __future__ import annotations

import binascii
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from dragoman.routing import Call
from dragoman.types.call_record import CallRecord
from dragoman.types.caller import ANONYMOUS, Caller

if TYPE_CHECKING:
    from dragoman.dialects.dialect import Dialect

__all__ = ["LONGEST_VALUE", "Exchange", "Headers", "Receive", "Scope", "Send", "header"]

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

_JSON = b"application/json"


LONGEST_VALUE = 2048
"""Bytes of a header's value."""


def header(name: bytes, value: str, longest: int = LONGEST_VALUE) -> tuple[bytes, bytes]:
    """Return a header whose value may come from a caller or a provider; never raise.

    What does not belong in a header is percent-encoded, and what is longer than `longest` bytes is cut."""
    if not (value.isascii() and value.isprintable()):
        # Quoting makes nothing shorter, so what is cut here is cut below anyhow.
        value = quote(value[:longest].encode("utf-8", "surrogatepass"), safe=" !#$&'()*+,/:;=?@[]~|")
    return name, (value if len(value) <= longest else value[: longest - 3] + "...").encode()


def _new_id() -> str:
    return "req_" + binascii.hexlify(os.urandom(12)).decode()


@dataclass(slots=True)
class Exchange:
    """One HTTP request on its way through the gateway."""

    scope: Scope
    receive: Receive
    send: Send
    headers: dict[str, str]
    """The caller's, names in lower case."""
    dialect: Dialect
    """In which the caller expects its answer, errors too."""
    shared_headers: Headers = field(default_factory=list)
    """Those of every answer to this caller."""
    request_id: str = field(default_factory=_new_id)
    caller: Caller = ANONYMOUS
    """Who the gate says it is."""
    call: Call | None = None
    """What the request means; None for a page, and until the body has been read."""
    status: int = 0
    """The status that was sent; 0 before that."""
    error: str = ""
    """The class of the error that the caller was sent."""
    began: float = field(default_factory=time.monotonic)

    @property
    def record(self) -> CallRecord:
        """What is known of the call: the router's record, or an empty one before the router has begun it."""
        call = self.call
        if call is None:
            return CallRecord(request_id=self.request_id, operation="", model="")
        if call.record is None:
            return CallRecord(
                request_id=self.request_id, operation=call.operation.name, model=call.model, stream=call.stream
            )
        return call.record

    async def start(self, status: int, headers: Headers) -> None:
        """Send the status and the headers; the body follows by `body`."""
        self.status = status
        request_id = self.request_id.encode()
        head = [(b"x-dragoman-request-id", request_id), (self.dialect.request_id_header, request_id)]
        await self.send(
            {"type": "http.response.start", "status": status, "headers": [*head, *self.shared_headers, *headers]}
        )

    async def body(self, data: bytes, more: bool) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def reply(
        self, status: int, data: bytes, headers: Headers | None = None, content_type: bytes = _JSON
    ) -> None:
        """Send a whole answer."""
        length = (b"content-length", b"%d" % len(data))
        await self.start(status, [(b"content-type", content_type), length, *(headers or ())])
        await self.send({"type": "http.response.body", "body": data, "more_body": False})
