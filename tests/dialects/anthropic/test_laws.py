"""Laws that hold for every input."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, cast

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dragoman.dialects.anthropic_messages import CODEC
from dragoman.dialects.codec import ErrorReply, RequestHints
from dragoman.dialects.framing.sse import write_event
from dragoman.errors import APIError
from dragoman.types.chat import ChatChunk, ChatRequest
from dragoman.types.model_facts import ModelFacts
from tests import oracles
from tests.dialects.anthropic.exchange import (
    CALLER,
    accepts_message,
    chunks_of,
    events_of,
    obey_event_rules,
    read_back,
    reply_context,
    response_of,
    target,
    write_stream,
)
from tests.dialects.anthropic.test_requests_read import canonical
from tests.dialects.anthropic.test_responses import answer, without_defaults
from tests.dialects.anthropic.test_streams import block, gathered, whole_stream

WORDS = st.sampled_from(
    [
        "type",
        "text",
        "content",
        "role",
        "user",
        "assistant",
        "system",
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "image",
        "document",
        "source",
        "base64",
        "url",
        "file_id",
        "data",
        "media_type",
        "input",
        "name",
        "id",
        "tool_use_id",
        "messages",
        "model",
        "max_tokens",
        "tools",
        "tool_choice",
        "input_schema",
        "stop_sequences",
        "metadata",
        "user_id",
        "output_config",
        "format",
        "schema",
        "signature",
        "citations",
        "usage",
        "delta",
        "index",
        "content_block",
        "message",
        "error",
        "cache_control",
        "function",
        "arguments",
        "tool_calls",
        "thinking_blocks",
    ]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4)
    | WORDS
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)
SAID = st.text(min_size=1, max_size=30).map(lambda text: f"x{text}")
NAME = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_-]{0,10}", fullmatch=True)
INPUT = st.dictionaries(st.text(max_size=5), st.recursive(LEAVES, lambda x: st.lists(x, max_size=3), max_leaves=5))
REPLY_BLOCK = st.one_of(
    SAID.map(lambda text: {"type": "text", "text": text}),
    st.tuples(st.text(max_size=20), SAID).map(lambda t: {"type": "thinking", "thinking": t[0], "signature": t[1]}),
    SAID.map(lambda data: {"type": "redacted_thinking", "data": data}),
    st.tuples(NAME, NAME, INPUT).map(lambda t: {"type": "tool_use", "id": t[0], "name": t[1], "input": t[2]}),
    st.tuples(NAME, INPUT).map(lambda t: {"type": "server_tool_use", "id": t[0], "name": "web_search", "input": t[1]}),
)
REPLY = st.lists(REPLY_BLOCK, max_size=8)


@given(REPLY)
def test_an_answer_read_and_written_is_the_same(content: list[dict[str, Any]]) -> None:
    body = answer(content)
    again = CODEC.write_response(response_of(body), CALLER)
    assert again["content"] == content
    accepts_message(again)
    assert without_defaults(again | {"stop_reason": "end_turn"}) == without_defaults(body)


@given(REPLY)
def test_a_history_read_and_written_is_the_same(content: list[dict[str, Any]]) -> None:
    uses = [item["id"] for item in content if item["type"] == "tool_use"]
    if len(set(uses)) < len(uses):
        return
    results = [{"type": "tool_result", "tool_use_id": use, "content": "r"} for use in uses]
    turns: list[dict[str, Any]] = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": content},
        {"role": "user", "content": [*results, {"type": "text", "text": "go on"}]},
    ]
    body = {"model": "m", "max_tokens": 5, "messages": [turn for turn in turns if turn["content"]]}
    body["tools"] = [{"name": "f", "input_schema": {"type": "object"}}]
    assert canonical(read_back(body).body) == canonical(body)


@given(st.lists(REPLY_BLOCK, max_size=6), st.lists(st.integers(1, 4000), max_size=12))
def test_a_stream_at_any_split_tells_what_the_whole_answer_tells(
    content: list[dict[str, Any]], cuts: list[int]
) -> None:
    events: list[dict[str, Any]] = []
    for index, item in enumerate(content):
        events += as_events(index, item)
    data = whole_stream(*events)
    chunks = chunks_of(data, reply_context(), [cut for cut in cuts if cut < len(data)])
    told, whole = gathered(chunks), cast(Any, response_of(answer(content))["choices"][0]["message"])
    assert told["content"] == (whole["content"] or "")
    assert told["thinking_blocks"] == whole.get("thinking_blocks", [])
    assert told["provider_tool_blocks"] == whole.get("provider_tool_blocks", [])
    assert [call["arguments"] for call in told["tool_calls"]] == [
        call["function"]["arguments"] for call in whole.get("tool_calls", [])
    ]
    assert told.get("block_order") == whole.get("block_order")
    obey_event_rules(events_of(write_stream(chunks)))


def as_events(index: int, item: dict[str, Any]) -> list[dict[str, Any]]:
    if item["type"] == "text":
        return block(index, item | {"text": ""}, {"type": "text_delta", "text": item["text"]})
    if item["type"] == "thinking":
        deltas = [
            {"type": "thinking_delta", "thinking": item["thinking"]},
            {"type": "signature_delta", "signature": item["signature"]},
        ]
        return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas)
    if "input" in item:
        pieces = orjson.dumps(item["input"]).decode()
        deltas = [{"type": "input_json_delta", "partial_json": pieces[n : n + 7]} for n in range(0, len(pieces), 7)]
        return block(index, item | {"input": {}}, *deltas)
    return block(index, item)


DELTA = st.fixed_dictionaries(
    {},
    optional={
        "content": st.none() | st.text(max_size=8),
        "refusal": st.none() | st.text(max_size=3),
        "reasoning_content": st.text(max_size=8),
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {"index": st.integers(0, 3)},
                optional={
                    "id": NAME,
                    "function": st.fixed_dictionaries({}, optional={"name": NAME, "arguments": st.text(max_size=5)}),
                    "extra_content": st.just({"google": {"thought_signature": "x"}}),
                },
            ),
            max_size=3,
        ),
        "thinking_blocks": st.lists(
            st.fixed_dictionaries(
                {"index": st.integers(0, 2)},
                optional={
                    "type": st.sampled_from(["thinking", "redacted_thinking", "signature", "encrypted"]),
                    "thinking": st.text(max_size=5),
                    "signature": SAID,
                    "data": SAID,
                    "vendor": NAME,
                },
            ),
            max_size=2,
        ),
        "provider_tool_blocks": st.lists(st.just({"vendor": "google", "block": {"x": 1}}), max_size=1),
    },
)


@given(st.lists(DELTA, max_size=12))
def test_any_stream_of_the_hub_is_written_by_anthropics_rules(deltas: list[dict[str, Any]]) -> None:
    chunks = [cast(ChatChunk, {"id": "c", "choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    events = events_of(write_stream(chunks))
    obey_event_rules(events)
    said = "".join((delta.get("content") or "") + (delta.get("refusal") or "") for delta in deltas)
    told = "".join(
        event["delta"]["text"]
        for event in events
        if event["type"] == "content_block_delta" and event["delta"]["type"] == "text_delta"
    )
    assert told == said


@settings(max_examples=150)
@given(ANYTHING, ANYTHING, ANYTHING)
def test_no_request_crashes_the_reader(messages: Any, tools: Any, other: Any) -> None:
    body = {"model": "m", "max_tokens": 5, "messages": messages, "tools": tools}
    body |= other if isinstance(other, dict) else {"system": other}
    with suppress(APIError):
        hub = CODEC.read_request(body, RequestHints())
        CODEC.write_request(hub, target(drop_params=True))


@settings(max_examples=150)
@example([{"role": "assistant", "tool_calls": 1.0, "thinking_blocks": 1.0}], [], {"thinking": {"type": "enabled"}})
@given(ANYTHING, ANYTHING, ANYTHING)
def test_no_request_of_the_hub_crashes_the_writer(messages: Any, tools: Any, other: Any) -> None:
    request = {"messages": messages, "tools": tools} | (other if isinstance(other, dict) else {"stop": other})
    for facts in (ModelFacts(), ModelFacts(json_schema=True, reasoning="budget", sampling=False, prefill=False)):
        with suppress(APIError):
            CODEC.write_request(cast(ChatRequest, request), target(facts, drop_params=True))


@settings(max_examples=150)
@given(ANYTHING)
def test_no_answer_crashes_the_reader(body: Any) -> None:
    for whole in (body if isinstance(body, dict) else {"content": body}, answer([body])):
        with suppress(APIError):
            response_of(whole)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(list(range(7))), ANYTHING), max_size=6))
def test_no_event_crashes_the_reader(events: list[tuple[int, Any]]) -> None:
    kinds = (
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
        "error",
    )
    data = b"".join(
        write_event(orjson.dumps((value if isinstance(value, dict) else {"delta": value}) | {"type": kinds[kind]}))
        for kind, value in events
    )
    with suppress(APIError):
        chunks_of(data, reply_context())


@given(st.integers(400, 599), ANYTHING, st.binary(max_size=30))
def test_no_error_crashes_the_reader(status: int, body: Any, raw: bytes) -> None:
    for data in (orjson.dumps(body), raw):
        error = CODEC.read_error(ErrorReply("anthropic", "m", status, {}, data))
        assert error.message
        assert CODEC.write_error(error)["error"]["message"] == error.message


def test_the_same_request_gives_the_same_bytes() -> None:
    request: Any = {
        "model": "m",
        "messages": [{"role": "user", "content": "x"}],
        "tools": [{"type": "function", "function": {"name": name}} for name in ("z.z", "a", "m m")],
        "response_format": {"type": "json_object"},
    }
    first, second = (CODEC.write_request(request, target()).body for _ in range(2))
    assert orjson.dumps(first) == orjson.dumps(second)
    oracles.anthropic_request(first)
