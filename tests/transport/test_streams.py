"""Bodies as they come: pieces, compression, limits."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import brotli  # type: ignore[import-untyped]
import pytest
from backports import zstd

from dragoman.errors import APIConnectionError
from dragoman.transport import Transport
from tests.transport.asking import post, refused
from tests.upstreams.raw import CHUNKED, END, Link, answer, chunk, serve, serving


async def test_pieces_come_as_they_are_sent(transport: Transport) -> None:
    go = asyncio.Event()

    async def script(link: Link) -> None:
        await link.request()
        await link.send(CHUNKED + chunk(b"one"))
        await go.wait()
        await link.send(chunk(b"two") + END)
        await link.until_closed()

    async with serving(script) as up:
        reply = await post(transport, up.url)
        pieces = []
        async for piece in reply.chunks():
            pieces.append(piece)
            go.set()
        assert pieces == [b"one", b"two"]


async def test_read_after_chunks_began_reads_the_rest(transport: Transport) -> None:
    async with serving(serve(CHUNKED + chunk(b"one"), chunk(b"two"), END, pause=0.02)) as up:
        reply = await post(transport, up.url)
        async with reply:
            assert await anext(aiter(reply.chunks())) == b"one"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
async def test_compressed_bodies(transport: Transport, encoding: str, streamed: bool) -> None:
    press = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress, "zstd": zstd.compress}[encoding]
    text = b'data: {"text": "hello"}\n\n' * 1000
    packed = press(text)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    halves = [packed[:20], packed[20:]]
    async with serving(serve(head, *[chunk(half) for half in halves], END, pause=0.01)) as up:
        reply = await post(transport, up.url)
        got = b"".join([piece async for piece in reply.chunks()]) if streamed else await reply.read()
        assert got == text
        assert encoding in up.requests[0].headers["accept-encoding"]


async def test_a_compressed_stream_comes_as_it_is_flushed(transport: Transport) -> None:
    press = zlib.compressobj(wbits=31)
    first = press.compress(b"one") + press.flush(zlib.Z_SYNC_FLUSH)
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n")

    async def script(link: Link) -> None:
        await link.request()
        await link.send(head + chunk(first))
        await link.until_closed()

    async with serving(script) as up:
        reply = await post(transport, up.url)
        async with reply, asyncio.timeout(5):
            assert await anext(aiter(reply.chunks())) == b"one"


async def test_a_bomb_is_not_blown_up() -> None:
    transport = Transport(max_body=2**20)
    bomb = gzip.compress(bytes(2**27))
    async with serving(serve(answer(bomb, headers=("content-encoding: gzip",)))) as up:
        error = await refused(transport, up.url)
        assert error.code == "response_too_large"
    await transport.aclose()


async def test_a_body_above_the_limit() -> None:
    transport = Transport(max_body=1000)
    async with serving(serve(answer(b"x" * 1000))) as up:
        assert len(await (await post(transport, up.url)).read()) == 1000
    async with serving(serve(answer(b"x" * 1001))) as up:
        assert (await refused(transport, up.url)).code == "response_too_large"
    async with serving(serve(CHUNKED, *[chunk(b"x" * 400)] * 3, END, pause=0.01)) as up:
        assert (await refused(transport, up.url)).code == "response_too_large"
    await transport.aclose()


async def test_memory_stays_flat_when_the_reader_is_slow(transport: Transport) -> None:
    sent = 0

    async def script(link: Link) -> None:
        nonlocal sent
        await link.request()
        await link.send(CHUNKED)
        while True:
            await link.send(chunk(bytes(65536)))
            sent += 65536

    async with serving(script) as up:
        reply = await post(transport, up.url)
        await asyncio.sleep(0.5)
        stopped = sent
        await asyncio.sleep(0.2)
        assert sent == stopped
        await reply.aclose()


async def test_a_reader_learns_that_another_task_closed_the_reply(transport: Transport) -> None:
    async with serving(serve(CHUNKED, pause=10)) as up:
        reply = await post(transport, up.url)
        reader = asyncio.ensure_future(reply.read())
        await asyncio.sleep(0.05)
        await reply.aclose()
        async with asyncio.timeout(5):
            with pytest.raises(APIConnectionError):
                await reader
