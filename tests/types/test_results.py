"""The SDK's results, held against the recordings and the openai package's types."""

from __future__ import annotations

from typing import Any

import openai.types
import openai.types.chat
import pytest

from dragoman.dialects import openai_chat
from dragoman.sdk.assemble import stream_chunk_builder
from dragoman.types.results import (
    EmbeddingResponse,
    Message,
    ModelResponse,
    ModelResponseStream,
    TextCompletionResponse,
    Usage,
)
from tests.dialects.openai._recorded import chats, context, good
from tests.recordings import Recording

OWN_TIERS = ("on_demand", "standard", "performance")
"""Words of providers that OpenAI's closed list of service tiers does not have."""


def in_openais_words(result: dict[str, Any]) -> dict[str, Any]:
    """Without two things of other providers for which OpenAI has closed lists: tiers, and annotations of files."""
    if result["service_tier"] in OWN_TIERS:
        result["service_tier"] = None
    for choice in result["choices"]:
        said = choice.get("message") or {}
        if said.get("annotations"):
            said["annotations"] = [item for item in said["annotations"] if item["type"] == "url_citation"]
    return result


def subset(part: Any, whole: Any, path: str = "") -> None:
    """Everything in `part` is in `whole`."""
    if isinstance(part, dict):
        for name, value in part.items():
            assert name in whole, f"{path}.{name}"
            subset(value, whole[name], f"{path}.{name}")
    elif isinstance(part, list):
        assert len(part) == len(whole), path
        for number, (one, other) in enumerate(zip(part, whole, strict=True)):
            subset(one, other, f"{path}[{number}]")
    else:
        assert part == whole, path


@pytest.mark.parametrize("recording", good(chats(stream=False)))
def test_recorded_answers_lose_nothing_and_are_valid_for_openai(recording: Recording) -> None:
    hub: Any = openai_chat.CODEC.read_response(recording.response_body, context(recording))
    result = ModelResponse.model_validate(hub)
    dumped = result.model_dump()
    subset(hub, dumped)
    openai.types.chat.ChatCompletion.model_validate(in_openais_words(dumped))


@pytest.mark.parametrize("recording", good(chats(stream=True)))
def test_recorded_streams_lose_nothing_and_are_valid_for_openai(recording: Recording) -> None:
    assert openai_chat.CODEC.stream_reader is not None
    reader = openai_chat.CODEC.stream_reader(context(recording))
    hub: list[Any] = [*reader.feed(recording.response_bytes), *reader.close()]
    chunks = [ModelResponseStream.model_validate(chunk) for chunk in hub]
    for chunk, result in zip(hub, chunks, strict=True):
        dumped = result.model_dump()
        subset(chunk, dumped)
        openai.types.chat.ChatCompletionChunk.model_validate(in_openais_words(dumped))
    whole = stream_chunk_builder(chunks)
    assert whole is not None
    openai.types.chat.ChatCompletion.model_validate(in_openais_words(whole.model_dump()))
    for choice in whole.choices:
        pieces = [piece for chunk in chunks for piece in chunk.choices if piece.index == choice.index]
        assert (choice.message.content or "") == "".join(piece.delta.content or "" for piece in pieces)
        assert choice.finish_reason == next((p.finish_reason for p in reversed(pieces) if p.finish_reason), None)
        said = "".join(
            call.function.arguments
            for piece in pieces
            for call in piece.delta.tool_calls or ()
            if call.function.arguments
        )
        assert "".join(call.function.arguments for call in choice.message.tool_calls or ()) == said


def test_records_read_like_dicts_too() -> None:
    response = ModelResponse.model_validate(
        {"id": "x", "choices": [{"message": {"content": "hi", "own_field": {"a": None}}}], "usage": {"cost": 0.5}}
    )
    message = response["choices"][0]["message"]
    assert (message["content"], message.content, message.get("content")) == ("hi", "hi", "hi")
    assert message["own_field"] == message.own_field == {"a": None}
    assert message.tool_calls is None
    assert message["tool_calls"] is None
    assert "own_field" in message
    assert "other" not in message
    assert message.get("other", 3) == 3
    assert message.get("tool_calls", []) == []
    with pytest.raises(KeyError):
        message["other"]
    with pytest.raises(AttributeError):
        message.other  # noqa: B018
    message["content"] = "bye"
    assert message.content == "bye"
    assert "own_field" in list(message.keys())
    assert dict(message)["content"] == "bye"
    assert response.usage is not None
    assert response.usage["cost"] == 0.5
    assert message.to_dict() == {"content": "bye", "role": "assistant", "own_field": {"a": None}}
    assert ModelResponse.model_validate_json(response.json()) == response
    assert response._hidden_params == {}
    assert response.dropped_params == ()


def test_other_results_are_valid_for_openai() -> None:
    usage = Usage(prompt_tokens=1, completion_tokens=2, total_tokens=3)
    text = TextCompletionResponse.model_validate({"id": "x", "choices": [{"text": "a", "finish_reason": "stop"}]})
    text.usage = usage
    openai.types.Completion.model_validate(text.model_dump())
    vectors = EmbeddingResponse.model_validate(
        {"data": [{"embedding": [0.5]}], "model": "m", "usage": usage.model_dump()}
    )
    openai.types.CreateEmbeddingResponse.model_validate(vectors.model_dump())
    assert Message(content="x").role == "assistant"
