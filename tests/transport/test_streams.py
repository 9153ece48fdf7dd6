"""Bodies as they come: pieces, compression, limits."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial

import brotli  # type: ignore[import-untyped]
import orjson
import pytest
from backports import zstd

from dragoman.errors import APIConnectionError
from dragoman.transport import Reply, Transport
from tests.transport.asking import post, refused
from tests.upstreams.raw import CHUNKED, END, Link, answer, chunk, serve, serving

NUMBERED = b"".join(b"%07d " % number for number in range(125_000))
"""A megabyte in which every piece has its place."""
PRESSES: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": partial(brotli.compress, quality=1),
    "zstd": zstd.compress,
}


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


@pytest.mark.parametrize("size", [3, 100_000, 1_000_000])
@pytest.mark.parametrize("taken", [1, 2])
async def test_read_after_chunks_began_reads_the_rest(transport: Transport, size: int, taken: int) -> None:
    body = NUMBERED[:size]
    async with serving(serve(CHUNKED + chunk(body), chunk(body), END, pause=0.02)) as up:
        reply = await post(transport, up.url)
        pieces = reply.chunks()
        begun = b"".join([await anext(pieces) for _ in range(taken)])
        assert begun + await reply.read() == body * 2
        await pieces.aclose()
        assert await reply.read() == b""


async def test_a_rest_above_the_limit() -> None:
    transport = Transport(max_body=2**20)
    async with serving(serve(CHUNKED + chunk(bytes(2**22)) + END)) as up:
        reply = await post(transport, up.url)
        pieces = reply.chunks()
        await anext(pieces)
        with pytest.raises(APIConnectionError) as caught:
            await reply.read()
        assert caught.value.code == "response_too_large"
        await pieces.aclose()
    await transport.aclose()


async def _body(reply: Reply, *, streamed: bool) -> bytes:
    return b"".join([piece async for piece in reply.chunks()]) if streamed else await reply.read()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("encoding", PRESSES)
async def test_a_large_compressed_body_comes_whole(transport: Transport, encoding: str, streamed: bool) -> None:
    """Its decompressor pauses again and again, and must be told to go on."""
    body = NUMBERED * 3
    async with serving(serve(answer(PRESSES[encoding](body), headers=(f"content-encoding: {encoding}",)))) as up:
        async with asyncio.timeout(10):
            assert await _body(await post(transport, up.url), streamed=streamed) == body


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_large_chunk_comes_whole(transport: Transport, streamed: bool) -> None:
    event = b"data: " + NUMBERED * 4 + b"\n\n"
    async with serving(serve(CHUNKED, chunk(event), chunk(b"data: [DONE]\n\n") + END)) as up:
        async with asyncio.timeout(10):
            assert await _body(await post(transport, up.url), streamed=streamed) == event + b"data: [DONE]\n\n"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("encoding", PRESSES)
async def test_compressed_bodies(transport: Transport, encoding: str, streamed: bool) -> None:
    press = PRESSES[encoding]
    text = b'data: {"text": "hello"}\n\n' * 1000
    packed = press(text)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    halves = [packed[:20], packed[20:]]
    async with serving(serve(head, *[chunk(half) for half in halves], END, pause=0.01)) as up:
        reply = await post(transport, up.url)
        assert await _body(reply, streamed=streamed) == text
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


@pytest.mark.parametrize("encoding", PRESSES)
async def test_a_bomb_is_not_blown_up(encoding: str) -> None:
    transport = Transport(max_body=2**20)
    bomb = PRESSES[encoding](bytes(2**26))
    async with serving(serve(answer(bomb, headers=(f"content-encoding: {encoding}",)))) as up, asyncio.timeout(10):
        tracemalloc.start()
        error = await refused(transport, up.url)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert error.code == "response_too_large"
        assert most < 8 * 2**20
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


@pytest.mark.parametrize("packed", [False, True])
async def test_the_start_of_a_body_without_an_end(transport: Transport, packed: bool) -> None:
    """As of an error: no more than asked for is taken, also of what is small until it is decompressed."""
    data = gzip.compress(bytes(2**26)) if packed else bytes(2**23)
    head = CHUNKED.replace(b"\r\n\r\n", b"\r\ncontent-encoding: gzip\r\n\r\n") if packed else CHUNKED
    closed = asyncio.Event()

    async def script(link: Link) -> None:
        await link.request()
        try:
            await link.send(head + chunk(data))
            await link.until_closed()
        finally:
            closed.set()

    async with serving(script) as up, asyncio.timeout(10):
        reply = await post(transport, up.url)
        tracemalloc.start()
        assert await reply.read_start(65536) == bytes(65536)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 4 * 2**20
        await closed.wait()


async def test_a_short_body_has_been_read_whole(transport: Transport) -> None:
    async with serving(serve(answer(b"short"))) as up:
        reply = await post(transport, up.url)
        assert await reply.read_start(65536) == b"short"


async def test_others_have_their_turn_between_the_pieces_of_a_large_read(transport: Transport) -> None:
    async with serving(serve(answer(b"x" * 10**6))) as up:
        reply = await post(transport, up.url)
        sizes = [len(piece) async for piece in reply.chunks()]
    assert sum(sizes) == 10**6
    assert max(sizes) <= 32 * 1024


@pytest.mark.parametrize(
    ("raw", "text"),
    [(b"caf\xe9", "caf\xe9"), ("caf\xe9".encode(), "caf\xe9"), (b"\xff\xfe\xed\xa0\x80", "\xff\xfe\xed\xa0\x80")],
)
async def test_every_header_is_valid_unicode(transport: Transport, raw: bytes, text: str) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-one: " + raw + b"\r\nx-two: a\r\nx-two: " + raw + b"\r\n\r\n"
    async with serving(serve(head)) as up:
        reply = await post(transport, up.url)
        assert reply.headers["x-one"] == text
        assert reply.headers["x-two"] == f"a, {text}"
        orjson.dumps(dict(reply.headers))
