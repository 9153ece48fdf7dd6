"""Requirement 14: connect, first content, idle and total each end a call, whoever is asked and however.

Which limit ended a call is told by its message, and the others are far longer, so nothing here looks at a clock."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import aiohttp

import dragoman
from dragoman.simulator import app
from tests.requirements.serving import BASES, MODELS, asked, deployment, events, gateway, serving
from tests.upstreams import raw

LIMIT = 2.0
STORY = "[[words: 300]]"

MESSAGES = {
    "connect_timeout": r"longer than the connect timeout of 2 s",
    "stream_timeout": r"no first content within 2 s",
    "idle_timeout": r"longer than the idle timeout of 2 s",
    # Part of the time may be gone before the provider is asked, or on a busy machine before its first content is here.
    "timeout": r"(?:longer than the (?:total|connect) timeout of|no first content within) (?:2|1\.\d+) s",
}
"""The setting -> how a call that it ended is told."""

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


async def hold(calls: Mapping[str, Awaitable[tuple[str, str]]]) -> None:
    """Hold the code and the message with which each call ended. All run at once."""
    async with asyncio.timeout(60):  # the limits that are not set are longer, or run out with another message
        results = dict(zip(calls, await asyncio.gather(*calls.values()), strict=True))
    assert len(results) == len(CELLS) * len(MODELS)
    assert {name: code for name, (code, _) in results.items()} == dict.fromkeys(calls, "timeout")
    wanted = {f"{provider} {cell}": MESSAGES[setting] for provider in MODELS for cell, (*_, setting) in CELLS.items()}
    others = {name: message for name, (_, message) in results.items() if not re.search(wanted[name], message)}
    assert not others


async def test_limits_of_a_deployment(client: aiohttp.ClientSession) -> None:
    models: list[dict[str, Any]] = []

    async def call(here: str, alias: str, stream: bool) -> tuple[str, str]:
        path, body = asked("openai", STORY, model=alias, stream=stream)
        async with client.post(here + path, json=body) as reply:
            text = await reply.text()
            if reply.status == 200:
                assert "[DONE]" not in text
                error = events(text)[-1]["error"]
            else:
                assert reply.status == 408
                error = (await reply.json())["error"]
            return error["code"], error["message"]

    async with upstreams() as found:
        calls: dict[str, tuple[str, bool]] = {}
        for provider in MODELS:
            for cell, (stream, fault, setting) in CELLS.items():
                there, named = found(provider, fault)
                alias = f"{provider} {cell}"
                models.append(deployment(there, provider, alias, fault=named, **{setting: LIMIT}))
                calls[alias] = (alias, stream)
        async with gateway(models, router_settings={"num_retries": 0}) as here:
            await hold({name: call(here, alias, stream) for name, (alias, stream) in calls.items()})


async def test_limits_of_a_call_of_the_sdk() -> None:
    async def call(stream: bool, **params: Any) -> tuple[str, str]:
        messages = [{"role": "user", "content": STORY}]
        try:
            answer: Any = await dragoman.acompletion(
                messages=messages, stream=stream, num_retries=0, api_key="k" * 9, **params
            )
            async for _ in answer:
                pass
        except dragoman.Timeout as error:
            return str(error.code), error.message
        return "it ended", ""

    async with upstreams() as found:
        calls = {}
        for provider, model in MODELS.items():
            for cell, (stream, fault, setting) in CELLS.items():
                there, named = found(provider, fault)
                name = f"{provider}/{model}" + (f"[{named}]" if named else "")
                calls[f"{provider} {cell}"] = call(
                    stream, model=name, api_base=there + BASES[provider], **{setting: LIMIT}
                )
        await hold(calls)


async def test_the_defaults_are_sane() -> None:
    settings = dragoman.routing.RouterSettings()
    assert (settings.connect_timeout, settings.stream_timeout, settings.idle_timeout, settings.timeout) == (
        10,
        120,
        120,
        600,
    )
