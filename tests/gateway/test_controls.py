# ruff: noqa: SIM117 - servers outside, calls inside
"""What callers write for a gateway stays with it: no provider is sent a control parameter, a credential, or a label."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.dialects.full_answers import WHOLE
from tests.gateway.serving import Upstream, gateway, model, serving

HELLO = [{"role": "user", "content": "hi"}]
CONTROLS = {
    "litellm_request_debug": True,
    "ttl": 5,
    "model_info": {"id": "x"},
    "id": "x",
    "rpm": 5,
    "max_retries": 3,
    "my_secret": "value",
    "dd_site": "value",
}
CALL = {
    "name": "look",
    "arguments": "{}",
}


def dropped(reply: aiohttp.ClientResponse) -> list[str]:
    return reply.headers.get("x-dragoman-dropped-params", "").split(", ")


@pytest.mark.parametrize("provider", ["openai", "groq"])
@pytest.mark.parametrize("path", ["chat/completions", "completions", "embeddings"])
async def test_controls_are_reported_and_not_sent(client: aiohttp.ClientSession, path: str, provider: str) -> None:
    upstream = Upstream()
    asked: dict[str, Any] = {
        "chat/completions": {"messages": HELLO},
        "completions": {"prompt": "hi"},
        "embeddings": {"input": "hi"},
    }
    body: dict[str, Any] = {"model": "smart", **asked[path], **CONTROLS, "extra_body": {**CONTROLS, "own": 1}}
    async with serving(upstream) as there, gateway([model(there, provider=provider)]) as here:
        async with client.post(f"{here}/v1/{path}", json=body) as reply:
            if reply.status == 200:
                assert {
                    *CONTROLS,
                    *(f"extra_body.{name}" for name in CONTROLS if name not in ("rpm", "max_retries")),
                } <= {*dropped(reply)}
    for sent in upstream.bodies:
        assert sent["own"] == 1
        assert {*CONTROLS} & sent.keys() <= {"rpm", "max_retries"}


async def test_callers_of_other_dialects_are_read_alike(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    body: dict[str, Any] = {
        "model": "smart",
        "max_tokens": 5,
        "messages": HELLO,
        "litellm_request_debug": True,
        "my_token": "x",
    }
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/messages", json=body) as reply:
            assert reply.status == 200
            assert {"litellm_request_debug", "my_token"} <= {*dropped(reply)}
    assert not {"litellm_request_debug", "my_token"} & upstream.bodies[0].keys()


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_labels_of_anthropics_callers_choose_and_stay(client: aiohttp.ClientSession, provider: str) -> None:
    upstream, other = Upstream(), Upstream()
    metadata = {"user_id": "u", "tags": ["a"], "session_id": "s"}
    body: dict[str, Any] = {"model": "smart", "max_tokens": 5, "messages": HELLO, "metadata": metadata}
    async with serving(upstream) as there, serving(other) as elsewhere:
        models = [model(there, provider=provider, tags=["a"]), model(elsewhere, provider=provider, tags=["b"])]
        async with gateway(models, router_settings={"enable_tag_filtering": True, "num_retries": 0}) as here:
            async with client.post(f"{here}/v1/messages", json=body) as reply:
                await reply.read()
    assert other.bodies == []
    assert upstream.bodies[0].get("metadata") == (None if provider == "openai" else {"user_id": "u"})


@pytest.mark.parametrize(
    ("store", "sent"), [({}, None), ({"store": False}, None), ({"store": True}, {"topic": "test"})]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_openai_gets_metadata_with_store_only(
    client: aiohttp.ClientSession, store: dict[str, Any], sent: Any, stream: bool
) -> None:
    upstream = Upstream()
    labels = {"topic": "test", "tags": ["a"], "session_id": "s"}
    body: dict[str, Any] = {"model": "smart", "messages": HELLO, "metadata": labels, "stream": stream, **store}
    async with serving(upstream) as there, gateway([model(there)]) as here:
        async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
            await reply.read()
    assert upstream.bodies[0].get("metadata") == sent


async def test_metadata_of_another_type_is_refused(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        body = {"model": "smart", "messages": HELLO, "metadata": "text"}
        async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
            assert (reply.status, (await reply.json())["error"]["param"]) == (400, "metadata")


@pytest.mark.parametrize(
    ("switch", "status"),
    [("mock_timeout", 408), ("mock_testing_rate_limit_error", 429), ("mock_testing_fallbacks", 500)],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_mocked_failure_asks_nobody(
    client: aiohttp.ClientSession, switch: str, status: int, stream: bool
) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        body: dict[str, Any] = {"model": "smart", "messages": HELLO, switch: True, "stream": stream}
        async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
            assert reply.status == status
    assert upstream.bodies == []


async def test_mocked_tool_calls(client: aiohttp.ClientSession) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        call = {"id": "call_1", "function": CALL}
        body: dict[str, Any] = {"model": "smart", "messages": HELLO, "mock_tool_calls": [call], "mock_delay": 0.001}
        async with client.post(f"{here}/v1/chat/completions", json=body) as reply:
            choice = (await reply.json())["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"] == [{"type": "function", **call}]
    assert upstream.bodies == []


@pytest.mark.parametrize("name", ["apiBase", "API_BASE", "Api-Base", "apiKey", "awsSecretAccessKey"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_field_of_the_server_is_refused_however_it_is_spelled(
    client: aiohttp.ClientSession, path: str, name: str
) -> None:
    upstream = Upstream()
    async with serving(upstream) as there, gateway([model(there)]) as here:
        body = {"model": "smart", "max_tokens": 5, "messages": HELLO, name: "http://x"}
        async with client.post(here + path, json=body) as reply:
            assert reply.status == 400
            assert name in await reply.text()
    assert not upstream.bodies


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("path", ["chat/completions", "messages"])
async def test_no_secret_is_sent_from_anywhere_in_a_body(
    client: aiohttp.ClientSession, path: str, provider: str
) -> None:
    secret = {"langfuse_secret_key": "hush"}
    schema = {"type": "object", "properties": {"aws_secret_access_key": {"type": "string"}}}
    tools: dict[str, Any] = {
        "chat/completions": {"type": "function", "function": {"name": "f", "parameters": schema}, **secret},
        "messages": {"name": "f", "input_schema": schema, **secret},
    }
    body: dict[str, Any] = {
        "model": "smart",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi", **secret}], **secret}],
        "tools": [tools[path]],
        "callbacks": ["hush"],
        "success_callback": ["hush"],
        "extra_body": {"extra_body": secret, "own": 1} if path == "chat/completions" else secret,
    }
    upstream = Upstream(lambda up: up.json(WHOLE[provider]))
    async with serving(upstream) as there, gateway([model(there, provider=provider)]) as here:
        async with client.post(f"{here}/v1/{path}", json=body) as reply:
            lost = {*dropped(reply)}
            await reply.read()
    [sent] = upstream.bodies
    assert "hush" not in str(sent)
    assert "aws_secret_access_key" in str(sent)
    nested = {"messages[0].langfuse_secret_key", "messages[0].content[0].langfuse_secret_key"}
    assert {*nested, "tools[0].langfuse_secret_key", "callbacks", "success_callback"} <= lost


async def test_no_secret_of_a_gemini_caller_is_sent(client: aiohttp.ClientSession) -> None:
    secret = {"langfuse_secret_key": "hush"}
    body: dict[str, Any] = {
        "contents": [{"role": "user", "parts": [{"text": "hi", **secret}]}],
        "generationConfig": {"temperature": 1, **secret},
        "labels": {"team": "a", **secret},
        "extra_body": secret,
    }
    upstream = Upstream(lambda up: up.json(WHOLE["gemini"]))
    async with serving(upstream) as there, gateway([model(there, provider="gemini")]) as here:
        async with client.post(f"{here}/v1beta/models/smart:generateContent", json=body) as reply:
            lost = {*dropped(reply)}
            await reply.read()
    [sent] = upstream.bodies
    assert "hush" not in str(sent)
    assert sent["labels"] == {"team": "a"}
    assert {"generationConfig.langfuse_secret_key", "labels.langfuse_secret_key", "extra_body"} <= lost
