"""No cache keeps the names and words that a caller or a provider makes up, however long they are."""

from __future__ import annotations

import asyncio
import gc
import io
import tracemalloc
from typing import Any

import aiohttp
import orjson
import pytest

from tests.gateway.serving import KEY, Upstream, chat_reply, gateway, model, serving, until

LONG = "long_name" * 2**18
CHAT = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
_TOOL = {"type": "function", "function": {"name": LONG, "parameters": {"type": "object", "properties": {LONG: {}}}}}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "field": ("/v1/chat/completions", {**CHAT, LONG: 1}),
    "field of extra_body": ("/v1/chat/completions", {**CHAT, "extra_body": {LONG: 1}}),
    "user": ("/v1/chat/completions", {**CHAT, "user": LONG}),
    "session": ("/v1/chat/completions", {**CHAT, "metadata": {"session_id": LONG}}),
    "cache key": ("/v1/chat/completions", {**CHAT, "prompt_cache_key": LONG}),
    "tier": ("/v1/chat/completions", {**CHAT, "service_tier": LONG}),
    "tag": ("/v1/chat/completions", {**CHAT, "metadata": {"tags": [LONG]}}),
    "tool": ("/v1/chat/completions", {**CHAT, "tools": [_TOOL]}),
    "messages field": ("/v1/messages", {**CHAT, "max_tokens": 5, LONG: 1}),
    "gemini field": ("/v1beta/models/smart:generateContent", {**GEMINI, LONG: 1}),
    "gemini config": ("/v1beta/models/smart:generateContent", {**GEMINI, "generationConfig": {LONG: 1}}),
    "gemini part": ("/v1beta/models/smart:generateContent", {"contents": [{"parts": [{"text": "hi", LONG: 1}]}]}),
}


async def _forgetful(upstream: Upstream) -> None:
    upstream.bodies.clear()
    await upstream.json(chat_reply())


async def _nothing_stays(url: str, path: str, body: dict[str, Any]) -> None:
    """Assert that nothing large stays after a call, once its tasks have ended."""
    async with aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session:

        async def call(part: int) -> None:
            text = orjson.dumps(body).replace(b"long_name", b"long%d_name" % part)
            async with session.post(url + path, data=io.BytesIO(text)) as reply:
                await reply.read()

        await call(0)
        gc.collect()
        tracemalloc.start()
        await call(1)
        try:
            async with asyncio.timeout(5):
                await until(_is_free)
        finally:
            tracemalloc.stop()


def _is_free() -> bool:
    gc.collect()
    return tracemalloc.get_traced_memory()[0] < 2**20


@pytest.mark.parametrize("call", CALLS)
async def test_no_name_of_a_caller_is_kept(call: str) -> None:
    async with serving(Upstream(_forgetful)) as upstream, gateway([model(upstream)]) as url:
        await _nothing_stays(url, *CALLS[call])


async def test_no_word_of_a_provider_is_kept() -> None:
    calls = 0

    async def reply(upstream: Upstream) -> None:
        nonlocal calls
        calls += 1
        words = {"service_tier": f"{calls}{LONG}", "speed": f"{calls}{LONG}"}
        await upstream.json({**chat_reply(), **words, "usage": {"prompt_tokens": 1, "completion_tokens": 1, **words}})

    async with serving(Upstream(reply)) as upstream, gateway([model(upstream)]) as url:
        await _nothing_stays(url, "/v1/chat/completions", CHAT)
