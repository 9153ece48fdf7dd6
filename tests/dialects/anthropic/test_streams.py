"""Streams, held against the raw events, at any split, and to their bad ends."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from dragoman.dialects.anthropic_messages import CODEC
from dragoman.dialects.framing.sse import write_event
from dragoman.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    RateLimitError,
    ServiceUnavailableError,
)
from dragoman.types.chat import ChatChunk
from tests.dialects.anthropic.exchange import (
    accepts_event,
    chunks_of,
    events_of,
    fold,
    messages_recordings,
    obey_event_rules,
    reply_context,
    write_stream,
)
from tests.dialects.anthropic.test_responses import without_defaults
from tests.recordings import Recording, pairs


def stream(*events: dict[str, Any]) -> bytes:
    return b"".join(write_event(orjson.dumps(event), event["type"].encode()) for event in events)


def whole_stream(*blocks: dict[str, Any], stop_reason: str = "end_turn") -> bytes:
    return stream(START, *blocks, stop(stop_reason), {"type": "message_stop"})


START: dict[str, Any] = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 1},
    },
}


def stop(stop_reason: str = "end_turn") -> dict[str, Any]:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": stop_reason, "stop_sequence": None},
        "usage": {"output_tokens": 9},
    }


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text_block(index: int, *pieces: str) -> list[dict[str, Any]]:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def gathered(chunks: list[ChatChunk]) -> dict[str, Any]:
    """The message that the chunks tell, gathered as any client of the hub does."""
    message: dict[str, Any] = {"content": "", "reasoning_content": "", "annotations": [], "provider_tool_blocks": []}
    calls: dict[int, dict[str, Any]] = {}
    thoughts: dict[int, dict[str, Any]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            message["reasoning_content"] += delta.get("reasoning_content") or ""
            message["annotations"] += delta.get("annotations", [])
            message["provider_tool_blocks"] += delta.get("provider_tool_blocks", [])
            if "block_order" in delta:
                message["block_order"] = delta["block_order"]
            for call in delta.get("tool_calls", []):
                kept = calls.setdefault(call["index"], {"arguments": ""})
                function = call.get("function", {})
                kept["arguments"] += function.get("arguments", "")
                kept |= {key: call[key] for key in ("id", "type", "extra_content", "custom") if key in call}
                kept |= {"name": function["name"]} if "name" in function else {}
            for item in delta.get("thinking_blocks", []):
                thought = thoughts.setdefault(item["index"], {})
                for key, value in item.items():
                    joined = key in ("thinking", "signature") and key in thought
                    thought[key] = thought[key] + value if joined else value
    message["tool_calls"] = [calls[index] for index in sorted(calls)]
    message["thinking_blocks"] = [
        {key: value for key, value in thoughts[index].items() if key != "index"} for index in sorted(thoughts)
    ]
    return message


@pytest.mark.parametrize("recording", messages_recordings(stream=True))
def test_every_recorded_stream_is_read_without_loss(recording: Recording) -> None:
    """The stream tells the same as the whole answer would, which the raw events put together without our reader."""
    raw = fold(events_of(recording.response_bytes))
    chunks = chunks_of(recording.response_bytes, reply_context(recording))
    whole = CODEC.read_response(raw, reply_context(recording))
    message: Any = whole["choices"][0]["message"]
    told = gathered(chunks)
    assert told["content"] == (message.get("content") or "")
    for key in ("reasoning_content", "annotations", "provider_tool_blocks", "thinking_blocks", "block_order"):
        assert told.get(key, []) == message.get(key, "" if key == "reasoning_content" else []), key
    assert [(call["id"], call["name"], orjson.loads(call["arguments"])) for call in told["tool_calls"]] == [
        (call["id"], call["function"]["name"], orjson.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls", [])
    ]
    *_, last, usage = chunks
    assert last["choices"][0]["finish_reason"] == whole["choices"][0]["finish_reason"]
    assert last["choices"][0].get("native_finish_reason") == raw["stop_reason"]
    assert usage["choices"] == []
    assert usage["usage"] == whole["usage"]
    assert sum("usage" in chunk for chunk in chunks) == 1


@pytest.mark.parametrize("recording", messages_recordings(stream=True))
def test_the_split_of_the_bytes_does_not_matter(recording: Recording) -> None:
    data = recording.response_bytes
    whole = chunks_of(data, reply_context(recording))
    dice = random.Random(recording.id)
    every_byte = list(range(1, len(data))) if len(data) < 20_000 else dice.sample(range(1, len(data)), 4_000)
    for cuts in (every_byte, dice.sample(range(1, len(data)), 30)):
        assert chunks_of(data, reply_context(recording), cuts) == whole


@pytest.mark.parametrize("recording", messages_recordings(stream=True))
def test_every_recorded_stream_is_written_by_anthropics_rules(recording: Recording) -> None:
    chunks = chunks_of(recording.response_bytes, reply_context(recording, vendor="anthropic"))
    events = events_of(write_stream(chunks))
    obey_event_rules(events)
    for event in events:
        accepts_event(event)
    raw, again = fold(events_of(recording.response_bytes)), fold(events)
    assert joined_text(without_defaults(again)) == joined_text(without_defaults(raw))


def joined_text(message: dict[str, Any]) -> dict[str, Any]:
    """Neighbouring text as one block: chunks do not tell where one block of text ends and the next begins."""
    blocks: list[dict[str, Any]] = []
    for item in message["content"]:
        if item.get("type") == "text" and blocks and blocks[-1].get("type") == "text":
            blocks[-1] = {
                "type": "text",
                "text": blocks[-1].get("text", "") + item.get("text", ""),
                "citations": blocks[-1].get("citations", []) + item.get("citations", []),
            }
        else:
            blocks.append(item | ({"citations": item.get("citations", [])} if item.get("type") == "text" else {}))
    usage = {key: value for key, value in message["usage"].items() if key != "cache_creation"}
    message = {key: value for key, value in message.items() if key != "provider"}  # a gateway's own remark
    return message | {"content": blocks, "usage": usage}


@pytest.mark.parametrize("pair", pairs())
def test_paired_streams_tell_what_their_events_tell(pair: dict[str, Any]) -> None:
    for dialect in ("anthropic", "bedrock-anthropic", "vertex-anthropic"):
        events = pair["dialects"].get(dialect, {}).get("response_streaming")
        if not events:
            continue
        if events[-1]["type"] != "message_stop":  # one recording was itself cut off
            with pytest.raises(APIConnectionError):
                chunks_of(stream(*events), reply_context())
            continue
        raw = fold(events)
        again = events_of(write_stream(chunks_of(stream(*events), reply_context())))
        obey_event_rules(again)
        assert joined_text(without_defaults(fold(again))) == joined_text(without_defaults(raw))


@pytest.mark.parametrize("recording", messages_recordings(stream=True))
def test_a_stream_that_is_cut_off_never_ends_well(recording: Recording) -> None:
    data = recording.response_bytes
    end = data.index(b"message_delta")
    for cut in random.Random(recording.id).sample(range(end), 15):
        with pytest.raises(APIConnectionError) as caught:
            chunks_of(data[:cut], reply_context(recording))
        assert not isinstance(caught.value, APIResponseValidationError)


def test_an_error_in_the_middle_comes_after_what_came_before_it() -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    data = stream(START, *text_block(0, "Hello")[:2], error)
    assert CODEC.stream_reader is not None
    reader = CODEC.stream_reader(reply_context())
    seen: list[ChatChunk] = []
    with pytest.raises(ServiceUnavailableError) as caught:
        seen.extend(reader.feed(data))
    assert gathered(seen)["content"] == "Hello"
    assert caught.value.provider_code == "overloaded_error"


def test_an_error_as_the_first_event_has_its_class() -> None:
    error = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
    with pytest.raises(RateLimitError):
        chunks_of(stream(error), reply_context())


def test_pings_unknown_events_and_foreign_end_marks_say_nothing() -> None:
    data = stream(
        {"type": "ping"},
        START,
        {"type": "from_the_future", "x": 1},
        *text_block(0, "a"),
        {"type": "ping"},
        *block(1, {"type": "from_the_future", "payload": 7}),
        stop(),
        {"type": "message_stop"},
    )
    told = gathered(chunks_of(data + b"data: [DONE]\n\n", reply_context()))
    assert told["content"] == "a"
    assert told["provider_tool_blocks"] == [{"vendor": "anthropic", "block": {"type": "from_the_future", "payload": 7}}]


@pytest.mark.parametrize(
    "event",
    [
        b"not json",
        b"[]",
        b'{"type":"message_start"}',
        b'{"type":"message_start","message":[]}',
        b'{"type":"content_block_start","index":0}',
        b'{"type":"content_block_start","index":[],"content_block":{"type":"text"}}',
        b'{"type":"content_block_start","index":0,"content_block":{"type":"tool_use"}}',
        b'{"type":"content_block_start","index":0,"content_block":{"type":["text"]}}',
        b'{"type":"content_block_delta","index":5,"delta":{}}',
        b'{"type":"message_delta","delta":7}',
    ],
)
def test_an_event_of_another_shape_is_the_providers_fault(event: bytes) -> None:
    with pytest.raises(APIResponseValidationError):
        chunks_of(write_event(event), reply_context())


def test_a_call_without_arguments_has_an_empty_object() -> None:
    start = {"type": "tool_use", "id": "t", "name": "now", "input": {}}
    data = whole_stream(*block(0, start, {"type": "input_json_delta", "partial_json": ""}), stop_reason="tool_use")
    assert gathered(chunks_of(data, reply_context()))["tool_calls"][0]["arguments"] == "{}"


def test_a_call_whose_input_comes_with_its_start_is_not_lost() -> None:
    data = whole_stream(*block(0, {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}))
    assert orjson.loads(gathered(chunks_of(data, reply_context()))["tool_calls"][0]["arguments"]) == {"a": 1}


def test_names_that_were_changed_for_the_wire_come_back() -> None:
    context = reply_context(tool_names={"short_1": "a name.with dots", "free__custom": "free"})
    data = whole_stream(
        *block(0, {"type": "tool_use", "id": "a", "name": "short_1", "input": {}}),
        *block(
            1,
            {"type": "tool_use", "id": "b", "name": "free__custom", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"input": "so '},
            {"type": "input_json_delta", "partial_json": 'free"}'},
        ),
        stop_reason="tool_use",
    )
    first, second = gathered(chunks_of(data, context))["tool_calls"]
    assert first["name"] == "a name.with dots"
    assert second["custom"] == {"name": "free", "input": "so free"}


def answer_tool(index: int, name: str, *pieces: str) -> list[dict[str, Any]]:
    start = {"type": "tool_use", "id": "t", "name": name, "input": {}}
    return block(index, start, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def test_structured_output_by_a_tool_is_the_content_again() -> None:
    data = whole_stream(*answer_tool(0, "answer", '{"a"', ": 1}"), stop_reason="tool_use")
    chunks = chunks_of(data, reply_context(json_tool="answer"))
    told = gathered(chunks)
    assert (told["content"], told["tool_calls"]) == ('{"a": 1}', [])
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"


def test_words_beside_structured_output_are_kept_apart_and_without_it_are_the_answer() -> None:
    context = reply_context(json_tool="answer")
    both = chunks_of(whole_stream(*text_block(0, "Sure: "), *answer_tool(1, "answer", '{"a": 1}')), context)
    assert gathered(both)["content"] == '{"a": 1}'
    assert both[-2]["choices"][0]["provider_specific_fields"] == {"text_beside_answer": "Sure: "}
    assert gathered(chunks_of(whole_stream(*text_block(0, "No, ", "sorry.")), context))["content"] == "No, sorry."


def test_a_wrapped_answer_is_unwrapped() -> None:
    data = whole_stream(*answer_tool(0, "answer__value", '{"value": ', "[1, 2]}"))
    assert gathered(chunks_of(data, reply_context(json_tool="answer__value")))["content"] == "[1,2]"


def test_real_calls_beside_structured_output_stay_calls() -> None:
    data = whole_stream(
        *block(0, {"type": "tool_use", "id": "c", "name": "search", "input": {}}), stop_reason="tool_use"
    )
    chunks = chunks_of(data, reply_context(json_tool="answer"))
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert gathered(chunks)["tool_calls"][0]["name"] == "search"


def test_no_error_escapes_as_anything_else() -> None:
    dice = random.Random(7)
    data = whole_stream(*text_block(0, "Hello, world"), *answer_tool(1, "f", '{"a": 1}'))
    for _ in range(300):
        spoiled = bytearray(data)
        for _ in range(3):
            spoiled[dice.randrange(len(spoiled))] = dice.randrange(256)
        try:
            chunks_of(bytes(spoiled), reply_context())
        except APIError:
            continue
