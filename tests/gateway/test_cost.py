# ruff: noqa: SIM117 - servers outside, calls inside
"""Every answer says what it cost: in a header, in the usage of a stream, in the log."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import openai
import orjson
import pytest
from google import genai

from dragoman.gateway.http.response_headers import call_headers
from dragoman.gateway.http.stream_cost import with_cost
from dragoman.gateway.logs.redactor import Redactor
from dragoman.routing import StreamAnswer
from dragoman.simulator.app import SimulatorSettings
from dragoman.simulator.app import app as simulator
from dragoman.simulator.faults import Faults
from dragoman.types.call_record import CallRecord
from dragoman.types.cost import Cost
from tests.gateway.serving import KEY, Upstream, chat_chunks, chat_reply, gateway, model, serving

CHAT: dict[str, Any] = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}
PRICES: dict[str, Any] = {"input_cost_per_token": 0.000003, "output_cost_per_token": 1.5e-05}
"""Of an answer with 3 and 2 tokens: 0.000039 dollars."""
TOLD = {"litellm_settings": {"include_cost_in_streaming_usage": True}}
VENDORS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}


@contextlib.asynccontextmanager
async def simulated(provider: str, **sections: Any) -> AsyncIterator[str]:
    """A gateway in front of a simulated provider."""
    async with serving(simulator(SimulatorSettings(0, Faults(), False))) as there:
        name = f"{provider}/{VENDORS[provider]}"
        params = {"model": name, "api_base": there, "api_key": "sk-provider-key", **PRICES}
        async with gateway([{"model_name": "smart", "litellm_params": params}], **sections) as here:
            yield here


def streaming(*, usage: bytes = b'{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}') -> Upstream:
    chunks = chat_chunks("Hel", "lo")
    head = b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"real-smart",'
    chunks.insert(-1, head + b'"choices":[],"usage":' + usage + b"}\n\n")
    return Upstream(lambda up: up.stream(chunks))


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (PRICES, "0.000039"),
        ({"input_cost_per_token": "1e-9", "output_cost_per_token": 0}, "0.000000003"),
        ({"input_cost_per_token": 0, "output_cost_per_token": 0}, "0"),
        ({"base_model": "gpt-4o"}, "0.0000275"),
        ({"base_model": "openai/gpt-4o", "input_cost_per_token": 1}, "3.00002"),
        ({}, "unpriced"),
    ],
)
async def test_an_answer_says_what_it_cost(client: aiohttp.ClientSession, params: dict[str, Any], told: str) -> None:
    async with serving(Upstream()) as there, gateway([model(there, **params)]) as here:
        async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
            assert (reply.status, reply.headers["x-dragoman-cost"]) == (200, told)
            assert "x-dragoman-cost-without" not in reply.headers
            assert "x-dragoman-cost-reported" not in reply.headers


async def test_the_catalogue_knows_the_price_of_a_model(client: aiohttp.ClientSession) -> None:
    entry = {"model_name": "smart", "litellm_params": {"model": "openai/gpt-4o", "api_key": "x"}}
    async with serving(Upstream()) as there:
        entry["litellm_params"]["api_base"] = there  # type: ignore[index]
        async with gateway([entry]) as here:
            async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
                assert reply.headers["x-dragoman-cost"] == "0.0000275"


async def test_what_a_provider_says_is_told_beside_it(client: aiohttp.ClientSession) -> None:
    answer = chat_reply()
    answer["usage"]["cost"] = 0.00012
    async with serving(Upstream(lambda up: up.json(answer))) as there:
        async with gateway([model(there, provider="openrouter", **PRICES)]) as here:
            async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
                assert reply.headers["x-dragoman-cost"] == "0.000039"
                assert reply.headers["x-dragoman-cost-reported"] == "0.00012"


def cost_headers(cost: Cost | None) -> dict[bytes, bytes]:
    record = CallRecord(request_id="req_1", operation="chat", model="smart")
    record.settle(None, cost)
    headers = call_headers(record, Redactor(()))
    return {name: value for name, value in headers if name.startswith(b"x-dragoman-cost")}


def test_what_is_left_out_of_the_cost_is_named() -> None:
    assert cost_headers(Cost(total=1500, unpriced=("web_search", "input_audio"))) == {
        b"x-dragoman-cost": b"0.0000015",
        b"x-dragoman-cost-without": b"web_search, input_audio",
    }
    assert cost_headers(None) == {b"x-dragoman-cost": b"unpriced"}


@pytest.mark.parametrize("provider", VENDORS)
async def test_every_dialect_finds_it_in_the_header(client: aiohttp.ClientSession, provider: str) -> None:
    chat = {**CHAT, "max_tokens": 50}
    contents = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    async with simulated(provider) as here:
        for path, body in (
            ("/v1/chat/completions", chat),
            ("/v1/messages", chat),
            ("/v1beta/models/smart:generateContent", contents),
        ):
            async with client.post(f"{here}{path}", json=body) as reply:
                assert float(reply.headers["x-dragoman-cost"]) > 0, path
        async with client.post(f"{here}/v1/messages/count_tokens", json=CHAT) as reply:
            assert (reply.status, reply.headers["x-dragoman-cost"]) == (200, "0")


@pytest.mark.parametrize("provider", VENDORS)
async def test_openais_client_finds_it_in_a_streams_usage(provider: str) -> None:
    async with simulated(provider, **TOLD) as here:
        async with openai.AsyncOpenAI(base_url=f"{here}/v1", api_key=KEY, max_retries=0) as sdk:
            stream = await sdk.chat.completions.create(
                model="smart",
                messages=[{"role": "user", "content": "hi"}],
                stream=True,
                stream_options={"include_usage": True},
            )
            usages = [chunk.usage async for chunk in stream if chunk.usage]
            assert len(usages) == 1
            assert_is_cost(usages[0].prompt_tokens, usages[0].completion_tokens, usages[0].model_dump()["cost"])


def assert_is_cost(tokens_in: int, tokens_out: int, told: float) -> None:
    assert told == pytest.approx(3e-06 * tokens_in + 1.5e-05 * tokens_out, rel=1e-12)
    assert told > 0


@pytest.mark.parametrize("provider", VENDORS)
async def test_anthropics_client_finds_it_in_the_message_delta(provider: str) -> None:
    async with simulated(provider, **TOLD) as here:
        async with anthropic.AsyncAnthropic(base_url=here, api_key=KEY, max_retries=0) as sdk:
            asked: Any = {"model": "smart", "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]}
            async with sdk.messages.stream(**asked) as stream:
                events = [event async for event in stream]
                message = await stream.get_final_message()
            deltas: list[Any] = [event for event in events if event.type == "message_delta"]
            assert len(deltas) == 1
            assert_is_cost(message.usage.input_tokens, message.usage.output_tokens, deltas[0].usage.cost)


@pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning")  # Google's own
@pytest.mark.parametrize("provider", VENDORS)
async def test_googles_client_is_not_told_what_it_would_refuse(provider: str) -> None:
    async with simulated(provider, **TOLD) as here:
        sdk = genai.Client(api_key=KEY, http_options={"base_url": here}).aio
        chunks = [chunk async for chunk in await sdk.models.generate_content_stream(model="smart", contents="hi")]
        assert any(chunk.usage_metadata for chunk in chunks)
        await sdk.aclose()


async def test_no_other_byte_of_a_stream_changes(client: aiohttp.ClientSession) -> None:
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    texts = []
    async with serving(streaming()) as there:
        for sections in ({}, TOLD):
            async with gateway([model(there, **PRICES)], **sections) as here:
                async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
                    texts.append(await reply.text())
                    assert "x-dragoman-cost" not in reply.headers
    plain, told = texts
    assert '"total_tokens":5,"cost":0.000039}' in told
    assert told.replace(',"cost":0.000039', "") == plain


async def test_a_providers_own_cost_stays(client: aiohttp.ClientSession) -> None:
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    upstream = streaming(usage=b'{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"cost":7}')
    async with serving(upstream) as there, gateway([model(there, **PRICES)], **TOLD) as here:
        async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
            assert '"total_tokens":5,"cost":7}' in await reply.text()


@pytest.mark.parametrize("stream", [True, False])
async def test_the_log_says_it(client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, stream: bool) -> None:
    caplog.set_level(logging.INFO, "dragoman.gateway.requests")
    general = {"master_key": KEY, "log_requests": True}
    upstream = streaming() if stream else Upstream()
    async with serving(upstream) as there:
        models = [model(there, **PRICES), model(there, "free-of-knowledge")]
        async with gateway(models, general_settings=general) as here:
            for name in ("smart", "free-of-knowledge"):
                async with client.post(
                    f"{here}/v1/chat/completions", json={**CHAT, "model": name, "stream": stream}
                ) as reply:
                    await reply.read()
            async with client.get(f"{here}/v1/models") as reply:
                await reply.read()
    assert [vars(record)["cost"] for record in caplog.records] == ["0.000039", "unpriced", ""]


async def test_models_without_a_price_can_be_refused(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    blocking = {"litellm_settings": {"block_requests_for_models_without_pricing": True}}
    async with serving(upstream) as there:
        async with gateway([model(there), model(there, "priced", **PRICES)], **blocking) as here:
            async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
                error = (await reply.json())["error"]
                assert (reply.status, error["code"]) == (400, "model_without_pricing")
            assert upstream.bodies == []
            async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "model": "priced"}) as reply:
                assert reply.status == 200


def told(data: bytes, total: int | None = 39000) -> bytes:
    async def nothing() -> AsyncIterator[list[Any]]:
        yield []

    answer = StreamAnswer(
        provider="p", model="m", batches=nothing(), usage={"prompt_tokens": 1}, pricing=lambda usage: Cost(total)
    )
    return with_cost(data, answer)


@pytest.mark.parametrize(
    "document",
    [
        b'{"usage": {"a": 1 }, "x": 2}',
        b'{"x": {"usage": {"a": 1}}, "usage": {"a": {"usage": {}}}}',
        b'{"t": "\\"usage\\": {}", "usage":\n {"t": "}"}}'.replace(b"\n", b""),
        b'{"usage":{}}',
        '{"t":"ü€😀","usage":{"a":1}}'.encode(),
    ],
)
@pytest.mark.parametrize(
    "framing", [b"data: %s\n\n", b"event: x\ndata:%s\r\n\r\n", b": ping\n\ndata: {}\n\ndata: %s\n\ndata: [DONE]\n\n"]
)
def test_the_cost_goes_into_the_usage_of_the_document(document: bytes, framing: bytes) -> None:
    before, _, after = (framing % b"@").partition(b"@")
    data = told(framing % document)
    assert data.startswith(before)
    assert data.endswith(after)
    changed = orjson.loads(data[len(before) : len(data) - len(after)])
    whole = orjson.loads(document)
    assert changed == {**whole, "usage": {**whole["usage"], "cost": 0.000039}}
    assert data.replace(b'"cost":0.000039', b"").replace(b",}", b"}") == framing % document


@pytest.mark.parametrize(
    "data",
    [
        b'data: {"x": {"usage": {"a": 1}}}\n\n',
        b'data: {"usage": null}\n\n',
        b'data: {"usage": 3}\n\n',
        b'data: {"t": "\\"usage\\": {}"}\n\n',
        b'data: {"usage": {"cost": 1}}\n\n',
        b'data: "usage"\n\n',
        b'data: {"usage": {"a": \n\n',
        b'data: \xff"usage"\n\n',
    ],
)
def test_anything_else_stays_as_it_is(data: bytes) -> None:
    assert told(data) == data


def test_an_unknown_cost_is_not_told_as_nothing() -> None:
    data = b'data: {"usage":{"a":1}}\n\n'
    assert told(data, None) == data
