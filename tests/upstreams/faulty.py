"""Upstreams that fail in one exact way, byte for byte, and note each request that reached them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import math
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import trustme

from tests.upstreams.raw import CHUNKED, END, Link, RawServer, Script, answer, chunk, serving

__all__ = ["PLAYS", "SAID", "STATUSES", "FaultyUpstream", "faulty", "well"]

SAID = "Hello"
"""What is in a stream before it fails in its text."""
STATUSES = {
    401: ("invalid_api_key", "authentication_error", "UNAUTHENTICATED"),
    403: ("permission_denied", "permission_error", "PERMISSION_DENIED"),
    404: ("model_not_found", "not_found_error", "NOT_FOUND"),
    408: ("timeout", "timeout_error", "DEADLINE_EXCEEDED"),
    409: ("conflict", "invalid_request_error", "ABORTED"),
    413: ("too_large", "request_too_large", "INVALID_ARGUMENT"),
    422: ("unprocessable", "invalid_request_error", "INVALID_ARGUMENT"),
    429: ("rate_limit_exceeded", "rate_limit_error", "RESOURCE_EXHAUSTED"),
    500: ("server_error", "api_error", "INTERNAL"),
    503: ("unavailable", "overloaded_error", "UNAVAILABLE"),
    504: ("timeout", "timeout_error", "DEADLINE_EXCEEDED"),
    529: ("overloaded", "overloaded_error", "UNAVAILABLE"),
}
"""Status -> the word for it of OpenAI, Anthropic and Google."""


@dataclass(frozen=True, slots=True)
class _Speech:
    """A dialect's answer in pieces."""

    whole: bytes
    head: bytes
    """Of a stream, without any content; empty where the dialect knows no such event."""
    text: bytes
    tool: bytes
    """A tool call that has begun and whose arguments are not complete."""
    rest: bytes
    """From the text to the end."""


def _sse(value: Any) -> bytes:
    kind = f"event: {value['type']}\n".encode() if "type" in value else b""
    return kind + b"data: " + orjson.dumps(value) + b"\n\n"


def _openai() -> _Speech:
    head = {"id": "chatcmpl-1", "created": 1700000000, "model": "sim"}

    def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
        return _sse({**head, "object": "chat.completion.chunk", "choices": choices})

    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    said = {"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a'}}
    return _Speech(
        whole=orjson.dumps({**head, "object": "chat.completion", "choices": [said], "usage": usage}),
        head=event({"role": "assistant", "content": ""}),
        text=event({"content": SAID}),
        tool=event({"tool_calls": [call]}),
        rest=event({}, "stop") + b"data: [DONE]\n\n",
    )


def _anthropic() -> _Speech:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "sim", "stop_sequence": None}
    usage = {"input_tokens": 3, "output_tokens": 2}
    call = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}

    def begun(block: dict[str, Any], delta: dict[str, Any]) -> bytes:
        start = {"type": "content_block_start", "index": 0, "content_block": block}
        return _sse(start) + _sse({"type": "content_block_delta", "index": 0, "delta": delta})

    ending = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage}
    said = {"content": [{"type": "text", "text": SAID}], "stop_reason": "end_turn", "usage": usage}
    empty: dict[str, Any] = {**message, "content": [], "stop_reason": None, "usage": usage}
    return _Speech(
        whole=orjson.dumps({**message, **said}),
        head=_sse({"type": "message_start", "message": empty}),
        text=begun({"type": "text", "text": ""}, {"type": "text_delta", "text": SAID}),
        tool=begun(call, {"type": "input_json_delta", "partial_json": '{"a'}),
        rest=_sse({"type": "content_block_stop", "index": 0}) + _sse(ending) + _sse({"type": "message_stop"}),
    )


def _gemini() -> _Speech:
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}

    def reply(part: dict[str, Any], **more: Any) -> dict[str, Any]:
        candidate = {"content": {"role": "model", "parts": [part]}, "index": 0, **more}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "sim", "responseId": "r1"}

    return _Speech(
        whole=orjson.dumps(reply({"text": SAID}, finishReason="STOP")),
        head=b"",
        text=_sse(reply({"text": SAID})),
        tool=_sse(reply({"functionCall": {"name": "f", "args": {"a": 1}}})),
        rest=_sse(reply({"text": ""}, finishReason="STOP")),
    )


_NOBODY = "a." * 130 + "invalid"
"""Longer than a name can be: the system knows at once that nobody has it, and asks no server."""
_SPEECHES = {"openai": _openai(), "anthropic": _anthropic(), "gemini": _gemini()}
_PLACES = {"openai": "/v1", "anthropic": "", "gemini": "/v1beta"}


def _error(dialect: str, status: int) -> dict[str, Any]:
    openai, anthropic, google = STATUSES[status]
    message = f"the model is not to be had: {status}"
    if dialect == "anthropic":
        return {"type": "error", "error": {"type": anthropic, "message": message}}
    if dialect == "gemini":
        return {"error": {"code": status, "message": message, "status": google}}
    return {"error": {"message": message, "type": openai, "code": openai, "param": None}}


Play = Callable[[Link, str, bool], Awaitable[None]]
"""How one request is answered: on its connection, in a dialect, streamed or not."""


async def _well(link: Link, dialect: str, stream: bool) -> None:
    speech = _SPEECHES[dialect]
    if stream:
        await link.send(CHUNKED + chunk(speech.head + speech.text + speech.rest) + END)
    else:
        await link.send(answer(speech.whole, headers=("content-type: application/json",)))


def _status(status: int, *headers: str) -> Play:
    async def play(link: Link, dialect: str, stream: bool) -> None:
        body = orjson.dumps(_error(dialect, status))
        await link.send(answer(body, status=f"{status} Said", headers=("content-type: application/json", *headers)))

    return play


async def _bad_gateway(link: Link, dialect: str, stream: bool) -> None:
    """From a server in front of the provider, which speaks no dialect."""
    await link.send(answer(b"<h1>Bad Gateway</h1>", status="502 Bad Gateway", headers=("content-type: text/html",)))


async def _never(link: Link, dialect: str, stream: bool) -> None:
    await link.until_closed()


async def _malformed(link: Link, dialect: str, stream: bool) -> None:
    if stream:
        await link.send(CHUNKED + chunk(b'data: {"not": JSON\n\n') + END)
    else:
        await link.send(answer(b'{"not": JSON'))


async def _error_first(link: Link, dialect: str, stream: bool) -> None:
    """A 200, and then the failure in its body."""
    failure = _error(dialect, 500)
    await link.send(CHUNKED + chunk(_sse(failure)) + END if stream else answer(orjson.dumps(failure)))


def _begun(*parts: str, then: str = "") -> Play:
    """A stream up to these parts, or a whole answer of which as many bytes as there are parts come; then it is cut, or
    nothing more comes."""

    async def play(link: Link, dialect: str, stream: bool) -> None:
        speech = _SPEECHES[dialect]
        if stream:
            await link.send(CHUNKED)
            for part in parts:
                if piece := getattr(speech, part):
                    await link.send(chunk(piece))
        else:
            whole = answer(speech.whole)
            await link.send(whole[: len(whole) - len(speech.whole) + len(parts)])
        if then == "silence":
            await link.until_closed()
        link.writer.close()

    return play


PLAYS: dict[str, Play] = {
    **{str(status): _status(status) for status in STATUSES},
    "429 with retry-after": _status(429, "retry-after: 7"),
    "429 in a second": _status(429, "retry-after: 1"),
    "502": _bad_gateway,
    "slow headers": _never,
    "slow first content": _begun("head", then="silence"),
    "malformed": _malformed,
    "error first": _error_first,
    "cut before content": _begun("head"),
    "cut in text": _begun("head", "text"),
    "cut in a tool call": _begun("head", "tool"),
    "stall": _begun("head", "text", then="silence"),
}


class FaultyUpstream:
    """Where it is, and how often it was really asked."""

    def __init__(self, dialect: str, address: str, server: RawServer | None = None) -> None:
        self.dialect = dialect
        self.base = address + _PLACES[dialect]
        self._server = server

    @property
    def asked(self) -> int:
        return 0 if self._server is None else len(self._server.requests)

    async def closed(self) -> float:
        """The moment at which the caller has closed the first connection, in monotonic seconds."""
        assert self._server is not None
        link = self._server.links[0]
        async with asyncio.timeout(5):
            await link.closed.wait()
        return link.closed_at


def _script(play: Play, dialect: str, times: int | None) -> Script:
    played = itertools.count()

    async def script(link: Link) -> None:
        while True:
            request = await link.request()
            stream = b'"stream":true' in request.body or "streamGenerateContent" in request.target
            trouble = next(played) < (times if times is not None else math.inf)
            await (play if trouble else _well)(link, dialect, stream)
            if link.writer.is_closing():
                return

    return script


@functools.cache
def _untrusted() -> ssl.SSLContext:
    """Of an authority that nobody trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@contextlib.asynccontextmanager
async def faulty(fault: str, dialect: str, *, times: int | None = None) -> AsyncIterator[FaultyUpstream]:
    """One that plays a fault (a key of `PLAYS`, `refused`, `tls` or `dns`), the first `times` times; None: always."""
    if fault == "dns":
        yield FaultyUpstream(dialect, f"http://{_NOBODY}")
        return
    if fault == "refused":
        with socket.socket() as bound:  # never listens, and nobody else can take its port
            bound.bind(("127.0.0.1", 0))
            yield FaultyUpstream(dialect, f"http://127.0.0.1:{bound.getsockname()[1]}")
        return
    script = _script(_well if fault in ("", "tls") else PLAYS[fault], dialect, times)
    async with serving(script, tls=_untrusted() if fault == "tls" else None) as server:
        yield FaultyUpstream(dialect, server.url, server)


@contextlib.asynccontextmanager
async def well(dialect: str) -> AsyncIterator[FaultyUpstream]:
    """One that answers."""
    async with faulty("", dialect, times=0) as upstream:
        yield upstream
