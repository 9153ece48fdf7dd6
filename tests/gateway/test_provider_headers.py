"""A provider's header is passed on where it can be. It never costs an answer that is paid for."""

from __future__ import annotations

from typing import Any

import aiohttp
import orjson
import pytest

from dragoman.gateway.http.exchange import header
from tests.gateway.serving import KEY, chat_chunks, chat_reply, gateway, model
from tests.gateway.test_attempt_headers import ASKS
from tests.upstreams.raw import CHUNKED, END, Link, answer, chunk
from tests.upstreams.raw import serving as serving_raw

ODD = {
    "latin-1": b"request-id: caf\xe9\xff",
    "utf-8": "request-id: café 🙂".encode(),
    "lone surrogate": b"request-id: \xed\xa0\x80",
    "tab": b"request-id: a\tb",
    "long": b"request-id: " + b"x" * 50_000,
    "long and odd": b"request-id: " + b"\xe9" * 20_000,
    "many": b"\r\n".join(b"x-ratelimit-%d: 1" % number for number in range(90)),
    "long name": b"x-ratelimit-" + b"n" * 9000 + b": 1",
    "wait": b"retry-after: " + b"9" * 9000,
    "wait for ever": b"retry-after: " + b"9" * 60 + b"d",
    "limits": b"x-ratelimit-remaining-tokens: 0\r\nx-ratelimit-reset-tokens: " + b"1" * 60_000,
}


async def asked(url: str, ask: str) -> tuple[int, Any, bytes]:
    path, body = ASKS[ask]
    async with (
        aiohttp.ClientSession(max_field_size=2**16, max_line_size=2**16) as session,
        session.post(url + path, json=body, headers={"authorization": f"Bearer {KEY}"}) as reply,
    ):
        return reply.status, reply.headers, await reply.read()


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("ask", ASKS)
async def test_an_answer_with_an_odd_header(ask: str, name: str) -> None:
    async def script(link: Link) -> None:
        while await link.request():
            if "stream" in ask:
                head = CHUNKED[:-2] + ODD[name] + b"\r\n\r\n"
                await link.send(head + chunk(b"".join(chat_chunks("Hello!"))) + END)
            else:
                whole = answer(orjson.dumps(chat_reply())).replace(b"\r\n", b"\r\n" + ODD[name] + b"\r\n", 1)
                await link.send(whole)

    async with serving_raw(script) as up, gateway([model(up.url)], router_settings={"num_retries": 0}) as url:
        status, headers, body = await asked(url, ask)
    assert status == 200, body
    assert b"Hello!" in body
    passed_on = {key: value for key, value in headers.items() if key.lower().startswith("llm_provider-")}
    assert len(passed_on) <= 32
    assert all(len(key) + len(value) <= 600 for key, value in passed_on.items())


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("ask", ASKS)
async def test_an_error_with_an_odd_header(ask: str, name: str) -> None:
    async def script(link: Link) -> None:
        while await link.request():
            error = orjson.dumps({"error": {"message": "slow down"}})
            whole = answer(error, status="429 Slow").replace(b"\r\n", b"\r\n" + ODD[name] + b"\r\n", 1)
            await link.send(whole)

    async with serving_raw(script) as up, gateway([model(up.url)], router_settings={"num_retries": 0}) as url:
        status, headers, body = await asked(url, ask)
    assert status == 429, body
    assert b"slow down" in body
    assert int(headers.get("retry-after", 1)) <= 366 * 86400


@pytest.mark.parametrize(
    "value",
    ["plain", "caf\xe9", "\udce9", "a\ud800", "line\r\nbreak: x", "\0", "x" * 9999, "\xe9" * 9999, "\U0001f600" * 9999],
)
def test_a_header_never_fails(value: str) -> None:
    name, sent = header(b"x", value)
    assert name == b"x"
    assert sent.isascii()
    assert sent.decode().isprintable()
    assert len(sent) <= 2048
    assert value != "plain" or sent == b"plain"
