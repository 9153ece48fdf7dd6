"""An answer that is complete does not wait for its connection to end, and a flood behind it does not hold it up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import dragoman
from tests.gateway.serving import chat_chunks
from tests.upstreams.raw import CHUNKED, Link, answer, chunk, serve, serving

EVENTS = chat_chunks("Hel", "lo")


async def _text(url: str, *, stream: bool) -> str:
    async with asyncio.timeout(20):
        options: dict[str, Any] = {"api_base": url, "api_key": "key", "num_retries": 0}
        messages: Any = [{"role": "user", "content": "hi"}]
        reply: Any = await dragoman.acompletion("openai/m", messages, stream=stream, **options)
        if not stream:
            return str(reply.choices[0].message.content)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in reply if chunk.choices])


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_ends_with_its_end_mark(stream: bool) -> None:
    async def script(link: Link) -> None:
        await link.request()
        await link.send(CHUNKED + b"".join(map(chunk, EVENTS)))
        await link.until_closed()

    async with serving(script) as server:
        assert await _text(server.url, stream=stream) == "Hello"


@pytest.mark.parametrize("stream", [False, True])
async def test_comments_behind_an_answer_do_not_hold_it_up(stream: bool) -> None:
    """Where there is no end mark. The flood goes on for as long as somebody reads it."""

    async def script(link: Link) -> None:
        await link.request()
        await link.send(CHUNKED + b"".join(map(chunk, EVENTS[:-1])))
        while True:
            await link.send(chunk(b": still here\n\n" * 1000))

    async with serving(script) as server:
        assert await _text(server.url, stream=stream) == "Hello"


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("invalid_request_error", dragoman.BadRequestError),
        ("authentication_error", dragoman.AuthenticationError),
        ("overloaded_error", dragoman.ServiceUnavailableError),
    ],
)
async def test_an_error_with_status_200_is_of_its_type(kind: str, error: type[Exception]) -> None:
    body = b'{"error": {"message": "no", "type": "%s"}}' % kind.encode()
    async with serving(serve(answer(body))) as server:
        with pytest.raises(error):
            await _text(server.url, stream=False)


async def test_a_status_that_http_does_not_know_is_a_bad_gateway() -> None:
    async with serving(serve(answer(b'{"error": {"message": "no"}}', status="999 What"))) as server:
        with pytest.raises(dragoman.BadGatewayError):
            await _text(server.url, stream=False)
