"""Callers whose requests do not come to an end before their head is complete."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from dragoman.gateway.app import Gateway
from dragoman.gateway.config.gateway_config import parse_config
from dragoman.gateway.http.connection import Connection
from tests.gateway.serving import KEY, Upstream, model, serving, until

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\n".encode()
BODY = b'{"model":"smart","messages":[{"role":"user","content":"hi"}]}'


class Hasty(Connection):
    head_seconds = 0.2
    rest_seconds = 0.2


@pytest.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    async with serving(Upstream()) as provider:
        config = parse_config({"model_list": [model(provider)], "general_settings": {"master_key": KEY}}, {})
        async with serving(Gateway(config), Hasty) as url:
            parts = urlsplit(url)
            yield str(parts.hostname), int(parts.port or 0)


async def told(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(10):
        return await reader.readline()


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"GET /", b"a"),
        (HEAD + b"x-a: ", b"a"),
        (HEAD, b"x-a: b\r\n"),
        (b"GET /none HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-a: ", b"a"),
    ],
    ids=["address", "one header", "many headers", "trailer"],
)
async def test_a_head_without_an_end_is_refused(address: tuple[str, int], begin: bytes, more: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(begin)
    sent = 0
    piece = more * (16 * 1024 // len(more))
    try:
        while sent < 64 * 2**20 and not reader.at_eof():
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
    except ConnectionError:
        pass
    writer.close()
    assert sent < 16 * 2**20


@pytest.mark.parametrize("begin", [b"GET /x HT", HEAD], ids=["address", "headers"])
async def test_a_head_that_does_not_come_to_an_end_is_given_up(address: tuple[str, int], begin: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(begin)
    assert await told(reader) == b"HTTP/1.1 408 Request Timeout\r\n"
    writer.close()


async def test_a_large_head_and_slow_bodies_are_served(address: tuple[str, int]) -> None:
    """The time is that of the head alone, and several calls of one connection are not added up."""
    reader, writer = await asyncio.open_connection(*address)
    for _ in range(3):
        writer.write(HEAD + b"x-long: " + b"a" * 60_000 + b"\r\ncontent-length: %d\r\n\r\n" % len(BODY) + BODY[:10])
        await asyncio.sleep(Hasty.head_seconds * 1.5)
        writer.write(BODY[10:])
        assert await told(reader) == b"HTTP/1.1 200 OK\r\n"
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(int(length.partition(b":")[2]))
    writer.close()


async def test_a_large_body_in_chunks_is_served(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
    blank = b" " * 300_000
    for piece in (BODY[:-1], blank, blank, b"}"):
        writer.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
    writer.write(b"0\r\n\r\n")
    assert await told(reader) == b"HTTP/1.1 200 OK\r\n"
    writer.close()


ALIVE = b"GET /health/liveliness HTTP/1.1\r\nhost: a\r\n\r\n"


async def statuses(reader: asyncio.StreamReader) -> list[bytes]:
    """Of all answers until the connection ends."""
    async with asyncio.timeout(20):
        data = await reader.read(-1)
    return [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]]


async def test_only_so_many_requests_wait_on_one_connection(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(ALIVE * 2000)
    answers = await statuses(reader)
    assert answers == [b"200"] * (Connection.max_waiting + 1)
    writer.close()


async def test_a_modest_number_of_requests_is_answered_in_their_order(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    wrong = b"GET /none HTTP/1.1\r\nhost: a\r\n\r\n"
    last = ALIVE.replace(b"host: a", b"host: a\r\nconnection: close")
    post = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
    writer.write((wrong + post + ALIVE) * 5)
    await asyncio.sleep(0.05)
    writer.write(last)
    assert await statuses(reader) == [b"404", b"200", b"200"] * 5 + [b"200"]
    writer.close()


async def test_what_waits_goes_with_its_connection(address: tuple[str, int]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        seen.append(scope["path"])
        began.set()
        while (await receive())["type"] != "http.disconnect":
            read.set()

    seen: list[str] = []
    began, read = asyncio.Event(), asyncio.Event()
    made: list[Connection] = []

    class Noted(Connection):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            made.append(self)

    async with serving(app, Noted) as url:
        parts = urlsplit(url)
        _, writer = await asyncio.open_connection(str(parts.hostname), int(parts.port or 0))
        writer.write(ALIVE * 5)
        async with asyncio.timeout(10):
            await began.wait()
            assert len(made[0].pipeline) == 4
            assert made[0].flow.read_paused
            await read.wait()
        assert made[0].flow.read_paused
        made[0].transport.abort()
        await until(lambda: not made[0].pipeline)
        writer.close()
    assert seen == ["/health/liveliness"]


@pytest.mark.parametrize(
    "rest",
    [
        b"}",
        b"\r\n\r\n",
        b"GET / HT",
        b"\x00\x01",
        b"POST /x HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["brace", "lines", "half a head", "zeros", "broken chunk"],
)
async def test_bytes_beyond_a_body_do_not_cost_its_answer(address: tuple[str, int], rest: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY + rest)
    assert await told(reader) == b"HTTP/1.1 200 OK\r\n"
    writer.close()


@pytest.mark.parametrize(
    ("name", "value"), [(b"authorization", b"Bearer " + KEY.encode()), (b"x-api-key", KEY.encode()), (b"host", b"b")]
)
async def test_a_trailer_is_not_a_header(address: tuple[str, int], name: bytes, value: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address)
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    writer.write(head + b"%x\r\n%b\r\n0\r\n%b: %b\r\n\r\n" % (len(BODY), BODY, name, value))
    assert await told(reader) == b"HTTP/1.1 401 Unauthorized\r\n"
    writer.close()


async def test_a_host_in_a_trailer_does_not_pass_the_gate() -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: evil.example\r\ntransfer-encoding: chunked\r\n\r\n"
    async with serving(Upstream()) as provider:
        config = parse_config({"model_list": [model(provider)]}, {})
        async with serving(Gateway(config, loopback_only=True), Connection) as url:
            parts = urlsplit(url)
            reader, writer = await asyncio.open_connection(str(parts.hostname), int(parts.port or 0))
            writer.write(head + b"%x\r\n%b\r\n0\r\nhost: localhost\r\n\r\n" % (len(BODY), BODY))
            assert await told(reader) == b"HTTP/1.1 401 Unauthorized\r\n"
            writer.close()


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        (b"", "host"),
        (b"host: a\r\nhost: a\r\n", "host"),
        (b"host: a\r\nauthorization: Bearer x\r\n", "authorization"),
        (b"host: a\r\nx-api-key: x\r\nx-api-key: y\r\n", "x-api-key"),
    ],
    ids=["no host", "two hosts", "two authorizations", "two keys"],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1beta/models/smart:generateContent"])
async def test_a_head_with_two_meanings_is_refused(
    address: tuple[str, int], lines: bytes, named: str, path: str
) -> None:
    reader, writer = await asyncio.open_connection(*address)
    start = b"POST %b HTTP/1.1\r\nconnection: close\r\nauthorization: Bearer %b\r\n" % (path.encode(), KEY.encode())
    writer.write(start + lines + b"content-length: 2\r\n\r\n{}")
    assert await told(reader) == b"HTTP/1.1 400 Bad Request\r\n"
    body = orjson.loads((await reader.read(-1)).partition(b"\r\n\r\n")[2])
    assert named in body["error"]["message"]
    assert ("type" in body) == (path == "/v1/messages")
    assert ("status" in body["error"]) == path.startswith("/v1beta")
    writer.close()


async def test_a_probe_in_http_1_0_needs_no_host(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET /health/liveliness HTTP/1.0\r\n\r\n")
    assert await told(reader) == b"HTTP/1.1 200 OK\r\n"
    writer.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nhost: a\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"a: b\r\n" * 300 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nhost: a\r\na: " + b"b" * 140_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nhost: a\r\nnot a header\r\n\r\n", b"400"),
    ],
    ids=["address", "many headers", "a long header", "broken"],
)
async def test_a_head_out_of_bounds_is_refused(address: tuple[str, int], head: bytes, status: bytes) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(head)
    assert await statuses(reader) == [status]
    writer.close()


async def test_a_giant_chunk_extension_is_refused(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n1;")
    with contextlib.suppress(ConnectionError):
        for _ in range(64):
            writer.write(b"x" * 16_384)
            await writer.drain()
        assert await statuses(reader) == [b"431"]
    writer.close()


async def test_a_stranger_is_answered_before_his_body_and_not_listened_to_for_long(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n{")
    assert await told(reader) == b"HTTP/1.1 401 Unauthorized\r\n"
    async with asyncio.timeout(10):
        await reader.read(-1)  # the connection ends, though the body never came
    writer.close()


async def test_a_caller_who_sends_on_after_a_refusal_reads_it_and_may_ask_again(address: tuple[str, int]) -> None:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 500_000)
    assert await told(reader) == b"HTTP/1.1 401 Unauthorized\r\n"
    writer.write(b"x" * 500_000 + ALIVE.replace(b"host: a", b"host: a\r\nconnection: close"))
    assert await statuses(reader) == [b"200"]
    writer.close()


async def test_a_caller_who_reads_nothing_is_given_up() -> None:
    class Impatient(Connection):
        stall_seconds = 0.05

    ended = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while not ended.is_set():
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
            await asyncio.sleep(0)

    class Noted(Impatient):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            ended.set()

    async with serving(app, Noted) as url:
        parts = urlsplit(url)
        _, writer = await asyncio.open_connection(str(parts.hostname), int(parts.port or 0), limit=1024)
        writer.write(ALIVE)
        async with asyncio.timeout(10):
            await ended.wait()
        writer.close()
