"""Large answers come whole, in whatever form and in however many network reads."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest

import dragoman
from tests.upstreams.raw import CHUNKED, END, Link, answer, chunk, serve, serving

TEXT = "".join(f"{number:07d} " for number in range(125_000))
"""A megabyte in which every piece has its place."""
_MESSAGE = {"role": "assistant", "content": TEXT}
BODIES: dict[str, Any] = {
    "openai": {
        "id": "c1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}],
    },
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "gemini": {
        "candidates": [{"content": {"role": "model", "parts": [{"text": TEXT}]}, "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
    },
}


async def _text(url: str, provider: str, *, stream: bool) -> str:
    async with asyncio.timeout(10):
        options: dict[str, Any] = {"api_base": url, "api_key": "key", "num_retries": 0}
        messages: Any = [{"role": "user", "content": "hi"}]
        answer: Any = await dragoman.acompletion(f"{provider}/m", messages, stream=stream, **options)
        if not stream:
            return str(answer.choices[0].message.content)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in answer if chunk.choices])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", BODIES)
async def test_json_comes_whole(provider: str, stream: bool) -> None:
    """Also where a stream was requested, and where the body begins in a network read of its own."""
    body = json.dumps(BODIES[provider]).encode()

    async def script(link: Link) -> None:
        await link.request()
        await link.send(CHUNKED + chunk(b"\n"))
        await asyncio.sleep(0.01)
        await link.send(chunk(body) + END)

    async with serving(script) as server:
        assert await _text(server.url, provider, stream=stream) == TEXT


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", BODIES)
async def test_compressed_json_comes_whole(provider: str, stream: bool) -> None:
    body = gzip.compress(json.dumps(BODIES[provider]).encode())
    async with serving(serve(answer(body, headers=("content-encoding: gzip",)))) as server:
        assert await _text(server.url, provider, stream=stream) == TEXT


@pytest.mark.parametrize("stream", [False, True])
async def test_a_large_event_comes_whole(stream: bool) -> None:
    delta = {"index": 0, "delta": {"content": TEXT * 4}, "finish_reason": "stop"}
    event = json.dumps({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]})
    pieces = (CHUNKED, chunk(b"data: " + event.encode() + b"\n\n"), chunk(b"data: [DONE]\n\n") + END)
    async with serving(serve(*pieces)) as server:
        assert await _text(server.url, "openai", stream=stream) == TEXT * 4
