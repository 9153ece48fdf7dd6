"""A caller who hangs up: the connection to the provider is closed too, at every point of a call."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from dragoman.gateway.http.connection import Connection
from dragoman.gateway.http.disconnect import DisconnectWatch
from tests.gateway.serving import KEY, Upstream, chat_chunks, gateway, model, serving

Script = Callable[[Upstream], Awaitable[None]]
SERVERS = pytest.mark.parametrize("server", [Connection, "auto"], ids=["ours", "any"])
"""Ours tells at once that a caller has left; of any other it has to be asked."""


async def call(here: str, stream: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(here)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    body = orjson.dumps({"model": "smart", "stream": stream, "messages": [{"role": "user", "content": "hi"}]})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def before_the_headers(up: Upstream) -> None:
    await asyncio.sleep(30)


async def before_the_first_content(up: Upstream) -> None:
    await up.start(200, {"content-type": "text/event-stream"})
    await asyncio.sleep(30)


async def in_the_middle(up: Upstream) -> None:
    await up.stream(chat_chunks("a", "b")[:-2], end=False)
    await asyncio.sleep(30)


async def while_data_flows(up: Upstream) -> None:
    await up.start(200, {"content-type": "text/event-stream"})
    while True:
        await up.send(chat_chunks("some words")[1])
        await asyncio.sleep(0.002)


async def in_the_middle_of_a_body(up: Upstream) -> None:
    await up.start(200, {"content-type": "application/json", "content-length": "1000"})
    await up.send(b'{"id":')
    await asyncio.sleep(30)


@SERVERS
@pytest.mark.parametrize(
    ("script", "stream", "until"),
    [
        (before_the_headers, True, b""),
        (before_the_headers, False, b""),
        (before_the_first_content, True, b""),
        (in_the_middle_of_a_body, False, b""),
        (in_the_middle, True, b'"b"'),
        (while_data_flows, True, b"words"),
    ],
)
async def test_the_provider_is_left_when_the_caller_leaves(
    script: Script, stream: bool, until: bytes, server: Any
) -> None:
    upstream = Upstream(script)
    async with serving(upstream) as there, gateway([model(there)], server) as here:
        reader, writer = await call(here, stream)
        await asyncio.wait_for(upstream.asked.wait(), 5)
        if until:
            await asyncio.wait_for(reader.readuntil(until), 5)
        await asyncio.sleep(0.05)
        assert not upstream.left.is_set()
        left = time.monotonic()
        writer.close()
        await asyncio.wait_for(upstream.left.wait(), 5)
        taken = time.monotonic() - left
    assert len(upstream.bodies) == 1, "a call whose caller has left is not tried again"
    assert taken < 1, f"took {taken:.3f} s"


async def test_a_caller_who_only_closes_his_side_for_writing_is_still_answered() -> None:
    upstream = Upstream(lambda up: up.stream(chat_chunks("a", "b")))
    async with serving(upstream) as there, gateway([model(there)]) as here:
        reader, writer = await call(here, True)
        answer = await asyncio.wait_for(reader.readuntil(b"[DONE]"), 5)
        assert b"200 OK" in answer
        writer.close()


@SERVERS
async def test_a_caller_who_does_not_read_stops_the_provider(server: Any) -> None:
    sent = 0

    async def endless(up: Upstream) -> None:
        nonlocal sent
        await up.start(200, {"content-type": "text/event-stream"})
        event = chat_chunks("x" * 10_000)[1]
        while True:
            await up.send(event)
            sent += len(event)
            await asyncio.sleep(0)

    upstream = Upstream(endless)
    async with serving(upstream) as there, gateway([model(there)], server) as here:
        _, writer = await call(here, True)
        await asyncio.wait_for(upstream.asked.wait(), 5)
        before = -1
        while sent != before:  # until nothing more is taken
            before = sent
            await asyncio.sleep(0.3)
        writer.transport.abort()
        await asyncio.wait_for(upstream.left.wait(), 5)
    assert 0 < sent < 40_000_000


@SERVERS
async def test_a_connection_serves_several_calls(server: Any) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)], server) as here:
        address = urlsplit(here)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        body = b'{"model":"smart","messages":[{"role":"user","content":"hi"}]}'
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nx-api-key: {KEY}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        for _ in range(20):
            writer.write(head.encode() + body)
            assert b"200 OK" in await asyncio.wait_for(reader.readuntil(b'"total_tokens":5}}'), 5)
        writer.close()


async def test_a_request_is_let_go_at_its_end() -> None:
    """Not when the collector comes by: a body may be large."""

    class Body:
        pass

    async def serve(body: Body) -> None:
        async def receive() -> dict[str, object]:
            await asyncio.Event().wait()
            return {"type": "http.request", "body": body}

        async with DisconnectWatch(receive):
            await asyncio.sleep(0)

    body = Body()
    seen = weakref.ref(body)
    gc.disable()
    try:
        await asyncio.create_task(serve(body))
        del body
        await asyncio.sleep(0)
        assert seen() is None
    finally:
        gc.enable()
