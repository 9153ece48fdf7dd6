"""What the readers must tell for a price: tiers, searches, and what providers count beside their totals."""

from __future__ import annotations

import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import Codec, ReplyContext, ReplyStyle
from dragoman.models import cost_of, price_context
from dragoman.types.usage import bucket_counts, token_buckets
from tests.models.genai import entry_of, model_of, nano_dollars, provider_of

CONTEXT = ReplyContext(provider="p", model="m", vendor="v", created=1, reply_id="r")
AT = datetime.datetime(2026, 11, 20, tzinfo=datetime.UTC)
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}


def chat(usage: dict[str, Any], **body: Any) -> dict[str, Any]:
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [CHOICE],
        "usage": usage,
        **body,
    }


def ways(codec: Codec[Any, Any, Any], body: dict[str, Any], frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The usage of the same answer, read and passed through, whole and streamed."""
    assert codec.read_usage is not None
    assert codec.stream_reader is not None
    assert codec.stream_relay is not None
    sent = b"".join(b"data: " + orjson.dumps(frame) + b"\n\n" for frame in frames)
    reader = codec.stream_reader(CONTEXT)
    chunks = [*reader.feed(sent), *reader.close()]
    relay = codec.stream_relay(CONTEXT, ReplyStyle(model="m"))
    list(relay.feed(sent))
    list(relay.close())
    found = [codec.read_response(body, CONTEXT)["usage"], codec.read_usage(body), chunks[-1]["usage"], relay.usage]
    assert all(found)
    return found


def chat_ways(usage: dict[str, Any], **beside: Any) -> list[dict[str, Any]]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", **beside}
    frames = [{**frame, "choices": [choice]}, {**frame, "choices": [], "usage": usage}]
    return ways(openai_chat.CODEC, chat(usage, **beside), frames)


def test_openais_tier_stands_beside_its_usage_and_reaches_the_price() -> None:
    for usage in chat_ways({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, service_tier="flex"):
        assert price_context(usage) == {"service_tier": "flex"}
        assert price_context(usage, {"service_tier": "priority"}) == {"service_tier": "flex"}


def test_a_tier_inside_the_usage_wins() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15, "service_tier": "batch"}
    for read in chat_ways(usage, service_tier="default"):
        assert price_context(read) == {"processing": "batch"}


@given(*[st.integers(0, 10**5)] * 5)
def test_deep_research_costs_what_genai_prices_says(
    prompt: int, output: int, reasoning: int, citations: int, searches: int
) -> None:
    """Perplexity counts reasoning and citations beside the output and in no total."""
    raw = {
        "prompt_tokens": prompt + 1,
        "completion_tokens": output + 1,
        "total_tokens": prompt + output + 2,
        "reasoning_tokens": reasoning,
        "citation_tokens": citations,
        "num_search_queries": searches,
    }
    provider = provider_of("perplexity")
    assert provider is not None
    model = model_of(provider, "sonar-deep-research")
    assert model is not None
    _, theirs = provider.extract_usage({"model": "sonar-deep-research", "usage": raw})
    wanted = nano_dollars(model.calc_price(theirs, provider, genai_request_timestamp=AT).total_price)
    usage = openai_chat.CODEC.read_response(chat(raw), CONTEXT)["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert cost_of(usage, entry_of(provider, model), at=AT).total == wanted


@pytest.mark.parametrize(
    ("model", "queries", "count"),
    [
        ("gemini-3-flash-preview", ["", "a", "b", "a"], 2),
        ("gemini-3.8-flash", ["a"], 1),
        ("gemini-2.5-pro", ["", "a", "b"], 1),
        ("gemini-2.0-flash-001", ["a", "b"], 1),
        ("gemini-2.5-pro", [""], 0),
        ("gemini-3-flash-preview", [], 0),
    ],
)
def test_googles_searches_are_counted_as_they_are_sold(model: str, queries: list[str], count: int) -> None:
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15}
    grounded = {
        "content": {"role": "model", "parts": [{"text": "Hi"}]},
        "groundingMetadata": {"webSearchQueries": queries},
        "finishReason": "STOP",
    }
    body = {"candidates": [grounded], "modelVersion": model, "usageMetadata": usage}
    last = {"candidates": [{"content": {"parts": [{"text": "!"}]}, "finishReason": "STOP"}], "usageMetadata": usage}
    for read in ways(gemini.CODEC, body, [body, {**last, "modelVersion": model}]):
        assert bucket_counts(read).get("web_search", 0) == count


def test_googles_modalities_fresh_and_from_a_cache() -> None:
    metadata = {
        "promptTokenCount": 1000,
        "cachedContentTokenCount": 300,
        "candidatesTokenCount": 70,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 1100,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 100},
            {"modality": "AUDIO", "tokenCount": 400},
            {"modality": "DOCUMENT", "tokenCount": 300},
            {"modality": "VIDEO", "tokenCount": 200},
        ],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 250}, {"modality": "DOCUMENT", "tokenCount": 50}],
        "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 60}],
    }
    body = {
        "candidates": [{"content": {"role": "model", "parts": [{"text": "Hi"}]}, "finishReason": "STOP"}],
        "modelVersion": "gemini-2.5-flash",
        "usageMetadata": metadata,
    }
    for usage in ways(gemini.CODEC, body, [body]):
        assert bucket_counts(usage) == {
            "cache_read_audio": 250,
            "cache_read_image": 50,
            "input_audio": 150,
            "input_image": 250,
            "input_video": 200,
            "input": 100,
            "reasoning": 30,
            "output_image": 60,
            "output": 10,
        }
    provider = provider_of("gemini")
    assert provider is not None
    model = model_of(provider, "gemini-2.5-flash")
    assert model is not None
    _, theirs = provider.extract_usage(body)
    wanted = nano_dollars(model.calc_price(theirs, provider, genai_request_timestamp=AT).total_price)
    assert cost_of(usage, entry_of(provider, model), at=AT).total == wanted


def test_anthropics_lifetimes_speed_and_tools() -> None:
    raw = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
        "output_tokens": 7,
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        "service_tier": "batch",
        "speed": "fast",
        "inference_geo": "us",
    }
    read_usage = anthropic_messages.CODEC.read_usage
    assert read_usage is not None
    usage: Any = read_usage({"usage": raw})
    assert bucket_counts(usage) == {
        "cache_read": 5,
        "cache_write_5m": 20,
        "cache_write_1h": 10,
        "input": 10,
        "output": 7,
        "web_search": 2,
    }
    assert token_buckets(usage).prompt == 45
    assert price_context(usage) == {"processing": "batch", "speed": "fast", "inference_geo": "us"}
