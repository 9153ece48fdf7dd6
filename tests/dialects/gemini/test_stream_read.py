"""Streams: what Google sent, at any split, and what it must not be taken for."""

from __future__ import annotations

import json
import warnings
from typing import Any

import orjson
import pytest
from google.genai import types as google

from dragoman.dialects import gemini
from dragoman.dialects.codec import ReplyContext, ReplyStyle
from dragoman.dialects.framing.json_array import JsonArrayReader
from dragoman.dialects.framing.sse import SseReader
from dragoman.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    ContentPolicyViolationError,
    RateLimitError,
    ServiceUnavailableError,
)
from dragoman.types.chat import ChatChunk
from tests import oracles
from tests.dialects.gemini.exchange import CONTEXT, joined, read_stream, replies, whole
from tests.dialects.gemini.test_response_read import check_usage, judged, kept_signatures
from tests.recordings import Recording

BROKEN = {
    "invalid-json": APIResponseValidationError,
    "prompt-blocked": ContentPolicyViolationError,
    "quotes-escaped": APIConnectionError,  # it was cut off before its finish reason
}


def outcome(data: bytes, cut: str) -> Any:
    try:
        return read_stream(data, cut)
    except APIError as error:
        return type(error), error.message


def test_recorded_streams_that_end_badly_raise() -> None:
    found = 0
    for case in replies(stream=True):
        recording = case.values[0]
        kind = next((kind for name, kind in BROKEN.items() if recording is not None and name in recording.id), None)
        if kind is not None:
            found += 1
            with pytest.raises(kind):
                read_stream(recording.response_bytes)
    assert found in (0, len(BROKEN))


@pytest.mark.parametrize("recording", replies(stream=True))
def test_a_stream_is_read_without_loss(recording: Recording) -> None:
    if any(name in recording.id for name in BROKEN):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [judged(body) for body in whole(recording)]
    chunks = read_stream(recording.response_bytes)
    parts = [
        part
        for body in expected
        for candidate in (body.candidates or [])[:1]
        for part in (candidate.content.parts if candidate.content else None) or []
    ]
    message = joined(chunks)
    assert message["content"] == "".join(part.text for part in parts if part.text and not part.thought)
    assert message["reasoning_content"] == "".join(part.text for part in parts if part.text and part.thought)
    names = [part.function_call.name for part in parts if part.function_call and part.function_call.name]
    assert [call["function"]["name"] for call in message["tool_calls"]] == names
    check_arguments(message["tool_calls"], [part.function_call for part in parts if part.function_call])
    assert sorted(kept_signatures(message)) == sorted(
        part["thoughtSignature"]
        for body in whole(recording)
        for part in body["candidates"][0].get("content", {}).get("parts", [])
        if "thoughtSignature" in part
    )
    reasons = [c.get("finishReason") for body in whole(recording) for c in body["candidates"] if c.get("finishReason")]
    assert message["native"] == reasons[-1]
    check_end(chunks, expected)


def check_arguments(calls: list[dict[str, Any]], expected: list[google.FunctionCall]) -> None:
    if any(call.partial_args for call in expected):
        operations = orjson.loads(calls[0]["function"]["arguments"])["operations"]
        assert operations[0] == {"action": "add", "description": "Fresh red apple", "itemid": "apple_001", "price": 0.5}
        assert operations[1]["price"] == 0.3
        return
    assert [orjson.loads(call["function"]["arguments"]) for call in calls] == [call.args or {} for call in expected]


def check_end(chunks: Any, expected: list[google.GenerateContentResponse]) -> None:
    """Usage in exactly one chunk, the last; finish reasons before it."""
    told = [chunk for chunk in chunks if chunk.get("usage")]
    metadata = [
        body.usage_metadata for body in expected if body.usage_metadata and body.usage_metadata.total_token_count
    ]
    if metadata:
        assert told == [chunks[-1]]
        assert chunks[-1]["choices"] == []
        check_usage(chunks[-1]["usage"], metadata[-1])
    finishes = [
        choice["finish_reason"] for chunk in chunks for choice in chunk["choices"] if choice.get("finish_reason")
    ]
    assert len(finishes) == 1
    for chunk in chunks:
        oracles.openai_chunk({key: value for key, value in chunk.items() if key != "service_tier"})


@pytest.mark.parametrize("cut", ["bytes", "random 1", "random 2", "random 3"])
@pytest.mark.parametrize("recording", replies(stream=True))
def test_the_split_does_not_matter(recording: Recording, cut: str) -> None:
    data = recording.response_bytes
    if cut == "bytes" and len(data) > 60_000:
        data = data[:60_000]
    assert joined_or_error(outcome(data, cut)) == joined_or_error(outcome(data, "whole"))


def joined_or_error(result: Any) -> Any:
    return result if isinstance(result, tuple) else (joined(result), result[-1])


@pytest.mark.parametrize("framing", ["sse", "json_array"])
@pytest.mark.parametrize("recording", replies(stream=True))
def test_a_stream_written_back_says_the_same(recording: Recording, framing: Any) -> None:
    if any(name in recording.id for name in BROKEN):
        return
    chunks = read_stream(recording.response_bytes)
    assert gemini.CODEC.stream_writer is not None
    writer = gemini.CODEC.stream_writer(ReplyStyle("m", framing=framing, vendor="google"))
    sent = b"".join(writer.write(chunk) for chunk in chunks) + writer.close()
    frames = (
        JsonArrayReader().feed(sent) if framing == "json_array" else [event.data for event in SseReader().feed(sent)]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a value that Google's SDK does not know
        for frame in frames:
            oracles.gemini_response(orjson.loads(frame))
    assert "finishReason" in orjson.loads(frames[-1])["candidates"][0]
    again = read_stream(sent)
    first, second = joined(chunks), joined(again)
    for key in ("content", "reasoning_content", "tool_calls", "provider_tool_blocks", "finish_reason", "images"):
        assert second[key] == first[key], key
    assert kept_signatures(second) == kept_signatures(first)
    mine, theirs = again[-1].get("usage") or {}, chunks[-1].get("usage") or {}
    assert {key: value for key, value in mine.items() if value} == {
        key: value for key, value in theirs.items() if value and key != "serviceTier"
    }


def frame(*parts: dict[str, Any], finish: str | None = None, index: int = 0, **body: Any) -> bytes:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    if finish:
        candidate["finishReason"] = finish
    return b"data: " + orjson.dumps({"candidates": [candidate], **body}) + b"\r\n\r\n"


def test_content_after_a_finish_reason_counts_and_the_last_reason_wins() -> None:
    data = frame({"text": "a"}, finish="STOP") + frame({"text": "b"}) + frame({"text": "c"}, finish="MAX_TOKENS")
    message = joined(read_stream(data))
    assert (message["content"], message["finish_reason"]) == ("abc", "length")


@pytest.mark.parametrize("data", [b"", b": hello\n\n", frame({"text": "a"}), frame({"text": "a"}, finish="STOP")[:-30]])
def test_a_stream_without_its_end_is_no_answer(data: bytes) -> None:
    with pytest.raises(APIConnectionError):
        read_stream(data)


def test_a_candidate_that_never_ended_is_no_answer() -> None:
    with pytest.raises(APIConnectionError):
        read_stream(frame({"text": "a"}, finish="STOP") + frame({"text": "b"}, index=1))


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}\n\n',
        b'data: [{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}]\n\n',
    ],
)
def test_an_error_in_mid_stream_comes_after_what_came_before(error: bytes) -> None:
    assert gemini.CODEC.stream_reader is not None
    reader = gemini.CODEC.stream_reader(CONTEXT)
    got: list[ChatChunk] = []
    with pytest.raises(ServiceUnavailableError) as caught:
        got.extend(reader.feed(frame({"text": "a"}) + error))
    assert joined(got)["content"] == "a"
    assert caught.value.provider_code == "UNAVAILABLE"


def test_an_array_of_an_error_is_read_too() -> None:
    with pytest.raises(RateLimitError):
        read_stream(b'[{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED"}}]')


def test_made_up_ids_are_unique_over_all_chunks() -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    data = frame(call, call) + frame(call, index=1) + frame(call, finish="STOP") + frame(finish="STOP", index=1)
    chunks = read_stream(data)
    ids = [call["id"] for index in (0, 1) for call in joined(chunks, index)["tool_calls"]]
    assert len(set(ids)) == 4
    assert all(len(call_id) <= 40 for call_id in ids)
    assert joined(chunks)["finish_reason"] == joined(chunks, 1)["finish_reason"] == "tool_calls"


def test_the_order_of_blocks_comes_with_the_finish() -> None:
    data = (
        frame({"text": "hm", "thought": True})
        + frame({"text": "one"})
        + frame({"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"})
        + frame({"text": "two", "thoughtSignature": "c2lnMg=="}, finish="STOP")
    )
    chunks = read_stream(data)
    assert joined(chunks)["block_order"] == ["thinking", "text:3", "tool_call", "text:3", "thinking"]
    assert "block_order" in chunks[-1]["choices"][0]["delta"]


@pytest.mark.parametrize("text", ["a\u2028b", "a\u2029b", "a\x85b", "\U0001f600"])
def test_only_cr_and_lf_end_a_line(text: str) -> None:
    raw = '{"candidates":[{"content":{"parts":[{"text":"' + text + '"}]},"finishReason":"STOP"}]}'
    assert joined(read_stream(f"data: {raw}\n\n".encode(), "bytes"))["content"] == text


def test_partial_arguments_are_put_together() -> None:
    def piece(*args: dict[str, Any], more: bool = True, **call: Any) -> bytes:
        call = {**call, "partialArgs": list(args)} if args else call
        return frame({"functionCall": {**call, "willContinue": True} if more else call})

    data = (
        piece(name="f")
        + piece({"jsonPath": "$.a.b[0]", "stringValue": "x", "willContinue": True})
        + piece({"jsonPath": "$.a.b[0]", "stringValue": "y"}, {"jsonPath": "$['c d']", "boolValue": True})
        + piece({"jsonPath": "$.n", "nullValue": "NULL_VALUE"}, more=False)
        + frame({"functionCall": {"name": "g", "args": {"z": 1}}}, finish="STOP")
    )
    calls = joined(read_stream(data))["tool_calls"]
    assert [(call["function"]["name"], orjson.loads(call["function"]["arguments"])) for call in calls] == [
        ("f", {"a": {"b": ["xy"]}, "c d": True, "n": None}),
        ("g", {"z": 1}),
    ]


def test_arguments_may_be_nested_deep_and_a_path_may_not() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = {"a": deep}
    data = frame({"functionCall": {"name": "f", "args": {"deep": 0}}}, finish="STOP")
    data = data.replace(b'{"deep":0}', json.dumps(deep).encode())
    call = joined(read_stream(data))["tool_calls"][0]
    assert json.loads(call["function"]["arguments"]) == deep
    piece = {"jsonPath": "$" + ".a" * 300, "stringValue": "x"}
    with pytest.raises(APIResponseValidationError, match="100 steps"):
        read_stream(frame({"functionCall": {"name": "f", "partialArgs": [piece]}}, finish="STOP"))


def test_memory_stays_flat() -> None:
    import tracemalloc

    assert gemini.CODEC.stream_reader is not None
    reader = gemini.CODEC.stream_reader(ReplyContext("gemini", "m", "google", 1, "r"))
    event = frame({"functionCall": {"name": "f", "args": {"x": "y" * 2000}}, "thoughtSignature": "c2ln" * 500})
    for _ in reader.feed(event * 50):
        pass
    tracemalloc.start()
    for _ in range(300):
        for _ in reader.feed(event):
            pass
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 300 * len(event) / 10
