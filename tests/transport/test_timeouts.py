"""Each limit ends the exchange when it is due, with an error that names it."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable

import aiohttp  # noqa: F401 - imported on first use otherwise, which takes its time
import pytest

from dragoman.errors import Timeout
from dragoman.transport import Timeouts, Transport
from tests.transport.asking import post
from tests.upstreams.raw import CHUNKED, Link, RawServer, answer, chunk, serving

LONG = 5.3
"""Above five seconds aiohttp would round up to a whole second of its clock."""


async def misbehave(link: Link) -> None:
    """Stops answering at the point that the path names."""
    target = (await link.request()).target
    if target.startswith("/headers"):
        await link.send(CHUNKED)
    elif target.startswith("/body"):
        await link.send(CHUNKED + chunk(b"one"))
    elif target.startswith("/whole"):
        await link.send(answer(b"x" * 100)[:-50])
    elif target.startswith("/endless"):
        await link.send(b"HTTP/1.1 200 OK\r\n\r\nbegun")
    elif target.startswith("/drip"):
        await link.send(CHUNKED)
        while True:
            await link.send(chunk(b"x"))
            await asyncio.sleep(0.1)
    await link.until_closed()


@pytest.fixture
async def upstream() -> AsyncIterator[RawServer]:
    async with serving(misbehave) as server:
        yield server


async def timed(request: Awaitable[bytes], limit: str, seconds: float) -> None:
    """Hold the error and the moment of a request that must run out of time."""
    began = time.monotonic()
    with pytest.raises(Timeout) as caught:
        await request
    took = time.monotonic() - began
    assert f"the {limit} timeout of {seconds:g} s" in caught.value.message
    assert "127.0.0.1:" in caught.value.message
    assert "secret" not in caught.value.message
    assert seconds * 0.99 <= took <= seconds * 1.1, f"{limit} of {seconds} s fired after {took:.3f} s"


async def body(transport: Transport, url: str, timeouts: Timeouts, *, streamed: bool = False) -> bytes:
    reply = await post(transport, url, timeouts=timeouts)
    async with reply:
        return b"".join([piece async for piece in reply.chunks()]) if streamed else await reply.read()


@pytest.mark.parametrize("seconds", [1.0, LONG])
async def test_each_limit_fires_when_it_is_due(transport: Transport, upstream: RawServer, seconds: float) -> None:
    total = Timeouts(total=seconds)
    idle = Timeouts(idle=seconds)
    connect = Timeouts(connect=seconds)
    url = upstream.url
    tls = url.replace("http:", "https:")  # the upstream waits for more of a request, and never shakes hands
    checks = [
        timed(body(transport, f"{tls}/?key=secret", connect), "connect", seconds),
        timed(body(transport, f"{tls}/?key=secret", Timeouts(connect=60, total=seconds)), "total", seconds),
        timed(body(transport, f"{url}/hang?key=secret", total), "total", seconds),
    ]
    for streamed in (False, True):
        checks += [
            timed(body(transport, f"{url}/{path}?key=secret", total, streamed=streamed), "total", seconds)
            for path in ("headers", "body", "whole", "endless", "drip")
        ]
        checks += [
            timed(body(transport, f"{url}/{path}?key=secret", idle, streamed=streamed), "idle", seconds)
            for path in ("body", "whole", "endless")
        ]
    await asyncio.gather(*checks)


async def test_connecting_to_a_host_that_does_not_answer(transport: Transport) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        place = listener.getsockname()
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(place)
        try:
            url = f"http://127.0.0.1:{place[1]}/?key=secret"
            await timed(body(transport, url, Timeouts(connect=1.0)), "connect", 1.0)
        finally:
            for one in crowd:
                one.close()


async def test_waiting_for_a_place_in_the_pool_is_connecting(upstream: RawServer) -> None:
    transport = Transport(limit_per_host=1)
    holder = await post(transport, f"{upstream.url}/body")
    await timed(body(transport, f"{upstream.url}/hang", Timeouts(connect=1.0)), "connect", 1.0)
    await holder.aclose()
    await transport.aclose()


async def test_idle_does_not_count_until_the_body_has_begun(transport: Transport, upstream: RawServer) -> None:
    limits = Timeouts(idle=0.2, total=1.0)
    await asyncio.gather(
        *[timed(body(transport, f"{upstream.url}/{path}", limits), "total", 1.0) for path in ("hang", "headers")]
    )


async def test_a_slow_reader_is_not_an_idle_provider(transport: Transport, upstream: RawServer) -> None:
    reply = await post(transport, f"{upstream.url}/drip", timeouts=Timeouts(idle=0.3, total=20))
    pieces = reply.chunks()
    assert await anext(pieces)
    await asyncio.sleep(0.8)
    assert await anext(pieces)
    assert await anext(pieces)
    await pieces.aclose()


async def test_a_timeout_closes_the_connection_and_leaves_the_pool_usable(
    transport: Transport, upstream: RawServer
) -> None:
    with pytest.raises(Timeout):
        await body(transport, f"{upstream.url}/body", Timeouts(idle=0.2))
    async with asyncio.timeout(1):
        await upstream.links[0].closed.wait()
    reply = await post(transport, f"{upstream.url}/body")
    assert await anext(reply.chunks()) == b"one"
    await reply.aclose()


async def test_a_cancel_is_a_cancel_and_no_timeout(transport: Transport, upstream: RawServer) -> None:
    task = asyncio.ensure_future(post(transport, f"{upstream.url}/hang", timeouts=Timeouts(total=0.5)))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelled()


async def test_limits_of_nothing_fire_at_once(transport: Transport, upstream: RawServer) -> None:
    for limits in (Timeouts(total=0), Timeouts(connect=0)):
        with pytest.raises(Timeout):
            await post(transport, f"{upstream.url}/hang", timeouts=limits)


@pytest.mark.parametrize("sent", [CHUNKED, CHUNKED + chunk(b"one"), answer(b"x" * 100)[:-50]])
async def test_a_limit_that_runs_out_as_the_headers_come_ends_the_exchange(sent: bytes) -> None:
    """Something has held up the loop, which then sees both at once: first the headers, then the end of the time. They come from a
    connection that is cut by now."""

    async def hold_up(link: Link) -> None:
        await link.request()
        await link.send(sent)
        time.sleep(0.3)  # noqa: ASYNC251 - this is what holds it up
        await link.until_closed()

    transport = Transport()
    async with serving(hold_up) as server, asyncio.timeout(5):
        with pytest.raises(Timeout, match=r"the total timeout of 0\.2 s"):
            await body(transport, server.url, Timeouts(total=0.2))
    await transport.aclose()
