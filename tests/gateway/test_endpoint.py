# ruff: noqa: SIM117 - servers outside, calls inside
"""One call through the gateway, to an upstream that speaks OpenAI's dialect."""

from __future__ import annotations

import logging
from typing import Any, NoReturn

import aiohttp
import orjson
import pytest

from dragoman.gateway.master_key import MasterKeyGate
from dragoman.routing import Call
from dragoman.types.caller import Caller
from tests.gateway.serving import KEY, PROVIDER_KEY, Upstream, chat_chunks, chat_reply, gateway, model, serving

CHAT: dict[str, Any] = {"model": "smart", "messages": [{"role": "user", "content": "hi"}]}


def failing(status: int, message: str = "no", headers: dict[str, str] | None = None) -> Upstream:
    error = {"error": {"message": message, "type": "some_error", "param": None, "code": None}}
    return Upstream(lambda upstream: upstream.json(error, status, headers))


async def test_an_answer_comes_with_the_headers_that_tell_of_it(client: aiohttp.ClientSession) -> None:
    upstream = Upstream(
        lambda up: up.json(
            chat_reply(),
            headers={"x-ratelimit-remaining-requests": "7", "set-cookie": "a=b", "x-request-id": PROVIDER_KEY},
        )
    )
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
            assert reply.status == 200
            assert (await reply.json())["choices"][0]["message"]["content"] == "Hello!"
            headers = reply.headers
    assert headers["x-dragoman-request-id"].startswith("req_")
    assert headers["x-request-id"] == headers["x-dragoman-request-id"]
    assert headers["x-dragoman-model"] == "real-smart"
    assert headers["x-dragoman-provider"] == "openai"
    assert headers["x-dragoman-attempts"] == "1"
    assert headers["llm_provider-x-ratelimit-remaining-requests"] == "7"
    assert PROVIDER_KEY not in str(headers)
    assert "set-cookie" not in headers
    assert "x-dragoman-dropped-params" not in headers


async def test_the_provider_gets_its_own_key_and_nothing_of_the_caller(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        headers = {"cookie": "a=b", "x-forwarded-for": "1.2.3.4", "x-secret": "mine"}
        async with client.post(f"{here}/v1/chat/completions", json=CHAT, headers=headers) as reply:
            assert reply.status == 200
    [sent] = upstream.headers
    assert sent["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert not {"cookie", "x-forwarded-for", "x-secret"} & set(sent)
    assert KEY not in str(sent)
    assert upstream.bodies[0]["model"] == "real-smart"


async def test_other_names_of_a_model_are_answered(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    settings = {"model_group_alias": {"gpt-4": "smart"}}
    async with serving(upstream) as there, gateway([model(there)], router_settings=settings) as here:
        async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "model": "gpt-4"}) as reply:
            assert reply.status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/chat/completions",
        "/engines/smart/chat/completions",
        "/openai/deployments/a/smart/chat/completions?api-version=1",
        "/v1/chat/completions/",
    ],
)
async def test_the_other_paths_of_openais_clients(client: aiohttp.ClientSession, path: str) -> None:
    upstream = Upstream()
    body = CHAT if "smart" not in path else {"messages": CHAT["messages"]}
    async with serving(upstream) as there, gateway([model(there), model(there, "a/smart")]) as here:
        async with client.post(f"{here}{path}", json=body) as reply:
            assert reply.status == 200, await reply.text()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500, 503])
async def test_a_providers_error_keeps_its_status_and_loses_the_key(client: aiohttp.ClientSession, status: int) -> None:
    upstream = failing(status, f"bad key {PROVIDER_KEY} (and {PROVIDER_KEY})", {"x-request-id": PROVIDER_KEY})
    settings = {"num_retries": 0}
    async with serving(upstream) as there, gateway([model(there)], router_settings=settings) as here:
        async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
            told, headers = await reply.text(), str(reply.headers)
            assert reply.status == status
    error = orjson.loads(told)["error"]
    assert set(error) >= {"message", "type", "param", "code"}
    assert PROVIDER_KEY not in told + headers
    assert "'x-dragoman-attempts': '1'" in headers
    assert "'x-dragoman-provider': 'openai'" in headers


async def test_when_to_come_back_is_told_in_whole_seconds(client: aiohttp.ClientSession) -> None:
    upstream = failing(429, headers={"retry-after": "6.2"})
    async with serving(upstream) as there, gateway([model(there)], router_settings={"num_retries": 0}) as here:
        async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
            assert (reply.status, reply.headers["retry-after"]) == (429, "7")


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"api_key": "x"}, "api_key"),
        ({"api_base": "http://evil"}, "api_base"),
        ({"input_cost_per_token": 0}, "input_cost_per_token"),
        ({"base_model": "openai/gpt-4o-mini"}, "base_model"),
        ({"base_url": "http://evil"}, "base_url"),
        ({"custom_llm_provider": "openai"}, "custom_llm_provider"),
        ({"extra_headers": {"host": "evil"}}, "extra_headers"),
        ({"aws_region_name": "x"}, "aws_region_name"),
        ({"fallbacks": [{"model": "smart", "api_base": "http://evil"}]}, "fallbacks[0].api_base"),
        ({"fallbacks": [{"model": 3}]}, "fallbacks[0].model"),
        ({"fallbacks": "smart"}, "fallbacks"),
        ({"extra_body": {"model": "o1-pro"}}, "extra_body.model"),
        ({"extra_body": {"api_base": "http://evil"}}, "extra_body.api_base"),
        ({"num_retries": 1000}, "num_retries"),
        ({"num_retries": True}, "num_retries"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"drop_params": "yes"}, "drop_params"),
        ({"additional_drop_params": [1]}, "additional_drop_params[0]"),
        ({"guardrails": ["pii"]}, "guardrails"),
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"messages": "hi"}, "messages"),
    ],
)
async def test_what_a_caller_may_not_say_is_named(
    client: aiohttp.ClientSession, more: dict[str, Any], path: str
) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/chat/completions", json={**CHAT, **more}) as reply:
            error = (await reply.json())["error"]
            assert (reply.status, error["param"]) == (400, path), error
    assert upstream.bodies == []


@pytest.mark.parametrize("name", ["unknown", "openai/gpt-4o", "http://evil/x", "smart/../x", "sm\u2028art"])
async def test_only_listed_models_are_answered(client: aiohttp.ClientSession, name: str) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        for body in ({**CHAT, "model": name}, {**CHAT, "fallbacks": [name]}):
            async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
                error = (await reply.json())["error"]
                expected = (404, "model") if body["model"] == name else (400, "fallbacks[0]")
                assert (reply.status, error["param"], error["code"]) == (*expected, "model_not_found")
    assert upstream.bodies == []


async def test_the_gateways_own_fields_do_not_reach_the_provider(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    mine = {
        "num_retries": 1,
        "timeout": 20,
        "stream_timeout": 5,
        "fallbacks": ["smart"],
        "drop_params": True,
        "additional_drop_params": ["seed"],
        "allowed_openai_params": ["x_new"],
        "extra_body": {"service": "mine"},
        "tags": ["a"],
        "cache": {"no-cache": True},
    }
    theirs = {"metadata": {"a": "b"}, "store": True, "user": "u", "temperature": 0.5, "x_new": 1}
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/chat/completions", json={**CHAT, **theirs, "seed": 1, **mine}) as reply:
            assert reply.status == 200, await reply.text()
            assert set(reply.headers["x-dragoman-dropped-params"].split(", ")) == {"seed", "cache"}
    assert upstream.bodies == [{**CHAT, **theirs, "model": "real-smart", "service": "mine"}]


async def test_fallbacks_are_asked_and_counted(client: aiohttp.ClientSession) -> None:
    bad, good = failing(401), Upstream()
    models = {"router_settings": {"fallbacks": [{"smart": ["backup"]}], "num_retries": 0}}
    async with serving(bad) as first, serving(good) as second:
        async with gateway([model(first), model(second, "backup")], **models) as here:
            async with client.post(f"{here}/v1/chat/completions", json=CHAT) as reply:
                assert reply.status == 200
                assert reply.headers["x-dragoman-attempts"] == "2"
                assert reply.headers["x-dragoman-model"] == "real-backup"
    assert (len(bad.bodies), len(good.bodies)) == (1, 1)


async def test_a_stream_is_passed_on_and_ends_properly(client: aiohttp.ClientSession) -> None:
    upstream = Upstream(lambda up: up.stream(chat_chunks("Hel", "lo\u2028")))
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "stream": True}) as reply:
            text = await reply.text()
            assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert reply.headers["cache-control"] == "no-cache"
            assert reply.headers["x-accel-buffering"] == "no"
            assert reply.headers["x-dragoman-provider"] == "openai"
            assert reply.headers["x-dragoman-attempts"] == "1"
    assert text.endswith("data: [DONE]\n\n")
    chunks = [orjson.loads(line[6:]) for line in text.split("\n") if line.startswith("data: {")]
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]) == "Hello\u2028"


@pytest.mark.parametrize("include_usage", [False, True])
async def test_a_stream_that_breaks_off_ends_in_an_error(client: aiohttp.ClientSession, include_usage: bool) -> None:
    upstream = Upstream(lambda up: up.stream(chat_chunks("Hel", "lo")[:-2]))
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": include_usage}}
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
            text = await reply.text()
            assert reply.status == 200
    events = [line for line in text.split("\n") if line.startswith("data: ")]
    assert "error" in orjson.loads(events[-1][6:])
    assert "[DONE]" not in text


async def test_a_stream_that_fails_before_its_first_content_is_an_ordinary_error(client: aiohttp.ClientSession) -> None:
    upstream = failing(429)
    async with serving(upstream) as there, gateway([model(there)], router_settings={"num_retries": 0}) as here:
        async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "stream": True}) as reply:
            assert reply.status == 429
            assert reply.headers["content-type"] == "application/json"


async def test_a_key_in_a_streams_error_is_taken_out(client: aiohttp.ClientSession) -> None:
    bad = b'data: {"error": {"message": "key %s is wrong", "code": "x"}}\n\n' % PROVIDER_KEY.encode()
    upstream = Upstream(lambda up: up.stream([*chat_chunks("Hel")[:-2], bad]))
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "stream": True}) as reply:
            text = await reply.text()
    assert "error" in text
    assert PROVIDER_KEY not in text


class BrokenGate(MasterKeyGate):
    """Has a bug where a call is admitted."""

    __slots__ = ()

    def admit(self, caller: Caller, call: Call) -> NoReturn:
        raise RuntimeError("a bug with inner words")


@pytest.mark.parametrize("stream", [False, True])
async def test_an_unforeseen_failure_is_logged_and_not_told(
    client: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, stream: bool
) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)], gate=BrokenGate(KEY)) as here:
        with caplog.at_level(logging.ERROR, "dragoman.gateway"):
            async with client.post(f"{here}/v1/chat/completions", json={**CHAT, "stream": stream}) as reply:
                told = await reply.text()
                assert reply.status == 500
                assert reply.headers["x-dragoman-request-id"] in told
    assert "inner words" not in told
    assert "Traceback" not in told
    assert "inner words" in caplog.text


async def test_embeddings_and_text_completions(client: aiohttp.ClientSession) -> None:
    vectors = {
        "object": "list",
        "model": "e",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1},
    }
    words = {
        "id": "c",
        "object": "text_completion",
        "created": 1,
        "model": "t",
        "choices": [{"index": 0, "text": "hi", "finish_reason": "stop", "logprobs": None}],
    }
    for path, body, answer in (
        ("/v1/embeddings", {"model": "smart", "input": "x"}, vectors),
        ("/embeddings", {"model": "smart", "input": ["x", "y"]}, vectors),
        ("/v1/completions", {"model": "smart", "prompt": "x"}, words),
        ("/completions", {"model": "smart", "prompt": "x"}, words),
    ):
        upstream = Upstream(lambda up, answer=answer: up.json(answer))  # type: ignore[misc]
        async with serving(upstream) as there, gateway([model(there)]) as here:
            async with client.post(f"{here}{path}", json=body) as reply:
                assert reply.status == 200, await reply.text()
                told = await reply.json()
        assert told.get("data") == answer.get("data")
        assert [c["text"] for c in told.get("choices", [])] == [c["text"] for c in answer.get("choices", [])]  # type: ignore[attr-defined]


async def test_beta_headers_go_with_a_body_that_passes_through(client: aiohttp.ClientSession) -> None:
    reply = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "brand_new_answer"}],
        "usage": {},
    }
    upstream = Upstream(lambda up: up.json(reply))
    body = {
        "model": "smart",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": [{"type": "brand_new_block", "x": 1}]}],
        "brand_new_parameter": {"deep": [1.0, None]},
    }
    async with serving(upstream) as there:
        there = there.removesuffix("/v1")
        async with gateway([model(there, provider="anthropic")]) as here:
            headers = {"anthropic-version": "2023-06-01", "anthropic-beta": "new-thing-2026-01-01"}
            async with client.post(f"{here}/v1/messages", json=body, headers=headers) as answer:
                assert await answer.json() == reply
    assert upstream.bodies == [{**body, "model": "real-smart"}]
    assert upstream.headers[0]["anthropic-beta"] == "new-thing-2026-01-01"


async def test_what_cannot_be_streamed_is_refused_before_a_provider_is_asked(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/embeddings", json={"model": "smart", "input": "a", "stream": True}) as reply:
            assert (reply.status, (await reply.json())["error"]["param"]) == (400, "stream")
            assert "embeddings cannot be streamed" in await reply.text()
    assert upstream.bodies == []
