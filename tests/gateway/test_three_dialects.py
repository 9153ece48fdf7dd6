# ruff: noqa: SIM117 - servers outside, calls inside
"""Three kinds of callers, three kinds of providers: streams that are slow, broken, or left by their caller."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from dragoman.simulator.app import SimulatorSettings
from dragoman.simulator.app import app as simulator
from dragoman.simulator.faults import Faults
from tests.gateway.serving import KEY, gateway, serving, until

PROVIDERS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}
PAST_THE_FIRST_CONTENT = {"openai": 3, "anthropic": 5, "gemini": 1}
WORDS = "Tell me a story."
CALLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": (
        "/v1/chat/completions",
        {"model": "m", "stream": True, "messages": [{"role": "user", "content": WORDS}]},
    ),
    "anthropic": (
        "/v1/messages",
        {"model": "m", "stream": True, "max_tokens": 100, "messages": [{"role": "user", "content": WORDS}]},
    ),
    "gemini": (
        "/v1beta/models/m:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": WORDS}]}]},
    ),
    "gemini-array": (
        "/v1beta/models/m:streamGenerateContent",
        {"contents": [{"role": "user", "parts": [{"text": WORDS}]}]},
    ),
}
WHOLE = {
    "openai": ("/v1/chat/completions", {**CALLERS["openai"][1], "stream": False}),
    "anthropic": ("/v1/messages", {**CALLERS["anthropic"][1], "stream": False}),
    "gemini": ("/v1beta/models/m:generateContent", CALLERS["gemini"][1]),
}
SETTINGS: dict[str, Any] = {
    "general_settings": {"master_key": KEY, "keep_alive_seconds": 0.05},
    "router_settings": {"num_retries": 0},
}


@contextlib.asynccontextmanager
async def in_front_of(provider: str, faults: str = "") -> AsyncIterator[tuple[str, str]]:
    """A gateway in front of a simulated provider: the addresses of both."""
    async with serving(
        simulator(SimulatorSettings(0, Faults().with_changes(faults) if faults else Faults(), False))
    ) as there:
        params = {"model": f"{provider}/{PROVIDERS[provider]}", "api_base": there, "api_key": "sk-provider-key"}
        async with gateway([{"model_name": "m", "litellm_params": params}], **SETTINGS) as here:
            yield here, there


async def open_calls(there: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(f"{there}/_simulator/calls") as reply:
        return int((await reply.json())["open"])


async def no_calls(there: str) -> bool:
    return not await open_calls(there)


def events(caller: str, text: str) -> list[Any]:
    """The stream's events as its SDK would see them, comments left out."""
    if caller == "gemini-array":
        parsed: list[Any] = orjson.loads(text)
        return parsed
    lines = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
    return [orjson.loads(line) for line in lines if line != "[DONE]"]


def ended_well(caller: str, found: list[Any]) -> bool:
    if caller == "openai":
        return any(choice.get("finish_reason") for event in found for choice in event.get("choices") or ())
    if caller == "anthropic":
        return bool(found[-1]["type"] == "message_stop")
    return any(c.get("finishReason") for event in found for c in event.get("candidates") or ())


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_slow_stream_is_kept_alive(client: aiohttp.ClientSession, caller: str, provider: str) -> None:
    path, body = CALLERS[caller]
    async with in_front_of(provider, "latency=0.2; slow-first=0.1") as (here, _):
        async with client.post(f"{here}{path}", json=body) as reply:
            text = await reply.text()
    assert reply.status == 200
    assert ended_well(caller, events(caller, text))
    if caller == "gemini-array":
        assert reply.headers["content-type"] == "application/json"
        assert text.startswith("\n\n")
    else:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert text.startswith("\n\n" if caller == "gemini" else ": keep-alive\n\n: keep-alive\n\n")


@pytest.mark.parametrize("fault", ["cut={}", "error-after={}", "latency=0.15; error=503", "slow-first=0.15; cut=0"])
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("caller", CALLERS)
async def test_a_stream_that_breaks_ends_in_an_error(
    client: aiohttp.ClientSession, caller: str, provider: str, fault: str
) -> None:
    path, body = CALLERS[caller]
    async with in_front_of(provider, fault.format(PAST_THE_FIRST_CONTENT[provider])) as (here, _):
        async with client.post(f"{here}{path}", json=body) as reply:
            text = await reply.text()
    assert reply.status == 200
    found = events(caller, text)
    assert "error" in found[-1], text
    assert not ended_well(caller, found)
    assert "[DONE]" not in text


@pytest.mark.parametrize(
    ("caller", "fault"),
    [("whole", "hang=1"), ("whole", "latency=20")]
    + [(caller, fault) for caller in CALLERS for fault in ("hang=1", "slow-first=20", "stall=3")],
)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_provider_is_left_when_the_caller_leaves(
    client: aiohttp.ClientSession, caller: str, provider: str, fault: str
) -> None:
    path, body = WHOLE["openai"] if caller == "whole" else CALLERS[caller]
    async with in_front_of(provider, fault) as (here, there):

        async def ask() -> None:
            async with client.post(f"{here}{path}", json=body) as reply:
                await reply.read()

        asked = asyncio.create_task(ask())
        async with asyncio.timeout(5):
            await until(lambda: open_calls(there))
            await asyncio.sleep(0.05)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            await until(lambda: no_calls(there))


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("caller", WHOLE)
async def test_whole_answers_and_errors(client: aiohttp.ClientSession, caller: str, provider: str) -> None:
    path, body = WHOLE[caller]
    async with in_front_of(provider) as (here, _):
        async with client.post(f"{here}{path}", json=body) as reply:
            assert reply.status == 200, await reply.text()
            assert reply.headers["x-dragoman-provider"] == provider
            assert reply.headers["x-dragoman-model"] == PROVIDERS[provider]
    async with in_front_of(provider, "error=429; retry-after=3") as (here, _):
        async with client.post(f"{here}{path}", json=body) as reply:
            assert (reply.status, reply.headers["retry-after"]) == (429, "3")
            assert (await reply.json())["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
async def test_anthropics_beta_headers_reach_anthropic(client: aiohttp.ClientSession, stream: bool) -> None:
    body = {**CALLERS["anthropic"][1], "stream": stream}
    headers = {"anthropic-beta": "interleaved-thinking-2025-05-14", "anthropic-version": "2023-06-01"}
    async with in_front_of("anthropic") as (here, there):
        async with client.post(f"{here}/v1/messages?beta=true", json=body, headers=headers) as reply:
            assert reply.status == 200, await reply.text()
            await reply.read()
        async with client.get(f"{there}/_simulator/last") as reply:
            last = await reply.json()
    assert "interleaved-thinking-2025-05-14" in str(last)
