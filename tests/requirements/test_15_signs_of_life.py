"""Requirement 15: on every streaming route something is sent at least every interval, and the official SDKs take it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import anthropic
import openai
import orjson
import pytest
from google import genai

from dragoman.dialects.framing.sse import write_event
from dragoman.gateway.config.gateway_config import parse_config
from tests.gateway.serving import Upstream, chat_chunks, model
from tests.gateway.test_answers import streamed
from tests.requirements.serving import KEY, MODELS, asked, gateway, in_front_of, serving

INTERVAL = 0.2
SETTINGS: dict[str, Any] = {"general_settings": {"master_key": KEY, "keep_alive_seconds": INTERVAL}}
KEEP_ALIVE = b": keep-alive\n\n"
"""A comment, which every reader of events ignores."""
SLOW = "latency=0.5; slow-first=0.5; stall={}; stall-for=0.5"
"""Silent before the headers, between headers and content, and in the midst of the content."""
PAST_THE_FIRST_CONTENT = {"openai": 3, "anthropic": 5, "gemini": 1}
ROUTES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": asked("openai", stream=True),
    "messages": asked("anthropic", stream=True),
    "gemini": asked("gemini", stream=True),
    "gemini, array": ("/v1beta/models/m:streamGenerateContent", asked("gemini")[1]),
    "completions": ("/v1/completions", {"model": "m", "prompt": "Hello there", "stream": True}),
}


def slow(provider: str) -> tuple[str, dict[str, Any]]:
    return provider, {"fault": SLOW.format(PAST_THE_FIRST_CONTENT[provider])}


SIGNS = 2
"""So many must have come before an upstream says more."""


class Reluctant:
    """An upstream of any provider that is silent three times, each time until its caller's caller has seen signs of life: before
    the headers, before the content, and in the midst of it."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._signs = asyncio.Semaphore(0)
        self.upstream = Upstream(self._answer)

    def saw(self, signs: int) -> None:
        for _ in range(signs):
            self._signs.release()

    async def _silent(self) -> None:
        for _ in range(SIGNS):
            await self._signs.acquire()

    async def _answer(self, upstream: Upstream) -> None:
        first, *rest = self._events(upstream.paths[-1])
        await self._silent()
        await upstream.start(200, {"content-type": "text/event-stream"})
        await self._silent()
        await upstream.send(first)
        await self._silent()
        await upstream.send(b"".join(rest), more=False)

    def _events(self, path: str) -> list[bytes]:
        if path.endswith("/chat/completions"):
            return chat_chunks("Hello ", "there")[1:]
        if path.endswith("/completions"):
            ends = [("Hello ", None), ("there", "stop")]
            choices = [[{"index": 0, "text": text, "finish_reason": end}] for text, end in ends]
            return [*(write_event(orjson.dumps({"id": "c", "choices": each})) for each in choices), b"data: [DONE]\n\n"]
        if self._provider == "anthropic":
            start, block, delta, *rest = streamed("anthropic", "Hello there")
            return [start + block + delta, *rest]
        half = streamed("gemini", "Hello ")[0].replace(b',"finishReason":"STOP"', b"")
        return [half, *streamed("gemini", "there")]


async def read_reluctantly(client: aiohttp.ClientSession, route: str, provider: str) -> tuple[int, str]:
    """The status and the text. Without signs it never ends."""
    path, body = ROUTES[route]
    reluctant = Reluctant(provider)
    settings = {"general_settings": {"master_key": KEY, "keep_alive_seconds": 0.02}}
    async with serving(reluctant.upstream) as there, gateway([model(there, "m", provider)], **settings) as here:
        told = b""
        async with client.post(here + path, json=body) as reply:
            async for piece in reply.content.iter_any():
                told += piece
                blank = len(piece) if not piece.strip() else 0
                reluctant.saw(blank if route.startswith("gemini") else piece.count(KEEP_ALIVE))
    return reply.status, told.decode()


async def test_no_silence_on_any_route(client: aiohttp.ClientSession) -> None:
    """The upstreams wait for the signs, not for a time."""
    cells = list(itertools.product(ROUTES, MODELS))
    async with asyncio.timeout(60):
        told = await asyncio.gather(*(read_reluctantly(client, *cell) for cell in cells))
    for cell, (status, text) in zip(cells, told, strict=True):
        assert status == 200, cell
        assert "Hello" in text, cell
        assert "error" not in text, cell


def test_it_is_on_by_default() -> None:
    config = parse_config({"model_list": [{"model_name": "m", "litellm_params": {"model": "openai/gpt-4o"}}]}, {})
    assert config.keep_alive_seconds == 15


async def by_openai(here: str) -> AsyncIterator[str]:
    async with openai.AsyncOpenAI(base_url=f"{here}/v1", api_key=KEY, max_retries=0) as sdk:
        stream = await sdk.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hello there"}], stream=True
        )
        async for chunk in stream:
            yield chunk.choices[0].delta.content or ""


async def by_anthropic(here: str) -> AsyncIterator[str]:
    async with (
        anthropic.AsyncAnthropic(base_url=here, api_key=KEY, max_retries=0) as sdk,
        sdk.messages.stream(model="m", max_tokens=200, messages=[{"role": "user", "content": "Hello there"}]) as stream,
    ):
        async for text in stream.text_stream:
            yield text


async def by_gemini(here: str) -> AsyncIterator[str]:
    sdk = genai.Client(api_key=KEY, http_options=genai.types.HttpOptions(base_url=here))
    async for chunk in await sdk.aio.models.generate_content_stream(model="m", contents="Hello there"):
        yield chunk.text or ""
    await sdk.aio.aclose()
    sdk.close()


SDKS = (by_openai, by_anthropic, by_gemini)
googles_own = pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")


async def read(sdk: Callable[[str], AsyncIterator[str]], provider: str) -> str:
    async with in_front_of(slow(provider), **SETTINGS) as (here, _):
        return "".join([text async for text in sdk(here)])


@googles_own
async def test_the_official_sdks_take_the_signs() -> None:
    texts = await asyncio.gather(*(read(sdk, provider) for sdk in SDKS for provider in MODELS))
    assert texts == ["You said: Hello there"] * 9


@googles_own
@pytest.mark.parametrize("provider", MODELS)
async def test_a_failure_after_a_sign_is_an_error_of_the_sdk(provider: str) -> None:
    """The status has been sent by then, so only the stream itself can tell."""
    kinds = (openai.APIError, anthropic.APIStatusError, genai.errors.APIError)
    async with in_front_of((provider, {"fault": "latency=0.3; error=429"}), **SETTINGS) as (here, _):
        for sdk, kind in zip(SDKS, kinds, strict=True):
            texts = sdk(here)
            with pytest.raises(kind):
                await anext(texts)


def numbered(chunks: list[bytes]) -> list[bytes]:
    return [b"id: %d\n" % number + chunk for number, chunk in enumerate(chunks)]


NUMBERED = {
    "openai": numbered(chat_chunks("Hello ", "there")),
    "anthropic": numbered(streamed("anthropic", "Hello there")),
    "gemini": numbered(streamed("gemini", "Hello there")),
    "groq": numbered(chat_chunks("Hello ", "there")),
}
"""What providers send who number their events. With a number kept, the openai package takes a comment for an event."""


@googles_own
@pytest.mark.parametrize("provider", NUMBERED)
async def test_the_official_sdks_take_signs_after_numbered_events(provider: str) -> None:
    """The signs come after the first event that a number came with, relayed or written anew."""
    first, *rest = NUMBERED[provider]

    async def answer(upstream: Upstream) -> None:
        await upstream.stream([first, *rest[:-1]] if provider != "gemini" else [first], end=False)
        await asyncio.sleep(5 * 0.05)  # the gateway's timer shares this loop, and is due before
        for event in rest[-1:] if provider != "gemini" else ():
            await upstream.send(event)
        await upstream.send(b"", more=False)

    sections = {"general_settings": {"master_key": KEY, "keep_alive_seconds": 0.05}}
    async with serving(Upstream(answer)) as there, gateway([model(there, "m", provider)], **sections) as here:
        for sdk in SDKS:
            assert "".join([text async for text in sdk(here)]) == "Hello there"
        async with aiohttp.ClientSession() as client:
            path, body = asked("openai", stream=True)
            async with client.post(here + path, json=body, headers={"authorization": f"Bearer {KEY}"}) as reply:
                assert KEEP_ALIVE in await reply.read(), "no sign was sent, and nothing was tried"
