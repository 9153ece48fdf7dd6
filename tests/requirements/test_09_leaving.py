"""Requirement 9: whoever leaves takes the upstream call along, within 100 ms, wherever the call stands."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from tests.gateway.serving import until
from tests.requirements.serving import CALLERS, KEY, MODELS, asked, gateway
from tests.requirements.test_08_fallbacks import listed
from tests.upstreams.faulty import SAID, faulty

SECONDS = 0.1
# fault of the upstream, streamed, what the caller has read when he leaves
MOMENTS: dict[str, tuple[str, bool, bytes]] = {
    "whole, before the headers": ("slow headers", False, b""),
    "whole, in the body": ("stall", False, b""),
    "streamed, before the headers": ("slow headers", True, b""),
    "streamed, before the first content": ("slow first content", True, b""),
    "streamed, after the first content": ("stall", True, SAID.encode()),
}


async def call(here: str, caller: str, *, stream: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address, (path, body) = urlsplit(here), asked(caller, stream=stream)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    data = orjson.dumps(body)
    head = f"POST {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(data)}\r\n\r\n"
    writer.write(head.encode() + data)
    await writer.drain()
    return reader, writer


async def leave(writer: asyncio.StreamWriter) -> float:
    writer.close()
    left = time.monotonic()
    await writer.wait_closed()
    return left


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("caller", CALLERS)
async def test_the_upstream_call_ends(caller: str, moment: str) -> None:
    fault, stream, read = MOMENTS[moment]
    for provider in MODELS:
        async with (
            faulty(fault, provider) as upstream,
            gateway([listed("m", upstream)], router_settings={"num_retries": 2}) as here,
        ):
            reader, writer = await call(here, caller, stream=stream)
            await until(lambda: upstream.asked)
            if read:
                await reader.readuntil(read)
            left = await leave(writer)
            closed = await upstream.closed()
            assert closed - left <= SECONDS, (provider, closed - left)
            assert upstream.asked == 1, "nobody asks again for one who has left"


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_while_a_retry_waits_is_not_asked_for_again(stream: bool) -> None:
    settings: dict[str, Any] = {"num_retries": 3, "retry_after": 0.4}
    async with faulty("500", "openai") as upstream, gateway([listed("m", upstream)], router_settings=settings) as here:
        _, writer = await call(here, "openai", stream=stream)
        await until(lambda: upstream.asked)
        await asyncio.sleep(0.05)  # it waits now
        await leave(writer)
        await asyncio.sleep(0.6)
        assert upstream.asked == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_a_hedged_call_ends_both(stream: bool) -> None:
    async with (
        faulty("slow headers", "openai") as first,
        faulty("slow headers", "anthropic") as second,
        gateway([listed("m", first), listed("m", second)], router_settings={"hedge": {"after": 0.1}}) as here,
    ):
        _, writer = await call(here, "openai", stream=stream)
        await until(lambda: first.asked and second.asked)
        left = await leave(writer)
        assert max(await first.closed(), await second.closed()) - left <= SECONDS
        assert (first.asked, second.asked) == (1, 1)
