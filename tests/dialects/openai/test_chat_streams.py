"""Streamed answers, as real providers sent them, fed at any split."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletionChunk

from dragoman.dialects.codec import ReplyContext, ReplyStyle
from dragoman.dialects.openai_chat import ACCENTS, CODEC, completions
from dragoman.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    BadRequestError,
    InternalServerError,
    RateLimitError,
)
from tests.dialects.openai._recorded import (
    CREATED,
    REPLY_ID,
    by_id,
    chats,
    context,
    events,
    good,
    join,
    target,
    told_in_stream,
)
from tests.recordings import Recording

CLOSED = {"stop", "length", "tool_calls", "content_filter", "function_call"}
STREAMS = good(chats(stream=True))
DETAILED = [case for case in STREAMS if case.values[0] is None or b"reasoning_details" in case.values[0].response_bytes]


def read(pieces: list[bytes], reply: ReplyContext) -> list[Any]:
    assert CODEC.stream_reader is not None
    reader = CODEC.stream_reader(reply)
    chunks = [chunk for piece in pieces for chunk in reader.feed(piece)]
    return [*chunks, *reader.close()]


@pytest.mark.parametrize("recording", STREAMS)
def test_nothing_is_lost(recording: Recording) -> None:
    raw = recording.response_bytes
    joined = join(read([raw], context(recording)))
    told = told_in_stream(raw)
    assert set(joined) == set(told)
    for index, one in told.items():
        ours = joined[index]
        assert ours["content"] == one.text
        assert ours["reasoning_content"] == one.reasoning
        assert ours["refusal"] == one.refusal
        assert ours["role"] == "assistant"
        for call, theirs in zip(ours["calls"], one.calls, strict=True):
            assert call["name"] == theirs["name"]
            assert call["arguments"] == (theirs["arguments"] or "{}")
            assert call["id"] == (theirs["id"] or call["id"]) != ""
        assert ours["finish_reason"] in CLOSED
        if one.finish in CLOSED and not (one.finish == "stop" and one.calls):
            assert ours["finish_reason"] == one.finish
        elif one.finish:
            assert ours["native"] == one.finish


@pytest.mark.parametrize("recording", STREAMS)
def test_usage_comes_once_and_last(recording: Recording) -> None:
    raw = recording.response_bytes
    chunks = read([raw], context(recording))
    sent = [event.get("usage") or (event.get("x_groq") or {}).get("usage") for event in events(raw)]
    with_usage = [chunk for chunk in chunks if "usage" in chunk]
    if not any(sent):
        assert not with_usage
        return
    assert with_usage == chunks[-1:]
    assert with_usage[0]["choices"] == []
    usage, last = with_usage[0]["usage"], [usage for usage in sent if usage][-1]
    assert usage["prompt_tokens"] >= last["prompt_tokens"]
    assert usage["completion_tokens"] >= (last.get("completion_tokens") or 0)
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.mark.parametrize("recording", STREAMS)
def test_any_split_reads_the_same(recording: Recording) -> None:
    raw, reply = recording.response_bytes, context(recording)
    whole = read([raw], reply)
    if len(raw) < 40_000:
        assert read([raw[n : n + 1] for n in range(len(raw))], reply) == whole
    rng = random.Random(recording.id)
    cuts = sorted(rng.randrange(len(raw) + 1) for _ in range(40))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert read(pieces, reply) == whole


@pytest.mark.parametrize("recording", STREAMS)
def test_the_openai_package_takes_what_we_write(recording: Recording) -> None:
    assert CODEC.stream_writer is not None
    writer = CODEC.stream_writer(ReplyStyle(model="smart", include_usage=True))
    chunks = read([recording.response_bytes], context(recording))
    wire = b"".join(writer.write(chunk) for chunk in chunks) + writer.close()
    assert wire.endswith(b"data: [DONE]\n\n")
    written = events(wire)
    assert len(written) == len(chunks)
    for event in written:
        assert "usage" in event
        if event.get("service_tier") not in (None, "auto", "default", "flex", "scale", "priority"):
            del event["service_tier"]
        ChatCompletionChunk.model_validate_json(orjson.dumps(event), strict=True)
    again = read([wire], context(recording))
    assert join(again) == join(chunks)
    assert again[-1].get("usage") == chunks[-1].get("usage")


@pytest.mark.parametrize("recording", STREAMS)
def test_a_cut_stream_is_never_a_clean_finish(recording: Recording) -> None:
    raw = recording.response_bytes
    assert CODEC.stream_reader is not None
    for part in (0.2, 0.5):
        cut = raw[: int(len(raw) * part)]
        if b'"finish_reason":"' in cut.replace(b": ", b":") or b"[DONE]" in cut:
            continue
        reader = CODEC.stream_reader(context(recording))
        chunks = list(reader.feed(cut))
        assert all(choice["finish_reason"] is None for chunk in chunks for choice in chunk["choices"])
        with pytest.raises(APIError):
            list(reader.close())


REPLY = ReplyContext("somebody", "m", "somebody", CREATED, REPLY_ID)


def collect(stream: Iterator[Any], into: list[Any]) -> None:
    for chunk in stream:
        into.append(chunk)  # what came before the error must stay


def sse(*bodies: Any, done: bool = True) -> bytes:
    lines = [b"data: " + (body if isinstance(body, bytes) else orjson.dumps(body)) + b"\n\n" for body in bodies]
    return b"".join(lines) + (b"data: [DONE]\n\n" if done else b"")


def delta(finish: str | None = None, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def test_an_error_event_is_raised_after_what_came_before() -> None:
    recording = by_id("pydantic-ai--test-tool-use-failed-error-streaming-1-ee0d2389")
    assert CODEC.stream_reader is not None
    chunks: list[Any] = []
    stream = CODEC.stream_reader(context(recording)).feed(recording.response_bytes)
    with pytest.raises(InternalServerError) as caught:  # the model's own failure
        collect(stream, chunks)
    assert (caught.value.code, caught.value.status_code) == ("tool_use_failed", 500)
    assert join(chunks)[0]["reasoning_content"] == told_in_stream(recording.response_bytes)[0].reasoning


def test_openrouters_error_beside_choices_is_raised() -> None:
    recording = by_id("pydantic-ai--test-openrouter-stream-error-1-aa7d5db2")
    with pytest.raises(BadRequestError) as caught:
        read([recording.response_bytes], context(recording))
    assert caught.value.message == "Token limit reached"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, RateLimitError),
        ({"error": {"message": "slow down", "code": 429}}, RateLimitError),
        ({"error": "boom"}, APIError),
        ({"object": "error", "message": "boom", "code": 500}, APIError),
        (b"not json", APIResponseValidationError),
        ([1], APIError),
    ],
)
def test_errors_in_mid_stream(body: Any, kind: type[APIError]) -> None:
    with pytest.raises(kind):
        read([sse(delta(content="half"), body)], REPLY)


def test_a_stream_without_finish_reason_or_done_was_cut() -> None:
    with pytest.raises(APIConnectionError):
        read([sse(delta(content="half"), done=False)], REPLY)
    with pytest.raises(APIConnectionError):
        read([b""], REPLY)
    done = join(read([sse(delta(content="all"))], REPLY))  # Snowflake sends no finish reason at all
    assert done[0]["finish_reason"] == "stop"
    finished = join(read([sse(delta(content="all"), delta("length"), done=False)], REPLY))  # Cerebras sends no [DONE]
    assert finished[0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    "codec", [pytest.param(codec, id=codec.operation.name) for codec in (CODEC, completions.CODEC)]
)
@pytest.mark.parametrize("half", [b'data: {"choi', b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"'])
def test_half_an_event_says_that_the_stream_was_cut(codec: Any, half: bytes) -> None:
    begun = b'data: {"choices":[{"index":0,"text":"Hi","delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
    reader = codec.stream_reader(ReplyContext("acme", "m", "acme", 1, "r"))
    assert len(list(reader.feed(begun + half))) == 1
    with pytest.raises(APIConnectionError):
        list(reader.close())


def test_done_without_an_answer_is_no_answer() -> None:
    with pytest.raises(APIResponseValidationError):
        read([sse()], REPLY)


def test_an_early_or_repeated_finish_reason_comes_once_and_last() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    stream = sse(
        delta(tool_calls=[call]),
        delta("stop"),
        delta(tool_calls=[{**call, "index": 1, "id": "b"}]),
        delta("stop"),
        {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}},
    )
    chunks = read([stream], REPLY)
    assert join(chunks)[0]["finish_reason"] == "tool_calls"
    assert chunks[-2]["choices"][0]["finish_reason"] == "tool_calls"
    assert chunks[-1]["usage"]["total_tokens"] == 3


@pytest.mark.parametrize(
    "pieces",
    [
        # all numbered 0 (Gemini), not numbered at all (Mistral, Ollama), numbered from 1 (Anthropic)
        [{"index": 0, "id": "a", "n": "f"}, {"index": 0, "id": "b", "n": "g"}],
        [{"id": "a", "n": "f"}, {"id": "b", "n": "g"}],
        [{"index": 1, "id": "a", "n": "f"}, {"index": 1}, {"index": 2, "id": "b", "n": "g"}],
        [{"index": 0, "id": "a", "n": "f"}, {"index": 0, "id": "a"}, {"index": 1, "id": "b", "n": "g"}],
        [{"id": "a", "n": "f"}, {}, {"id": "b", "n": "g"}],
    ],
)
def test_tool_calls_get_an_index_of_their_own(pieces: list[dict[str, Any]]) -> None:
    def piece(spec: dict[str, Any]) -> dict[str, Any]:
        name = {"name": spec["n"]} if "n" in spec else {}
        rest = {key: value for key, value in spec.items() if key != "n"}
        return {**rest, "function": {**name, "arguments": "."}}

    chunks = read([sse(*(delta(tool_calls=[piece(spec)]) for spec in pieces), delta("tool_calls"))], REPLY)
    calls = join(chunks)[0]["calls"]
    assert [(call["id"], call["name"]) for call in calls] == [("a", "f"), ("b", "g")]
    assert sum(len(call["arguments"]) for call in calls) == len(pieces)


def test_calls_without_ids_get_stable_ones() -> None:
    stream = sse(
        delta(tool_calls=[{"function": {"name": "f", "arguments": {"x": 1}}}, {"function": {"name": "g"}}]),
        delta("stop"),
    )
    first, second = join(read([stream], REPLY))[0]["calls"]
    assert first["arguments"] == '{"x":1}'
    assert first["id"] != second["id"]
    assert read([stream], REPLY) == read([stream], REPLY)


def test_reasoning_details_are_joined_and_kept_for_the_next_turn() -> None:
    pieces: list[dict[str, Any]] = [
        {"type": "reasoning.text", "text": "to", "index": 0, "format": None},
        {"type": "reasoning.text", "text": "day", "index": 0, "format": "f1"},
        {"type": "reasoning.text", "signature": "SIG", "index": 0},
        {"type": "reasoning.encrypted", "data": "XXX", "index": 1, "id": "r1"},
    ]
    stream = sse(*(delta(reasoning_details=[piece]) for piece in pieces), delta(content="hi"), delta("stop"))
    one = join(read([stream], REPLY))[0]
    assert one["reasoning_content"] == "today"
    assert [block["type"] for block in one["thinking_blocks"]] == ["thinking", "encrypted"]
    assert one["thinking_blocks"][0]["thinking"] == "today"
    turn: Any = {"model": "m", "messages": [{"role": "assistant", "content": "hi", **one}, {"role": "user"}]}
    sent = CODEC.write_request(turn, target("openrouter", vendor="somebody")).body["messages"][0]
    assert sent["reasoning_details"] == [
        {"type": "reasoning.text", "text": "today", "index": 0, "format": "f1", "signature": "SIG"},
        {"type": "reasoning.encrypted", "data": "XXX", "index": 1, "id": "r1"},
    ]


@pytest.mark.parametrize("recording", DETAILED)
def test_streamed_reasoning_goes_back_whole(recording: Recording) -> None:
    """The details of a stream, put together, hold every byte of what came in fragments."""
    raw = recording.response_bytes
    one = join(read([raw], context(recording)))[0]
    turn: Any = {"model": "m", "messages": [{"role": "assistant", "content": "x", **one}, {"role": "user"}]}
    sent = CODEC.write_request(turn, target("openrouter", vendor=recording.provider)).body["messages"][0]
    fragments = [
        detail
        for event in events(raw)
        for choice in event["choices"]
        for detail in choice["delta"].get("reasoning_details") or ()
    ]
    for key in ("text", "summary", "data", "signature"):
        told = "".join(fragment.get(key) or "" for fragment in fragments)
        assert "".join(detail.get(key) or "" for detail in sent.get("reasoning_details", ())) == told


def test_the_json_tool_streams_as_content() -> None:
    reply = ReplyContext("somebody", "m", "somebody", CREATED, REPLY_ID, json_tool="json_answer")
    stream = sse(
        delta(tool_calls=[{"index": 0, "id": "a", "function": {"name": "json_answer", "arguments": '{"x"'}}]),
        delta(tool_calls=[{"index": 0, "function": {"arguments": ":1}"}}]),
        delta("tool_calls"),
    )
    one = join(read([stream], reply))[0]
    assert (one["content"], one["calls"], one["finish_reason"]) == ('{"x":1}', [], "stop")


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<thought>\na<b</thought>\n\nyes <thought>", ("a<b", "yes <thought>")),
        ("<thoughtless", ("", "<thoughtless")),
        ("<tho", ("", "<tho")),
        ("<thought>never closed </th", ("never closed </th", "")),
        ("plain", ("", "plain")),
    ],
)
def test_a_tag_at_any_split(text: str, expected: tuple[str, str], size: int) -> None:
    reply = ReplyContext("g", "m", "google", CREATED, REPLY_ID, accent=ACCENTS["gemini"])
    pieces = [delta(content=text[n : n + size]) for n in range(0, len(text), size)]
    one = join(read([sse(*pieces, delta("stop"))], reply))[0]
    assert (one["reasoning_content"], one["content"]) == expected


def test_azures_verdict_on_the_prompt_is_kept() -> None:
    verdict = {"id": "", "object": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    chunks = read([sse(verdict, delta(content="hi"), delta("stop"))], REPLY)
    assert chunks[0]["prompt_filter_results"] == [{"prompt_index": 0}]
    assert chunks[0]["object"] == "chat.completion.chunk"
    assert chunks[0]["id"] == REPLY_ID


def test_usage_is_hidden_from_a_caller_who_did_not_ask() -> None:
    assert CODEC.stream_writer is not None
    writer = CODEC.stream_writer(ReplyStyle(model="smart"))
    stream = sse(delta(content="hi"), delta("stop"), {"choices": [], "usage": {"prompt_tokens": 1}})
    wire = b"".join(writer.write(chunk) for chunk in read([stream], REPLY))
    assert b"usage" not in wire


def test_an_error_in_mid_stream_is_an_event_that_the_openai_package_raises_on() -> None:
    assert CODEC.stream_writer is not None
    event = CODEC.stream_writer(ReplyStyle(model="smart")).error(RateLimitError("slow down"))
    assert events(event)[0]["error"] == {
        "message": "slow down",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limit_exceeded",
    }
    assert b"[DONE]" not in event
