"""Requirement 26: the gateway takes back what it gave, for the same provider and for every other; any name of a tool works."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest
from openai.types.chat import ChatCompletionChunk

import dragoman
from tests.gateway.serving import Upstream
from tests.requirements.serving import asked, deployment, events, gateway, in_front_of, serving

MODELS = {
    "gpt-4o": "openai",
    "gpt-5": "openai",
    "claude-sonnet-4-5": "anthropic",
    "gemini-2.5-flash": "gemini",
    "gemini-3-pro-preview": "gemini",
}
LONG = "get weather/of the.city: Ünï " + "x" * 70
NAMES = (LONG, LONG + "y", "9lives", "plain")
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": PARAMETERS}} for name in NAMES]
ALL = [(model, {"alias": model, "model": model}) for model in MODELS]


async def chat(client: aiohttp.ClientSession, here: str, model: str, messages: list[Any], stream: bool) -> Any:
    thinking = {} if model == "gpt-4o" else {"reasoning_effort": "low"}
    path, body = asked("openai", model=model, stream=stream, tools=TOOLS, **thinking)
    async with client.post(here + path, json={**body, "messages": messages}) as reply:
        text = await reply.text()
        assert reply.status == 200, (model, text)
        if not stream:
            return (await reply.json())["choices"][0]["message"]
    chunks = [ChatCompletionChunk.model_validate(event).model_dump(exclude_unset=True) for event in events(text)]
    built = dragoman.stream_chunk_builder(chunks)
    assert built is not None
    return built.choices[0].message.model_dump()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("first", MODELS)
async def test_what_was_given_is_taken_back(client: aiohttp.ClientSession, first: str, stream: bool) -> None:
    question = {"role": "user", "content": "Go. [[think: Hm]] [[turns: 1x4]]"}
    async with in_front_of(*[(MODELS[model], more) for model, more in ALL]) as (here, _):
        message = await chat(client, here, first, [question], stream)
        called = [call["function"]["name"] for call in message["tool_calls"]]
        assert called
        assert set(called) <= set(NAMES)
        results = [
            {"role": "tool", "tool_call_id": call["id"], "content": f"r{k}"}
            for k, call in enumerate(message["tool_calls"])
        ]
        for second in MODELS:
            last = await chat(client, here, second, [question, message, *results], stream)
            assert last["content"].startswith("Results: "), second
            assert last["content"].count("-> r") == len(results)
            again = [question, message, *results, last, {"role": "user", "content": "And now?"}]
            assert (await chat(client, here, second, again, stream))["content"]


EMPTY: list[list[Any]] = [
    [{"role": "assistant", "content": ""}],
    [{"role": "assistant", "content": None}],
    [{"role": "assistant", "content": []}],
    [{"role": "assistant", "content": "   \n"}],
    [{"role": "assistant", "content": "a"}, {"role": "user", "content": ""}],
    [{"role": "user", "content": [{"type": "text", "text": ""}]}],
    [{"role": "system", "content": ""}],
    [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}],
]


@pytest.mark.parametrize("model", MODELS)
async def test_empty_and_repeated_turns(client: aiohttp.ClientSession, model: str) -> None:
    """Of a conversation that any of OpenAI's models takes."""
    async with in_front_of(*[(MODELS[name], more) for name, more in ALL if name == model]) as (here, _):
        for turns in EMPTY:
            messages = [{"role": "user", "content": "hi"}, *turns, {"role": "user", "content": "Go on"}]
            path, body = asked("openai", model=model)
            async with client.post(here + path, json={**body, "messages": messages}) as reply:
                if turns[0]["content"] is None and MODELS[model] == "openai":
                    assert reply.status == 400  # as OpenAI answers without a gateway
                else:
                    assert reply.status == 200, (turns, await reply.text())


@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
async def test_an_answer_without_words_is_taken_back(client: aiohttp.ClientSession, provider: str) -> None:
    """A model may end before it has said anything; OpenAI takes null beside a call only."""
    usage = {"input_tokens": 1, "output_tokens": 0}
    empty: dict[str, Any] = {
        "anthropic": {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage},
        "gemini": {"candidates": [{"content": {"role": "model"}, "finishReason": "MAX_TOKENS"}], "usageMetadata": {}},
    }
    empty["anthropic"] |= {"stop_reason": "max_tokens", "stop_sequence": None}
    upstream = Upstream(lambda up: up.json(empty[provider]))
    async with serving(upstream) as there, in_front_of(("openai", {})) as (openai, _):
        async with gateway([deployment(there, provider)]) as here:
            path, body = asked("openai")
            async with client.post(here + path, json=body) as reply:
                message = (await reply.json())["choices"][0]["message"]
        body["messages"] += [message, {"role": "user", "content": "Go on"}]
        async with client.post(openai + path, json=body) as reply:
            assert reply.status == 200, (message, await reply.text())
