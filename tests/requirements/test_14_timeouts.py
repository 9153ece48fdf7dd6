"""Requirement 14: connect, first content, idle and total each end a call when they are due, whoever is asked and however."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp

import dragoman
from dragoman.simulator import app
from tests.requirements.serving import BASES, MODELS, asked, deployment, events, gateway, serving
from tests.upstreams import raw

LIMIT = 3.0
STORY = "[[words: 300]]"

# name -> (streamed, where it stops, the setting that ends it)
CELLS: dict[str, tuple[bool, str, str]] = {
    "connect": (False, "no handshake", "connect_timeout"),
    "connect, streamed": (True, "no handshake", "connect_timeout"),
    "total": (False, "hang", "timeout"),
    "total, dripping": (True, "rate=20", "timeout"),
    "first content, no headers": (True, "hang", "stream_timeout"),
    "first content, headers only": (True, "slow-first=30", "stream_timeout"),
    "idle, half a body": (False, "half", "idle_timeout"),
    "idle, silent stream": (True, "stall={}", "idle_timeout"),
}
PAST_THE_FIRST_CONTENT = {"openai": 3, "anthropic": 5, "gemini": 2}


async def half(link: raw.Link) -> None:
    await link.request()
    await link.send(raw.answer(b'{"id": "1", ' + b" " * 100)[:-50])
    await link.until_closed()


@contextlib.asynccontextmanager
async def upstreams() -> AsyncIterator[Callable[[str, str], tuple[str, str]]]:
    """Gives, for a provider and a place to stop at, the address and the fault."""
    async with serving(app()) as simulator, raw.serving(half) as halves:

        def found(provider: str, fault: str) -> tuple[str, str]:
            if fault == "half":
                return halves.url, ""
            if fault == "no handshake":  # it waits for more of a request, and never shakes hands
                return halves.url.replace("http:", "https:"), ""
            return simulator, fault.format(PAST_THE_FIRST_CONTENT[provider])

        yield found


async def measure(calls: Mapping[str, Awaitable[str]]) -> None:
    """Hold what ended each call, and when. All run at once."""

    async def timed(call: Awaitable[str]) -> tuple[str, float]:
        began = time.monotonic()
        return await call, time.monotonic() - began

    results = dict(zip(calls, await asyncio.gather(*map(timed, calls.values())), strict=True))
    assert len(results) == len(CELLS) * len(MODELS)
    assert {name: code for name, (code, _) in results.items()} == dict.fromkeys(calls, "timeout")
    late = {name: took for name, (_, took) in results.items() if not LIMIT * 0.99 <= took <= LIMIT * 1.1}
    assert not late, f"of {LIMIT} s: {late}"


async def test_limits_of_a_deployment(client: aiohttp.ClientSession) -> None:
    models: list[dict[str, Any]] = []

    async def call(here: str, alias: str, stream: bool) -> str:
        path, body = asked("openai", STORY, model=alias, stream=stream)
        async with client.post(here + path, json=body) as reply:
            text = await reply.text()
            if reply.status == 200:
                assert "[DONE]" not in text
                return str(events(text)[-1]["error"]["code"])
            assert reply.status == 408
            return str((await reply.json())["error"]["code"])

    async with upstreams() as found:
        calls: dict[str, tuple[str, bool]] = {}
        for provider in MODELS:
            for cell, (stream, fault, setting) in CELLS.items():
                there, named = found(provider, fault)
                alias = f"{provider} {cell}"
                models.append(deployment(there, provider, alias, fault=named, **{setting: LIMIT}))
                calls[alias] = (alias, stream)
        async with gateway(models, router_settings={"num_retries": 0}) as here:
            await measure({name: call(here, alias, stream) for name, (alias, stream) in calls.items()})


async def test_limits_of_a_call_of_the_sdk() -> None:
    async def call(stream: bool, **params: Any) -> str:
        messages = [{"role": "user", "content": STORY}]
        try:
            answer: Any = await dragoman.acompletion(
                messages=messages, stream=stream, num_retries=0, api_key="k" * 9, **params
            )
            async for _ in answer:
                pass
        except dragoman.Timeout as error:
            return str(error.code)
        return "it ended"

    async with upstreams() as found:
        calls = {}
        for provider, model in MODELS.items():
            for cell, (stream, fault, setting) in CELLS.items():
                there, named = found(provider, fault)
                name = f"{provider}/{model}" + (f"[{named}]" if named else "")
                calls[f"{provider} {cell}"] = call(
                    stream, model=name, api_base=there + BASES[provider], **{setting: LIMIT}
                )
        await measure(calls)


async def test_the_defaults_are_sane() -> None:
    settings = dragoman.routing.RouterSettings()
    assert (settings.connect_timeout, settings.stream_timeout, settings.idle_timeout, settings.timeout) == (
        10,
        120,
        120,
        600,
    )
