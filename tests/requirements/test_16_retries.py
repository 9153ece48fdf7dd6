"""Requirement 16: a failing provider is asked `1 + num_retries` times, as it counts itself, and not before it said."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

import dragoman
from tests.requirements.serving import CALLERS, MODELS, asked, gateway
from tests.requirements.test_08_fallbacks import OTHER, listed
from tests.upstreams.faulty import faulty

RETRIES = (0, 2)


@contextlib.asynccontextmanager
async def failing(fault: str, provider: str, retries: int, **settings: Any) -> AsyncIterator[Any]:
    """A gateway, and the provider behind it that always fails."""
    router = {"num_retries": retries, **settings}
    async with faulty(fault, provider) as upstream, gateway([listed("m", upstream)], router_settings=router) as here:
        yield here, upstream


@pytest.mark.parametrize("retries", RETRIES)
@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("fault", ["500", "cut before content"])
async def test_every_provider_is_asked_so_often(
    client: aiohttp.ClientSession, fault: str, provider: str, retries: int
) -> None:
    async def one(caller: str, stream: bool) -> None:
        async with failing(fault, provider, retries) as (here, upstream):
            path, body = asked(caller, stream=stream)
            async with client.post(here + path, json=body) as reply:
                assert reply.status >= 500
                told = reply.headers["x-dragoman-attempts"]
            assert upstream.asked == 1 + retries == int(told)

    cells = itertools.product(CALLERS, (False, True))
    await asyncio.gather(*(one(caller, stream) for caller, stream in cells))


@pytest.mark.parametrize("provider", MODELS)
async def test_the_sdk_too(provider: str) -> None:
    async with faulty("503", provider) as upstream:
        said: dict[str, Any] = {"api_base": upstream.base, "api_key": "sk-there", "num_retries": 1}
        with pytest.raises(dragoman.ServiceUnavailableError):
            await dragoman.acompletion(f"{provider}/sim", [{"role": "user", "content": "hi"}], **said)
        assert upstream.asked == 2


@pytest.mark.parametrize("provider", MODELS)
async def test_one_budget_over_deployments_and_fallbacks(client: aiohttp.ClientSession, provider: str) -> None:
    async with (
        faulty("500", provider) as first,
        faulty("500", provider) as second,
        faulty("500", OTHER[provider]) as backup,
        gateway(
            [listed("m", first), listed("m", second), listed("backup", backup)],
            router_settings={"num_retries": 1, "fallbacks": [{"m": ["backup"]}]},
        ) as here,
    ):
        path, body = asked("openai")
        async with client.post(here + path, json=body) as reply:
            assert reply.status == 500
        assert (first.asked, second.asked, backup.asked) == (1, 1, 1), "each target of a fallback adds one"


@pytest.mark.parametrize("provider", MODELS)
async def test_retry_after_is_obeyed(client: aiohttp.ClientSession, provider: str) -> None:
    """Waited for where it fits; else the caller hears of it, and nobody is asked before its time."""
    async with failing("429 with retry-after", provider, 2, timeout=5) as (here, upstream):
        for caller in CALLERS:
            path, body = asked(caller)
            async with client.post(here + path, json=body) as reply:
                assert reply.status == 429
                assert 0 < int(reply.headers["retry-after"]) <= 7
        assert upstream.asked == 1, "it said 7 seconds, and the calls have 5"
    async with faulty("429 in a second", provider, times=1) as upstream, gateway([listed("m", upstream)]) as here:
        path, body = asked("openai")
        began = time.monotonic()
        async with client.post(here + path, json=body) as reply:
            assert reply.status == 200
        assert time.monotonic() - began >= 1.0, "asked again before its time"
        assert upstream.asked == 2
