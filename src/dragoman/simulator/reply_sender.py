"""Put an answer on the wire, as slowly and as badly as the faults say."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from dragoman.simulator.call_log import ObservedCall
from dragoman.simulator.exchange import Answer, SimulatedError, SimulatedStream, WholeAnswer
from dragoman.simulator.faults import Faults

__all__ = ["Receive", "ReplySender", "Send", "read_body", "wait_for_disconnect"]

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_FOREVER = 3600.0
_RATE_LIMITS = {
    "openai": {
        "openai-version": "2020-10-01",
        "openai-processing-ms": "12",
        "x-ratelimit-limit-requests": "5000",
        "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "12ms",
    },
    "anthropic": {
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": "3999",
        "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:00Z",
        "request-id": "req_simulated",
    },
    "gemini": {"server-timing": "gfet4t7; dur=12"},
}
_CONTENT_TYPES = {"gemini": "application/json; charset=UTF-8"}


async def read_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class ReplySender:
    """Send one answer."""

    def __init__(self, send: Send, call: ObservedCall, dialect: str) -> None:
        self.send, self.call, self.dialect = send, call, dialect

    async def refuse(self, refused: SimulatedError) -> None:
        headers = refused.headers | (
            {"x-should-retry": "false"} if self.dialect == "anthropic" and refused.status < 429 else {}
        )
        await self.whole(WholeAnswer(refused.body, refused.status, headers), Faults())

    async def answer(self, answer: Answer, faults: Faults) -> None:
        if isinstance(answer, WholeAnswer):
            await self.whole(answer, faults)
        else:
            await self.stream(answer, faults)

    async def start(self, status: int, content_type: str, headers: dict[str, str]) -> None:
        self.call.status = status
        fields = {"content-type": content_type} | _RATE_LIMITS[self.dialect] | headers
        encoded = [(name.encode(), value.encode()) for name, value in fields.items()]
        await self.send({"type": "http.response.start", "status": status, "headers": encoded})

    async def body(self, data: bytes, more: bool) -> None:
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def whole(self, answer: WholeAnswer, faults: Faults) -> None:
        indent = 2 if self.dialect == "gemini" else None  # Google indents its JSON.
        data = json.dumps(answer.body, ensure_ascii=False, indent=indent).encode()
        if faults.malformed:
            data = data[:-2]
        headers = answer.headers | {"content-length": str(len(data))}
        await self.start(answer.status, _CONTENT_TYPES.get(self.dialect, answer.content_type), headers)
        if faults.slow_first:
            await asyncio.sleep(faults.slow_first)
        if faults.cut >= 0:
            await self.body(data[: len(data) // 2], True)
            self.close()
            return
        await self.body(data, False)

    async def stream(self, stream: SimulatedStream, faults: Faults) -> None:
        await self.start(200, stream.content_type, stream.headers)
        if faults.slow_first:
            await self.body(b"", True)  # the headers go out now
            await asyncio.sleep(faults.slow_first)
        for index, chunk in enumerate(stream.chunks):
            if await self.ends_early(stream, faults, index):
                return
            if faults.rate and index:
                await asyncio.sleep(1 / faults.rate)
            await self.body(stream.malformed if faults.malformed and index == 1 else chunk, True)
            self.call.chunks += 1
        if not await self.ends_early(stream, faults, len(stream.chunks)):
            await self.body(b"", False)

    async def ends_early(self, stream: SimulatedStream, faults: Faults, sent: int) -> bool:
        """End the stream here if the faults say so, and return whether it has ended."""
        if sent == faults.stall:
            await asyncio.sleep(faults.stall_for or _FOREVER)
        if sent == faults.cut:
            self.close()
            return True
        if sent == faults.error_after:
            await self.body(stream.broken, False)
            return True
        return False

    def close(self) -> None:
        """Close the connection without an end of the answer."""
        # ASGI has no message for this; uvicorn's `send` is a method of the object that holds the connection.
        transport = getattr(getattr(self.send, "__self__", None), "transport", None)
        if transport is not None:
            transport.close()

    async def delay(self, faults: Faults) -> None:
        """Wait before the headers, for as long as the faults say."""
        if faults.latency:
            await asyncio.sleep(faults.latency)
        if faults.hang:
            await asyncio.sleep(_FOREVER)

    def now(self) -> float:
        return time.time()
