"""Callers whose requests do not come to an end before their head is complete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from dragoman.gateway._connection import Connection
from dragoman.gateway.app import Gateway
from dragoman.gateway.config import parse_config
from tests.gateway.serving import KEY, Upstream, model, serving

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {KEY}\r\n".encode()
BODY = b'{"model":"smart","messages":[{"role":"user","content":"hi"}]}'


class Hasty(Connection):
    head_seconds = 0.2


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
