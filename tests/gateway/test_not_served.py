# ruff: noqa: SIM117 - servers outside, calls inside
"""What the gateway does not serve is refused at once, in words that a client can act on."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import aiohttp
import orjson
import pytest

from dragoman.dialects.registry import dialects
from dragoman.gateway.http.not_served import NOT_SERVED
from dragoman.gateway.routes import RouteTable
from tests.gateway.serving import KEY, Upstream, gateway, model, serving
from tests.gateway.test_routes import is_refusal

TABLE = RouteTable(dialects())
UPGRADE = (
    "connection: keep-alive, Upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
CHAT = orjson.dumps({"model": "smart", "messages": [{"role": "user", "content": "hi"}]})


async def exchange(address: str, request: bytes) -> tuple[int, dict[str, str], bytes, bool]:
    """Send bytes, read one answer: status, headers, body, and whether the connection was closed behind it."""
    parts = urlsplit(address)
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(request)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {key.lower(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        closed = headers.get("connection") == "close" and await reader.read() == b""
        writer.close()
        return int(status.split()[1]), headers, body, closed


@pytest.mark.parametrize("path", ["/v1/responses", "/nowhere", "/v1/realtime?model=smart", *sorted(TABLE.exact)])
async def test_websocket_is_refused_with_426_on_every_path_and_without_a_key(path: str) -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        request = f"GET {path} HTTP/1.1\r\nhost: localhost\r\n{UPGRADE}\r\n".encode()
        status, headers, body, closed = await exchange(here, request)
    assert (status, headers["upgrade"], closed) == (426, "HTTP/1.1", True)
    assert "HTTP" in orjson.loads(body)["error"]["message"]


@pytest.mark.parametrize("wanted", ["websocket", "h2c"])
async def test_a_message_with_a_body_that_asks_for_an_upgrade_is_refused_too(wanted: str) -> None:
    """Java's client asks for h2c with its first request unless it is told to speak HTTP/1.1."""
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        upgrade = UPGRADE.replace("websocket", wanted, 1)
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n{upgrade}content-length: {len(CHAT)}\r\n\r\n"
        status, _, _, closed = await exchange(here, head.encode() + CHAT)
    assert (status, closed) == (426, True)


async def test_an_upgrade_header_alone_is_no_upgrade() -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {KEY}\r\n"
            f"upgrade: h2c\r\ncontent-type: application/json\r\ncontent-length: {len(CHAT)}\r\n\r\n"
        )
        status, _, body, _ = await exchange(here, head.encode() + CHAT)
    assert status == 200, body


async def test_features_to_come_are_named_in_the_refusal(stranger: aiohttp.ClientSession) -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        for start in NOT_SERVED:
            for path in (start, f"/v1{start}", f"/v1{start}/some/thing"):
                async with stranger.post(here + path, data=b"{}") as reply:
                    assert reply.status == 400
                    body = await reply.json()
                    assert is_refusal("openai_chat", body, 400)
                    assert body["error"]["code"] == "not_supported_yet"
                    assert NOT_SERVED[start] in body["error"]["message"]


async def test_codex_is_told_what_to_use_instead_of_responses(stranger: aiohttp.ClientSession) -> None:
    async with serving(Upstream()) as there, gateway([model(there)]) as here:
        async with stranger.post(f"{here}/v1/responses", json={"model": "smart", "input": "hi"}) as reply:
            assert "use POST /v1/chat/completions" in (await reply.json())["error"]["message"]


def test_nothing_that_is_served_stands_among_what_is_not() -> None:
    assert not [start for start in NOT_SERVED if TABLE.find(start) or TABLE.find(f"/v1{start}")]
