"""A provider's odd answer falls over, and a caller's odd request is refused: neither is ever an error 500 of the gateway."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from tests.dialects.full_answers import STREAMS, WHOLE
from tests.dialects.full_requests import REQUESTS
from tests.gateway.serving import KEY, Upstream, chat_chunks, chat_reply, gateway, model, serving
from tests.mutations import mutations

SAMPLE = 12
"""Mutations in a run, of each provider's answer for each caller, and of each caller's request for each provider."""
CALLERS: dict[str, dict[str, Any]] = {
    "openai": {"messages": [{"role": "user", "content": "hi"}]},
    "anthropic": {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 2000},
    "gemini": {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]},
}
PATHS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


class _Scripted(Upstream):
    """Answers with what a test has put into it."""

    def __init__(self) -> None:
        super().__init__(self._reply)
        self.body: Any = None
        self.events: list[Any] | None = None

    async def _reply(self, _: Upstream) -> None:
        if self.events is None:
            await self.json(self.body)
        else:
            data = [b"data: " + orjson.dumps(event) + b"\n\n" for event in self.events]
            await self.stream([*data, b"data: [DONE]\n\n"])


async def _good(upstream: Upstream) -> None:
    if upstream.bodies[-1].get("stream"):
        await upstream.stream(chat_chunks("good"))
    else:
        await upstream.json(chat_reply("good"))


@contextlib.asynccontextmanager
async def _gateway(provider: str, upstream: Upstream) -> AsyncIterator[tuple[str, aiohttp.ClientSession]]:
    settings = {"num_retries": 0, "fallbacks": [{"smart": ["backup"]}]}
    async with contextlib.AsyncExitStack() as stack:
        odd, good = [await stack.enter_async_context(serving(app)) for app in (upstream, Upstream(_good))]
        models = [model(odd, provider=provider), model(good, "backup")]
        url = await stack.enter_async_context(gateway(models, router_settings=settings))
        headers = {"authorization": f"Bearer {KEY}"}
        yield url, await stack.enter_async_context(aiohttp.ClientSession(headers=headers))


def _path(caller: str, *, stream: bool) -> str:
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return PATHS.get(caller, f"/v1beta/models/smart:{verb}")


def _body(caller: str, body: dict[str, Any], *, stream: bool) -> dict[str, Any]:
    return body if caller == "gemini" else {**body, "model": "smart", "stream": stream}


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("provider", WHOLE)
async def test_an_odd_answer_is_answered(provider: str, caller: str) -> None:
    upstream = _Scripted()
    async with _gateway(provider, upstream) as (url, session):
        for upstream.body in mutations(WHOLE[provider], SAMPLE, seed=len(caller)):
            body = _body(caller, CALLERS[caller], stream=False)
            async with session.post(url + _path(caller, stream=False), json=body) as reply:
                assert reply.status == 200, (upstream.body, await reply.text())
                assert isinstance(await reply.json(), dict)


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("provider", STREAMS)
async def test_an_odd_stream_is_answered(provider: str, caller: str) -> None:
    """Once it has begun, its fault is the last event."""
    upstream = _Scripted()
    async with _gateway(provider, upstream) as (url, session):
        for upstream.events in mutations(STREAMS[provider], SAMPLE, seed=len(caller)):
            body = _body(caller, CALLERS[caller], stream=True)
            async with session.post(url + _path(caller, stream=True), json=body) as reply:
                text = await reply.text()
                assert reply.status == 200, (upstream.events, text)
                assert "internal_error" not in text


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("provider", WHOLE)
async def test_an_odd_request_is_answered_or_refused(provider: str, caller: str) -> None:
    upstream = _Scripted()
    upstream.body = WHOLE[provider]
    statuses = set[int]()
    controls = {"drop_params": True, "num_retries": 0, "timeout": 5, "extra_body": {"z": 1}, "tags": ["a"]}
    full = {**REQUESTS[caller], **(controls if caller == "openai" else {})}
    async with _gateway(provider, upstream) as (url, session):
        for body, stream in zip(mutations(full, SAMPLE, seed=len(provider)), itertools.cycle((False, True))):
            path = _path(caller, stream=stream)
            async with session.post(url + path, json=_body(caller, body, stream=stream)) as reply:
                text = await reply.text()
                statuses.add(reply.status)
                assert reply.status < 500, (body, text)
                assert "internal_error" not in text
    assert statuses <= {200, 400, 404, 422}


@pytest.mark.parametrize(("caller", "status"), [("openai", 408), ("anthropic", 504), ("gemini", 504)])
async def test_a_timeout_has_the_status_of_the_dialect(caller: str, status: int) -> None:
    async with (
        serving(Upstream()) as upstream,
        gateway([model(upstream, mock_timeout=True)], router_settings={"num_retries": 0}) as url,
        aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as session,
    ):
        body = _body(caller, CALLERS[caller], stream=False)
        async with session.post(url + _path(caller, stream=False), json=body) as reply:
            assert reply.status == status
            error = (await reply.json())["error"]
    assert caller != "gemini" or (error["code"], error["status"]) == (504, "DEADLINE_EXCEEDED")
