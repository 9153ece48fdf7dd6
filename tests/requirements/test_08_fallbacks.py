"""Requirement 8: what fails before its first content falls over unseen; what fails later ends in the caller's own error event."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import anthropic
import openai
import pytest
from google import genai

from tests.requirements.serving import CALLERS, MODELS, asked, events, gateway, in_front_of
from tests.requirements.test_15_signs_of_life import by_anthropic, by_gemini, by_openai
from tests.upstreams.faulty import SAID, FaultyUpstream, faulty, well

BEFORE = ("refused", "500", "429", "529", "malformed", "error first", "cut before content")
LATER = ("cut in text", "cut in a tool call")
OTHER = {"openai": "anthropic", "anthropic": "gemini", "gemini": "openai"}
SETTINGS: dict[str, Any] = {"router_settings": {"num_retries": 0, "fallbacks": [{"m": ["backup"]}]}}


def listed(alias: str, upstream: FaultyUpstream) -> dict[str, Any]:
    model = f"{upstream.dialect}/{MODELS[upstream.dialect]}"
    return {"model_name": alias, "litellm_params": {"model": model, "api_base": upstream.base, "api_key": "sk-there"}}


@contextlib.asynccontextmanager
async def failing(fault: str, provider: str) -> AsyncIterator[tuple[str, FaultyUpstream, FaultyUpstream]]:
    """A gateway whose `m` has the fault, and whose `backup` is well and speaks another dialect."""
    async with (
        faulty(fault, provider) as first,
        well(OTHER[provider]) as second,
        gateway([listed("m", first), listed("backup", second)], **SETTINGS) as here,
    ):
        yield here, first, second


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("fault", BEFORE)
async def test_before_the_first_content_nobody_sees_it(
    client: aiohttp.ClientSession, fault: str, provider: str
) -> None:
    async with failing(fault, provider) as (here, first, second):
        cells = list(itertools.product(CALLERS, (False, True)))
        for caller, stream in cells:
            path, body = asked(caller, stream=stream)
            async with client.post(here + path, json=body) as reply:
                text = await reply.text()
            assert reply.status == 200, text
            assert SAID in text
            assert '"error"' not in text
        assert second.asked == len(cells)
        assert first.asked <= len(cells)


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("fault", LATER)
async def test_later_it_is_the_error_event_of_the_callers_dialect(
    client: aiohttp.ClientSession, fault: str, provider: str
) -> None:
    async with failing(fault, provider) as (here, first, second):
        for number, caller in enumerate(CALLERS, 1):
            path, body = asked(caller, stream=True)
            async with client.post(here + path, json=body) as reply:
                text = await reply.text()
            assert reply.status == 200
            if fault == "cut in text":
                assert text.count(SAID) == 1, "said once, and not again by the backup"
            last = events(text)[-1]
            assert "error" in last, text
            assert last.get("type") == ("error" if caller == "anthropic" else None)
            assert "data: [DONE]" not in text
            assert (first.asked, second.asked) == (number, 0)


async def read(sdk: Callable[[str], AsyncIterator[str]], here: str, heard: list[str]) -> None:
    async for text in sdk(here):
        heard.append(text)


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")
@pytest.mark.parametrize("provider", MODELS)
async def test_the_official_sdks_raise(provider: str) -> None:
    kinds = {by_openai: openai.APIError, by_anthropic: anthropic.APIStatusError, by_gemini: genai.errors.APIError}
    async with failing("cut in text", provider) as (here, _, second):
        for sdk, kind in kinds.items():
            heard: list[str] = []
            with pytest.raises(kind):
                await read(sdk, here, heard)
            assert "".join(heard) == SAID
        assert second.asked == 0
    async with failing("cut before content", provider) as (here, _, second):
        texts = [[text async for text in sdk(here)] for sdk in kinds]
        assert ["".join(text) for text in texts] == [SAID] * 3


async def test_many_at_once_fall_over_each_for_itself(client: aiohttp.ClientSession) -> None:
    models = [("openai", {"fault": "cut=0"}), ("anthropic", {"alias": "backup"})]
    async with in_front_of(*models, **SETTINGS) as (here, _):

        async def one(number: int) -> str:
            path, body = asked("openai", f"number {number}.", stream=True)
            async with client.post(here + path, json=body) as reply:
                chunks = events(await reply.text())
            return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])

        assert await asyncio.gather(*map(one, range(20))) == [f"You said: number {n}." for n in range(20)]
