"""The SDK under strict type checkers: this file passes `mypy --strict` and `basedpyright` in strict mode."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, assert_type

from pydantic import BaseModel

import dragoman
from dragoman import (
    AsyncStream,
    Cost,
    CostBounds,
    EmbeddingResponse,
    ModelEntry,
    ModelResponse,
    ModelResponseStream,
    RateLimitError,
    Router,
    Stream,
    TextCompletionResponse,
    acompletion,
    aembedding,
    completion,
    completion_cost,
    cost,
    cost_bounds,
    cost_per_token,
    embedding,
    get_max_tokens,
    model_entry,
    register_model,
    supports_vision,
    text_completion,
    token_counter,
)

MODEL = os.environ.get("DRAGOMAN_EXAMPLE_MODEL", "openai/gpt-6-luna")
EMBEDDER = os.environ.get("DRAGOMAN_EXAMPLE_EMBEDDER", "openai/text-embedding-3-small")


class City(BaseModel):
    name: str


WEATHER_TOOL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def plain() -> str:
    response = completion(MODEL, [{"role": "user", "content": "Hello"}], max_completion_tokens=100, timeout=30)
    assert_type(response, ModelResponse)
    message = response.choices[0].message
    tokens = response.usage.total_tokens if response.usage is not None else 0
    return f"{message.content or ''} ({tokens} tokens)"


def streamed() -> str:
    stream = completion(MODEL, [{"role": "user", "content": "Hello"}], stream=True)
    assert_type(stream, Stream[ModelResponseStream])
    with stream:
        return "".join(chunk.choices[0].delta.content or "" for chunk in stream)


def structured() -> City:
    response = completion(
        MODEL, [{"role": "user", "content": "Name a city, as JSON"}], response_format=City, max_tokens=200
    )
    return City.model_validate_json(response.choices[0].message.content or "")


def with_tools() -> list[str]:
    question = {"role": "user", "content": 'What is the weather? [[tools: get_weather {"city": "Paris"}]]'}
    response = completion(MODEL, [question], tools=[WEATHER_TOOL], tool_choice="auto")
    message = response.choices[0].message
    cities: list[str] = []
    results: list[dict[str, Any]] = []
    for call in message.tool_calls or []:
        arguments: dict[str, str] = json.loads(call.function.arguments)
        cities.append(arguments["city"])
        results.append({"role": "tool", "tool_call_id": call.id, "content": "sunny"})
    completion(MODEL, [question, message, *results], tools=[WEATHER_TOOL])
    return cities


def vectors() -> int:
    response = embedding(EMBEDDER, ["one", "two"])
    assert_type(response, EmbeddingResponse)
    return len(response.data)


def older() -> str:
    response = text_completion(MODEL, "Hello", max_tokens=50)
    assert_type(response, TextCompletionResponse)
    return response.choices[0].text


def routed() -> ModelResponse:
    router = Router(
        model_list=[{"model_name": "smart", "litellm_params": {"model": MODEL}}],
        fallbacks=[{"smart": [MODEL]}],
        num_retries=1,
    )
    return router.completion("smart", [{"role": "user", "content": "Hello"}])


def priced() -> float:
    register_model({MODEL: {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "max_output_tokens": 4096}})
    messages = [{"role": "user", "content": "Hello"}]
    assert_type(cost_bounds(MODEL, messages, max_tokens=50), CostBounds)
    response = completion(MODEL, messages)
    assert_type(cost(response), Cost)
    assert_type(cost_per_token(MODEL, prompt_tokens=5, completion_tokens=10), tuple[float, float])
    assert_type(model_entry(MODEL), ModelEntry | None)
    assert_type(supports_vision(MODEL, custom_llm_provider=None), bool)
    assert_type(token_counter(MODEL, messages=messages), int)
    assert_type(get_max_tokens(MODEL), int)
    return completion_cost(completion_response=response)


def refused() -> tuple[int, float | None]:
    try:
        completion(
            MODEL, [{"role": "user", "content": "Hello"}], mock_response="dragoman.RateLimitError", num_retries=0
        )
    except RateLimitError as error:
        return error.status_code, error.retry_after
    raise AssertionError("the mock is an error")


async def asynchronous() -> str:
    response = await acompletion(MODEL, [{"role": "user", "content": "Hello"}])
    assert_type(response, ModelResponse)
    stream = await acompletion(MODEL, [{"role": "user", "content": "Hello"}], stream=True)
    assert_type(stream, AsyncStream[ModelResponseStream])
    async with stream:
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    await aembedding(EMBEDDER, "one")
    return text


def main() -> None:
    dragoman.drop_params = True
    for result in (plain(), streamed(), structured(), with_tools(), vectors(), older(), priced(), refused()):
        print(result)
    print(routed().choices[0].finish_reason)
    print(asyncio.run(asynchronous()))


if __name__ == "__main__":
    main()
