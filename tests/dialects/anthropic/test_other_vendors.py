"""What other vendors recorded, told to an Anthropic client: by the event rules, and as Anthropic's own SDK adds the events up."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from pydantic import TypeAdapter

from dragoman.dialects import gemini, openai_chat
from dragoman.dialects.anthropic_messages import CODEC
from dragoman.dialects.anthropic_messages.call_ids import id_for_caller
from dragoman.dialects.codec import Codec, ReplyContext
from dragoman.errors import APIError
from tests import oracles
from tests.dialects.anthropic.exchange import CALLER, events_of, obey_event_rules, write_stream
from tests.dialects.anthropic.test_streams import gathered
from tests.recordings import Recording, recordings

OPENAI = [(name, "chat") for name in ("openai", "azure", "deepseek", "mistral", "openrouter", "xai", "cerebras")]
GEMINI = [("gemini", "generateContent"), ("vertex", "generateContent")]
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)


def cases(*, stream: bool) -> list[Any]:
    return [
        pytest.param(codec, vendor, *case.values, marks=case.marks, id=case.id)
        for codec, vendor, endpoints in ((openai_chat.CODEC, "openai", OPENAI), (gemini.CODEC, "google", GEMINI))
        for case in recordings(*endpoints, stream=stream)
    ]


def context(recording: Recording, vendor: str) -> ReplyContext:
    return ReplyContext(recording.provider, recording.model, vendor, 1, "reply_1")


@pytest.mark.parametrize(("codec", "vendor", "recording"), cases(stream=False))
def test_answers(codec: Codec[Any, Any, Any], vendor: str, recording: Recording) -> None:
    try:
        response = codec.read_response(recording.response_body, context(recording, vendor))
    except APIError as error:
        assert "error" in CODEC.write_error(error)
        return
    served = CODEC.write_response(response, CALLER)
    message = oracles.anthropic_message(served)
    usage = response.get("usage") or {}
    inputs = [
        message.usage.input_tokens,
        message.usage.cache_read_input_tokens,
        message.usage.cache_creation_input_tokens,
    ]
    assert sum(count or 0 for count in inputs) == (usage.get("prompt_tokens") or 0)
    assert message.usage.output_tokens == (usage.get("completion_tokens") or 0)
    calls = any(block.type == "tool_use" for block in message.content)
    assert (message.stop_reason == "tool_use") == (calls and message.stop_reason not in ("max_tokens", "refusal"))


@pytest.mark.parametrize(("codec", "vendor", "recording"), cases(stream=True))
def test_streams(codec: Codec[Any, Any, Any], vendor: str, recording: Recording) -> None:
    assert codec.stream_reader is not None
    reader = codec.stream_reader(context(recording, vendor))
    try:
        chunks = [*reader.feed(recording.response_bytes), *reader.close()]
    except APIError as error:
        assert "error" in CODEC.write_error(error)
        return
    events = events_of(write_stream(chunks))
    obey_event_rules(events)
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    for event in events:
        parsed = EVENT.validate_python(event)
        snapshot = accumulate_event(event=parsed, current_snapshot=snapshot, json_bufs=buffers)
    told = gathered([only_first(chunk) for chunk in chunks])
    text = "".join(block.text for block in snapshot.content if block.type == "text")
    assert told["content"] in text
    calls = [(block.id, block.name, block.input) for block in snapshot.content if block.type == "tool_use"]
    assert [call[:2] for call in calls] == [(id_for_caller(call["id"]), call["name"]) for call in told["tool_calls"]]
    for (_, _, given), call in zip(calls, told["tool_calls"], strict=True):
        try:
            assert given == orjson.loads(call["arguments"] or "{}")
        except orjson.JSONDecodeError:
            assert "truncated" in recording.features
    usage = next((chunk["usage"] for chunk in chunks if chunk.get("usage")), None) or {}
    assert snapshot.usage.output_tokens == (usage.get("completion_tokens") or 0)


def only_first(chunk: Any) -> Any:
    return {**chunk, "choices": [choice for choice in chunk["choices"] if choice.get("index", 0) == 0]}
