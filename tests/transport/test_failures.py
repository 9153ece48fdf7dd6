"""What goes wrong on the wire, in our words."""

from __future__ import annotations

import asyncio

import pytest

from dragoman.errors import APIConnectionError
from dragoman.transport import Transport
from tests.transport.asking import post, refused
from tests.upstreams.raw import CHUNKED, Link, answer, chunk, serve, serve_once, serving


@pytest.mark.parametrize(
    ("bytes_sent", "code"),
    [
        (b"", "connection_closed"),
        (b"HTTP/1.1 200 OK\r\ncontent-le", "connection_closed"),
        (answer(b"x" * 100)[:-50], "connection_closed"),
        (CHUNKED + chunk(b"one"), "connection_closed"),
        (CHUNKED + b"zz\r\nno", "invalid_response"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "invalid_response"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000 + b"\r\n\r\n", "invalid_response"),
        (b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 10_000 + b"\r\n", "invalid_response"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "invalid_response"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", "invalid_response"),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", "invalid_response"),
        (answer(b"not gzip at all", headers=("content-encoding: gzip",)), "invalid_response"),
    ],
)
async def test_broken_answers(transport: Transport, bytes_sent: bytes, code: str) -> None:
    async with serving(serve_once(bytes_sent)) as up:
        error = await refused(transport, up.url)
        assert error.code == code
        assert f"127.0.0.1:{up.port}" in error.message
        assert len(up.requests) == 1


async def test_a_body_without_a_length_that_is_reset(transport: Transport) -> None:
    async def script(link: Link) -> None:
        await link.request()
        await link.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await asyncio.sleep(0.05)
        link.reset()

    async with serving(script) as up:
        assert (await refused(transport, up.url)).code == "connection_reset"


async def test_a_body_without_a_length_ends_with_its_connection(transport: Transport) -> None:
    async with serving(serve_once(b"HTTP/1.1 200 OK\r\n\r\nall", b" of it")) as up:
        assert await (await post(transport, up.url)).read() == b"all of it"


async def test_nobody_listens(transport: Transport) -> None:
    async with serving(serve(answer())) as up:
        port = up.port
    error = await refused(transport, f"http://127.0.0.1:{port}")
    assert error.code == "connection_refused"


async def test_a_name_that_is_not_there(transport: Transport) -> None:
    error = await refused(transport, "http://nobody.invalid")
    assert error.code == "dns_failure"
    assert "nobody.invalid" in error.message


async def test_our_own_bugs_are_not_the_networks(transport: Transport) -> None:
    async with serving(serve(answer())) as up:
        with pytest.raises(TypeError):
            await post(transport, up.url, body="text")  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirects_are_refused(transport: Transport, method: str, status: str) -> None:
    async with serving(serve(answer())) as other:
        to = answer(b"", status=status, headers=(f"location: {other.url.replace('127.0.0.1', 'localhost')}/?secret=1",))
        async with serving(serve(to)) as up:
            error = await refused(transport, up.url, method=method)
            assert error.code == "redirect_refused"
            assert "localhost" in error.message
            assert len(up.requests) == 1
        assert not other.links


async def test_a_request_is_not_repeated_when_the_answer_is_missing(transport: Transport) -> None:
    """Neither on a new connection nor on a used one: the server may have done what it was asked."""

    async def script(link: Link) -> None:
        await link.request()
        await link.send(answer())
        await link.request()

    async with serving(script) as up:
        for method in ("POST", "GET"):
            await (await post(transport, up.url, method=method)).read()
            assert (await refused(transport, up.url, method=method)).code == "connection_closed"
        assert [len(link.requests) for link in up.links] == [2, 2]


@pytest.mark.parametrize("head", [CHUNKED, b"HTTP/1.1 200 OK\r\n\r\n"], ids=["chunked", "without a length"])
async def test_what_came_before_a_failure_is_handed_out_first(transport: Transport, head: bytes) -> None:
    async def script(link: Link) -> None:
        await link.request()
        await link.send(head)
        await asyncio.sleep(0.05)
        await link.send(chunk(b"data: [DONE]\n\n"))
        await asyncio.sleep(0.05)
        link.reset()

    async with serving(script) as up:
        reply = await post(transport, up.url)
        pieces = reply.chunks()
        await asyncio.sleep(0.3)  # a reader that is slow: all of it has happened by now
        assert b"data: [DONE]\n\n" in await anext(pieces)
        with pytest.raises(APIConnectionError):
            await anext(pieces)
