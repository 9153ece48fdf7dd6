"""A credential signs the final request, whatever its kind: routing knows none of them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from dragoman.credentials import Credential, QueryKey
from dragoman.errors import APIConnectionError, AuthenticationError, Timeout
from dragoman.observe import Event, HealthChecked
from dragoman.providers import Provider, Providers
from dragoman.routing import Answer, Call, CallOptions, CallRouter, Deployment, StreamAnswer
from dragoman.routing.settings.health_check import HealthCheckPolicy
from dragoman.types.operations import CHAT
from tests.routing.signers import RESPONSE, HmacCredential, SigningServer, TokenCredential
from tests.routing.upstream import soon

SECRET = "a-secret-that-is-never-sent"


@asynccontextmanager
async def serving(server: SigningServer) -> AsyncIterator[str]:
    runner = web.AppRunner(server.app)
    await runner.setup()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        await web.SockSite(runner, listening).start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        finally:
            await runner.cleanup()


def deployment(address: str, credential: Credential, key: str = SECRET, **options: Any) -> Deployment:
    provider = Provider(
        name="persimmon",
        base_url=address,
        endpoints=Providers().find("openai").endpoints,
        credential=credential,
        headers={"x-team": "research"},
    )
    return Deployment(
        id="smart:0", alias="smart", provider=provider, model="ripe", options=CallOptions(api_key=key, **options)
    )


def call(**more: Any) -> Call:
    request = {"model": "smart", "messages": [{"role": "user", "content": "how ripe, ä?"}], **more}
    return Call(operation=CHAT, model="smart", request=request, stream=bool(more.get("stream")))


Make = Callable[..., CallRouter]


async def test_a_signature_covers_the_address_the_headers_and_the_bytes_that_arrive(make: Make) -> None:
    server = SigningServer(secret=SECRET)
    async with serving(server) as address:
        router = make(
            deployment(
                address,
                HmacCredential(),
                extra_query={"version": "2 b"},
                extra_headers={"X-Trace": "t1"},
                extra_body={"odd": 1},
            )
        )
        answer = await router.answer(call())
        assert isinstance(answer, Answer)
        assert answer.response["choices"] == RESPONSE["choices"]
        await router.aclose()
    ((method, path, headers, body),) = server.seen
    assert (method, path) == ("POST", "/v1/chat/completions?version=2+b")
    signed = headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"content-type", "user-agent", "x-team", "x-trace"} == set(signed)
    assert b'"odd":1' in body
    assert SECRET not in repr(server.seen)


async def test_a_stream_is_signed_too(make: Make) -> None:
    server = SigningServer(secret=SECRET)
    async with serving(server) as address:
        router = make(deployment(address, HmacCredential()))
        answer = await router.answer(call(stream=True))
        assert isinstance(answer, StreamAnswer)
        text = [c["delta"].get("content") async for batch in answer.batches for part in batch for c in part["choices"]]
        assert "ripe" in text
        await router.aclose()
    assert len(server.seen) == 1


async def test_a_wrong_signature_is_an_authentication_error(make: Make) -> None:
    server = SigningServer(secret="another")
    async with serving(server) as address:
        router = make(deployment(address, HmacCredential()), settings={"num_retries": 0})
        with pytest.raises(AuthenticationError):
            await router.answer(call())
        await router.aclose()
    assert server.refused == 1


async def test_a_health_check_is_signed_as_a_call_is(make: Make) -> None:
    server, events = SigningServer(secret=SECRET), list[Event]()
    async with serving(server) as address:
        router = make(
            deployment(address, HmacCredential(), extra_headers={"X-Trace": "t1"}),
            settings={"health_check": HealthCheckPolicy(interval=0.02, timeout=2.0)},
            listeners=(events.append,),
        )
        await router.warm_up()
        await soon(lambda: any(isinstance(event, HealthChecked) for event in events))
        await router.aclose()
    assert {event.outcome for event in events if isinstance(event, HealthChecked)} == {"reachable"}
    method, path, headers, _ = server.seen[0]
    assert (method, path, headers["x-team"], headers["x-trace"]) == ("GET", "/v1/models", "research", "t1")


async def test_a_token_is_fetched_once_for_all_calls(make: Make) -> None:
    server, fetched = SigningServer(token="t-1"), []

    async def fetch() -> str:
        await asyncio.sleep(0)
        fetched.append("t-1")
        return fetched[-1]

    async with serving(server) as address:
        router = make(deployment(address, TokenCredential(fetch)))
        for _ in range(3):
            await router.answer(call())
        await router.aclose()
    assert (fetched, len(server.seen)) == (["t-1"], 3)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_token_that_never_comes_ends_the_call_in_time(make: Make, stream: bool) -> None:
    server = SigningServer(token="t-1")

    async def fetch() -> str:
        await asyncio.Event().wait()
        return ""

    async with serving(server) as address:
        router = make(deployment(address, TokenCredential(fetch), timeout=0.2), settings={"num_retries": 0})
        with pytest.raises(Timeout, match=r"signing the request to persimmon|no first content|0\.2 s"):
            await router.answer(call(stream=stream))
        await router.aclose()
    assert not server.seen


async def test_a_key_in_the_query_arrives_and_shows_in_no_error(make: Make) -> None:
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.raw_path)
        return web.json_response(RESPONSE)

    server = SigningServer()
    server.app = web.Application()
    server.app.router.add_post("/v1/chat/completions", answer)
    async with serving(server) as address:
        router = make(deployment(address, QueryKey(), key="sk+query/key"), settings={"num_retries": 0})
        assert isinstance(await router.answer(call()), Answer)
    with pytest.raises(APIConnectionError) as caught:  # the server is gone
        await router.answer(call())
    await router.aclose()
    assert seen == ["/v1/chat/completions?key=sk%2Bquery%2Fkey"]
    assert "sk" not in f"{caught.value!r} {caught.value} {vars(caught.value)}"
