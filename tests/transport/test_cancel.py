"""A caller that leaves closes the upstream connection within 100 ms, wherever the exchange was."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dragoman.errors import APIConnectionError
from dragoman.transport import Transport
from tests.transport.asking import post
from tests.upstreams.certificates import Authority
from tests.upstreams.proxy import proxying
from tests.upstreams.raw import CHUNKED, Link, RawServer, answer, chunk, serve, serving

SOON = 0.1


async def stall(link: Link) -> None:
    """Stops at the point that the path names."""
    target = (await link.request()).target
    if target == "/headers":
        await link.send(CHUNKED)
    if target == "/stream":
        await link.send(CHUNKED)
        with contextlib.suppress(OSError):
            for _ in range(1000):
                await link.send(chunk(b"data: x\n\n"))
                await asyncio.sleep(0.01)
                if link.reader.at_eof():
                    break
    await link.until_closed()


@pytest.fixture(params=["http", "https"])
async def upstream(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[RawServer, Transport]]:
    authority = Authority(tmp_path)
    transport = Transport(verify=str(authority.file))
    async with serving(stall, tls=authority.server() if request.param == "https" else None) as server:
        yield server, transport
        await transport.aclose()


async def assert_closed_soon(link: Link, left_at: float) -> None:
    async with asyncio.timeout(5):
        await link.closed.wait()
    assert link.closed_at - left_at < SOON


async def consume(transport: Transport, url: str, *, whole: bool) -> None:
    reply = await post(transport, url)
    async with reply:
        if whole:
            await reply.read()
        async for _ in reply.chunks():
            pass


@pytest.mark.parametrize("whole", [True, False], ids=["read", "chunks"])
@pytest.mark.parametrize("path", ["/hang", "/headers", "/stream"])
async def test_cancelling(upstream: tuple[RawServer, Transport], path: str, whole: bool) -> None:
    server, transport = upstream
    task = asyncio.ensure_future(consume(transport, server.url + path, whole=whole))
    await asyncio.sleep(0.15)
    assert not task.done()
    task.cancel()
    left_at = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    await assert_closed_soon(server.links[0], left_at)


async def test_cancelling_without_closing_the_reply(upstream: tuple[RawServer, Transport]) -> None:
    server, transport = upstream
    reply = await post(transport, server.url + "/stream")
    task = asyncio.ensure_future(reply.read())
    await asyncio.sleep(0.05)
    task.cancel()
    left_at = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    await assert_closed_soon(server.links[0], left_at)


async def test_leaving_the_iterator_early(upstream: tuple[RawServer, Transport]) -> None:
    server, transport = upstream
    reply = await post(transport, server.url + "/stream")
    pieces = reply.chunks()
    async for _ in pieces:
        break
    await pieces.aclose()
    await assert_closed_soon(server.links[0], time.monotonic())


@pytest.mark.parametrize("begun", [True, False])
async def test_closing_the_reply_early(upstream: tuple[RawServer, Transport], begun: bool) -> None:
    server, transport = upstream
    reply = await post(transport, server.url + "/stream")
    if begun:
        assert await anext(reply.chunks())
    await reply.aclose()
    await assert_closed_soon(server.links[0], time.monotonic())


async def test_forgetting_the_reply(upstream: tuple[RawServer, Transport]) -> None:
    server, transport = upstream
    reply = await post(transport, server.url + "/stream")
    assert await anext(reply.chunks())
    del reply
    await assert_closed_soon(server.links[0], time.monotonic())


async def test_cancelling_while_tls_shakes_hands(transport: Transport) -> None:
    async def script(link: Link) -> None:
        await link.until_closed()

    async with serving(script) as server:
        task = asyncio.ensure_future(post(transport, server.url.replace("http:", "https:")))
        await asyncio.sleep(0.15)
        task.cancel()
        left_at = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        await assert_closed_soon(server.links[0], left_at)


async def test_cancelling_while_the_proxy_connects(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(link: Link) -> None:
        await link.request()
        await link.until_closed()

    async with serving(script) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = Transport()
        task = asyncio.ensure_future(post(transport, "https://provider.test/"))
        await asyncio.sleep(0.15)
        task.cancel()
        left_at = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        await assert_closed_soon(proxy.links[0], left_at)
        await transport.aclose()


async def test_cancelling_in_a_tunnel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with serving(stall, tls=authority.server("provider.test")) as server, proxying(server.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        transport = Transport(verify=str(authority.file))
        task = asyncio.ensure_future(consume(transport, "https://provider.test/stream", whole=False))
        await asyncio.sleep(0.2)
        task.cancel()
        left_at = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        await assert_closed_soon(server.links[0], left_at)
        await transport.aclose()


async def test_cancelling_while_the_request_is_not_taken(transport: Transport) -> None:
    """A polite close would wait until the server has read all of it."""

    async def script(link: Link) -> None:
        link.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await link.until_gone()

    async with serving(script) as server:
        task = asyncio.ensure_future(post(transport, server.url, body=bytes(2**25)))
        await asyncio.sleep(0.3)
        task.cancel()
        left_at = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        await assert_closed_soon(server.links[0], left_at)


async def test_what_was_read_to_its_end_is_kept(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    transport = Transport(verify=str(authority.file))
    async with serving(serve(answer(b"all")), tls=authority.server()) as server:
        for _ in range(3):
            async with await post(transport, server.url) as reply:
                assert await reply.read() == b"all"
        assert len(server.links) == 1
    await transport.aclose()


async def test_many_cancels_leave_nothing_behind(transport: Transport) -> None:
    async with serving(stall) as server:
        tasks = [
            asyncio.ensure_future(consume(transport, server.url + path, whole=False))
            for path in ("/hang", "/headers", "/stream") * 30
        ]
        for number, task in enumerate(tasks):
            asyncio.get_running_loop().call_later(number * 0.003, task.cancel)
        assert all(
            isinstance(result, asyncio.CancelledError)
            for result in await asyncio.gather(*tasks, return_exceptions=True)
        )
        async with asyncio.timeout(5):
            for link in server.links:
                await link.closed.wait()


async def test_closing_a_transport_ends_what_is_under_way(upstream: tuple[RawServer, Transport]) -> None:
    """At once, and its readers hear of it."""
    server, transport = upstream
    tasks = [
        asyncio.ensure_future(consume(transport, server.url + path, whole=False))
        for path in ("/hang", "/headers", "/stream")
    ]
    await asyncio.sleep(0.3)
    assert not any(task.done() for task in tasks)
    async with asyncio.timeout(5):
        await transport.aclose()
        assert [type(error) for error in await asyncio.gather(*tasks, return_exceptions=True)] == [
            APIConnectionError
        ] * 3


async def test_closing_a_transport_does_not_wait_for_a_server_that_takes_nothing(transport: Transport) -> None:
    async def deaf(link: Link) -> None:
        link.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with serving(deaf) as server:
        task = asyncio.ensure_future(post(transport, server.url, body=b"x" * 30_000_000))
        await asyncio.sleep(0.3)
        async with asyncio.timeout(5):
            await transport.aclose()
            with pytest.raises(APIConnectionError):
                await task
