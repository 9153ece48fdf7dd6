"""One request and its answer, over real sockets."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from dragoman.errors import APIConnectionError
from dragoman.transport import Timeouts, Transport
from tests.transport.asking import SECRET, post, refused
from tests.upstreams.certificates import Authority
from tests.upstreams.raw import Link, answer, serve, serving


async def test_sends_what_it_was_given_and_reads_the_whole_answer(transport: Transport) -> None:
    async with serving(
        serve(answer(b'{"a": 1}', headers=("X-Request-ID: r1", "Set-Cookie: a=1", "Set-Cookie: b=2")))
    ) as up:
        reply = await post(transport, up.url + "/v1/a%3Ab/c?x=%2F&y=1", body=b"hello", headers={"X-Own": "ä"})
        assert (reply.status, await reply.read()) == (200, b'{"a": 1}')
        assert reply.headers["x-request-id"] == "r1"
        assert reply.headers["set-cookie"] == "a=1, b=2"
        assert all(name == name.lower() for name in reply.headers)
        [request] = up.requests
        assert (request.method, request.target, request.body) == ("POST", "/v1/a%3Ab/c?x=%2F&y=1", b"hello")
        assert request.headers["authorization"] == f"Bearer {SECRET}"
        assert request.headers["host"] == f"127.0.0.1:{up.port}"
        assert request.headers["x-own"].encode("latin-1").decode() == "ä"
        assert "cookie" not in request.headers


async def test_an_error_status_is_an_answer(transport: Transport) -> None:
    async with serving(serve(answer(b"no", status="429 Too Many Requests", headers=("Retry-After: 3",)))) as up:
        reply = await post(transport, up.url)
        assert (reply.status, reply.headers["retry-after"], await reply.read()) == (429, "3", b"no")


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_other_methods(transport: Transport, method: str) -> None:
    body = b"" if method == "HEAD" else b"{}"
    reply_bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n" + body
    async with serving(serve(reply_bytes)) as up:
        for _ in range(2):
            reply = await post(transport, up.url, body=None, method=method)
            assert await reply.read() == body
        assert len(up.links) == 1


async def test_frames_are_ours_to_set(transport: Transport) -> None:
    theirs = {
        "Content-Length": "1",
        "Transfer-Encoding": "chunked",
        "Expect": "100-continue",
        "Connection": "close",
    }
    async with serving(serve(answer())) as up:
        await (await post(transport, up.url, body=b"12345", headers=theirs)).read()
        [request] = up.requests
        assert request.headers["content-length"] == "5"
        assert not {"transfer-encoding", "expect", "connection"} & set(request.headers)


@pytest.mark.parametrize("value", ["a\r\nx-evil: 1", "a\n", "a\0b"])
async def test_a_header_cannot_break_out_of_its_line(transport: Transport, value: str) -> None:
    async with serving(serve(answer())) as up:
        error = await refused(transport, up.url, headers={"x-api-key": f"{SECRET}{value}"})
        assert error.code == "invalid_header"
        assert "x-api-key" in error.message
        assert not up.requests


async def test_interim_answers_are_passed_over(transport: Transport) -> None:
    async with serving(serve(b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", answer(b"ok"))) as up:
        assert await (await post(transport, up.url)).read() == b"ok"


async def test_no_content(transport: Transport) -> None:
    async with serving(serve(b"HTTP/1.1 204 No Content\r\n\r\n")) as up:
        for _ in range(2):
            assert await (await post(transport, up.url)).read() == b""
        assert len(up.links) == 1


async def test_credentials_in_the_url_become_a_header(transport: Transport) -> None:
    async with serving(serve(answer())) as up:
        url = up.url.replace("//", "//me:pass@")
        await (await transport.send("POST", url, headers={}, body=b"", timeouts=Timeouts())).read()
        assert up.requests[0].headers["authorization"] == "Basic bWU6cGFzcw=="
        assert "pass" not in up.requests[0].headers["host"]


async def test_a_large_body_both_ways(transport: Transport) -> None:
    big = os.urandom(2**20) * 8
    async with serving(serve(answer(big))) as up:
        reply = await post(transport, up.url, body=big)
        assert await reply.read() == big
        assert up.requests[0].body == big


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "http:///x", "nonsense", "http://127.0.0.1:99999/", ""])
async def test_a_url_that_is_none(transport: Transport, url: str) -> None:
    with pytest.raises(APIConnectionError) as caught:
        await post(transport, url)
    assert caught.value.code == "invalid_url"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_large_request_does_not_hold_up_the_loop(tmp_path: Path, scheme: str) -> None:
    authority = Authority(tmp_path)
    big = bytes(12 * 2**20)

    async def script(link: Link) -> None:
        await link.reader.readuntil(b"\r\n\r\n")
        left = len(big)
        while left:
            left -= len(await link.reader.read(65536))
            await asyncio.sleep(0)
        await link.send(answer(b"taken"))

    async def watch(turns: list[float]) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            turns.append(time.thread_time() - began)

    async def longest_turn(url: str) -> float:
        """As a share of all turns together."""
        turns: list[float] = []
        transport = Transport(verify=str(authority.file))
        watching = asyncio.ensure_future(watch(turns))
        reply = await post(transport, url, body=big)
        assert await reply.read() == b"taken"
        watching.cancel()
        await transport.aclose()
        return max(turns) / sum(turns)

    async with serving(script, tls=authority.server() if scheme == "https" else None) as up:
        shares = [await longest_turn(up.url) for _ in range(3)]
    # In one piece it was more than a fifth of them, with TLS half. What else a machine does can only make a turn longer.
    assert min(shares) < 0.2


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
async def test_a_byte_order_mark_is_no_part_of_the_body(transport: Transport, status: str) -> None:
    for sent, expected in ((MARK + b"{}", b"{}"), (MARK, b""), (b"{}" + MARK, b"{}" + MARK)):
        async with serving(serve(answer(sent, status=status))) as server:
            assert await (await post(transport, server.url)).read() == expected
            assert await (await post(transport, server.url)).read_start(100) == expected
            pieces = [piece async for piece in (await post(transport, server.url)).chunks()]
            assert b"".join(pieces) == expected


@pytest.mark.parametrize("beyond", [b"}", b"\n", b"\r\n\r\n", b"data: x\n\n", b"HTTP/1.1 junk\r\n\r\n"])
async def test_bytes_beyond_the_length_do_not_cost_the_answer(transport: Transport, beyond: bytes) -> None:
    async with serving(serve(answer(b'{"a":1}') + beyond)) as server:
        for _ in range(3):
            assert await (await post(transport, server.url)).read() == b'{"a":1}'


async def test_identity_is_no_compression(transport: Transport) -> None:
    async with serving(serve(answer(b"{}", headers=("Content-Encoding: Identity",)))) as server:
        assert await (await post(transport, server.url)).read() == b"{}"
