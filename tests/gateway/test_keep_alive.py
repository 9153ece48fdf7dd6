# ruff: noqa: SIM117 - servers outside, calls inside
"""Something is sent at least every interval, also before the provider has said anything."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import orjson
import pytest

from tests.gateway.serving import KEY, Upstream, chat_chunks, gateway, model, serving

CHAT = {"model": "smart", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
SETTINGS: dict[str, Any] = {
    "general_settings": {"master_key": KEY, "keep_alive_seconds": 0.05},
    "router_settings": {"num_retries": 0},
}
SIGN = ": keep-alive\n\n"


async def slow(up: Upstream) -> None:
    await asyncio.sleep(0.3)
    await up.stream(chat_chunks("Hel"))


async def slow_in_the_middle(up: Upstream) -> None:
    events = chat_chunks("Hel", "lo")
    await up.stream(events[:2], end=False)
    await asyncio.sleep(0.3)
    for event in events[2:]:
        await up.send(event)
    await up.send(b"", more=False)


async def fails_late(up: Upstream) -> None:
    await asyncio.sleep(0.2)
    await up.json({"error": {"message": "too busy"}}, 503)


async def test_before_the_provider_answers(client: aiohttp.ClientSession) -> None:
    async with serving(Upstream(slow)) as there, gateway([model(there)], **SETTINGS) as here:
        reply = await client.post(f"{here}/v1/chat/completions", json=CHAT)
        text = await reply.text()
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["x-dragoman-request-id"]
    assert text.count(SIGN) >= 3
    assert text.startswith(SIGN)
    assert text.endswith("data: [DONE]\n\n")
    assert '"Hel"' in text


async def test_in_the_middle(client: aiohttp.ClientSession) -> None:
    async with serving(Upstream(slow_in_the_middle)) as there, gateway([model(there)], **SETTINGS) as here:
        reply = await client.post(f"{here}/v1/chat/completions", json=CHAT)
        text = await reply.text()
    assert reply.headers["x-dragoman-provider"] == "openai"
    assert text.count(SIGN) >= 3
    assert not text.startswith(SIGN)
    for event in text.split("\n\n"):
        assert event in ("", "data: [DONE]", ": keep-alive") or orjson.loads(event.removeprefix("data: "))


async def test_a_late_failure_is_an_error_event(client: aiohttp.ClientSession) -> None:
    async with serving(Upstream(fails_late)) as there, gateway([model(there)], **SETTINGS) as here:
        reply = await client.post(f"{here}/v1/chat/completions", json=CHAT)
        text = await reply.text()
    assert reply.status == 200
    last = text.rstrip().rsplit("\n\n", 1)[-1]
    assert "error" in orjson.loads(last.removeprefix("data: "))
    assert "[DONE]" not in text


async def test_a_quick_answer_has_no_sign_of_life(client: aiohttp.ClientSession) -> None:
    upstream = Upstream(lambda up: up.stream(chat_chunks("Hel")))
    async with serving(upstream) as there, gateway([model(there)]) as here:
        reply = await client.post(f"{here}/v1/chat/completions", json=CHAT)
        assert SIGN not in await reply.text()


@pytest.mark.parametrize("seconds", [0.0, 0.1])
async def test_a_caller_who_leaves_before_the_answer_gets_no_more(seconds: float) -> None:
    upstream = Upstream(slow)
    async with serving(upstream) as there, gateway([model(there)], **SETTINGS) as here:
        async with aiohttp.ClientSession(headers={"x-api-key": KEY}) as session:

            async def ask() -> None:
                async with session.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
                    await reply.read()

            asked = asyncio.create_task(ask())
            await asyncio.wait_for(upstream.asked.wait(), 5)
            await asyncio.sleep(seconds)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            await asyncio.wait_for(upstream.left.wait(), 5)
