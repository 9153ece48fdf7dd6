"""Connections: kept, replaced, limited, closed."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dragoman.transport import Transport
from tests.transport.asking import post
from tests.upstreams.raw import Link, answer, serve, serving


async def test_connections_are_kept(transport: Transport) -> None:
    async with serving(serve(answer())) as up:
        for _ in range(5):
            await (await post(transport, up.url)).read()
        reply = await post(transport, up.url)
        assert [piece async for piece in reply.chunks()] == [b"{}"]
        await (await post(transport, up.url)).aclose()
        await (await post(transport, up.url)).read()
        assert len(up.links) == 1


@pytest.mark.parametrize("seen", [True, False], ids=["the loop saw it", "the loop has not seen it"])
async def test_a_connection_that_the_server_ended_is_replaced(transport: Transport, seen: bool) -> None:
    ended = asyncio.Event()

    async def script(link: Link) -> None:
        await link.request()
        await link.send(answer())
        await asyncio.sleep(0.05)
        link.writer.transport.abort()
        ended.set()

    async with serving(script) as up:
        await (await post(transport, up.url)).read()
        await ended.wait()
        if seen:
            await asyncio.sleep(0.05)
        assert await (await post(transport, up.url)).read() == b"{}"
        assert [len(link.requests) for link in up.links] == [1, 1]


async def test_what_nobody_asked_for_is_never_taken_for_an_answer(transport: Transport) -> None:
    async def script(link: Link) -> None:
        await link.request()
        await link.send(answer(b"first"))
        await asyncio.sleep(0.05)
        await link.send(answer(b"stray"))
        await link.request()
        await link.send(answer(b"second"))

    async with serving(script) as up:
        assert await (await post(transport, up.url)).read() == b"first"
        await asyncio.sleep(0.15)
        assert await (await post(transport, up.url)).read() == b"first"
        assert len(up.links) == 2


async def test_unused_connections_expire() -> None:
    transport = Transport(keepalive=0.2)

    async def script(link: Link) -> None:
        await link.request()
        await link.send(answer())
        await link.until_closed()

    async with serving(script) as up:
        await (await post(transport, up.url)).read()
        async with asyncio.timeout(5):
            await up.links[0].closed.wait()
    await transport.aclose()


async def test_a_limit_per_host_queues() -> None:
    transport = Transport(limit_per_host=2)
    async with serving(serve(answer(), pause=0.01)) as up:

        async def one() -> bytes:
            return await (await post(transport, up.url)).read()

        assert await asyncio.gather(*[one() for _ in range(10)]) == [b"{}"] * 10
        assert len(up.links) == 2
    await transport.aclose()


async def test_no_limit_by_default(transport: Transport) -> None:
    waiting = asyncio.Barrier(151)

    async def script(link: Link) -> None:
        await link.request()
        await waiting.wait()
        await link.send(answer())

    async with serving(script) as up:
        tasks = [asyncio.ensure_future(post(transport, up.url)) for _ in range(150)]
        async with asyncio.timeout(10):
            await waiting.wait()
            replies = await asyncio.gather(*tasks)
        for reply in replies:
            await reply.aclose()


async def test_an_answer_before_the_request_was_taken_ends_the_connection(transport: Transport) -> None:
    async def script(link: Link) -> None:
        await link.reader.readuntil(b"\r\n\r\n")
        link.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await link.send(answer(b"too large", status="413 Content Too Large"))
        await asyncio.sleep(10)

    async with serving(script) as up:
        for _ in range(2):
            reply = await post(transport, up.url, body=bytes(2**24))
            assert (reply.status, await reply.read()) == (413, b"too large")
        assert len(up.links) == 2


async def test_it_opens_again_after_it_was_closed(transport: Transport) -> None:
    async with serving(serve(answer())) as up:
        await (await post(transport, up.url)).read()
        await transport.aclose()
        await transport.aclose()
        await (await post(transport, up.url)).read()
        assert len(up.links) == 2


async def test_it_belongs_to_one_loop(transport: Transport) -> None:
    async with serving(serve(answer())) as up:
        await (await post(transport, up.url)).read()

        def elsewhere() -> None:
            asyncio.run(post(transport, up.url))

        with pytest.raises(RuntimeError, match="belongs to the event loop"):
            await asyncio.to_thread(elsewhere)


def test_the_http_library_is_imported_on_first_use() -> None:
    code = "import sys, dragoman.transport; assert not {'aiohttp', 'yarl', 'ssl_'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)


async def test_the_transport_does_not_delay(transport: Transport) -> None:
    """TCP_NODELAY: a request in two writes does not wait for the server's acknowledgement."""
    async with serving(serve(answer())) as up:
        await (await post(transport, up.url)).read()
        began = time.monotonic()
        for _ in range(10):
            await (await post(transport, up.url, body=bytes(70_000))).read()
        assert time.monotonic() - began < 0.4
