"""Laws that hold for any input."""

from __future__ import annotations

import random
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.dialects.codec import ErrorReply, ReplyContext, ReplyStyle, RequestHints
from dragoman.dialects.openai_chat import ACCENTS, CODEC, completions, embeddings
from dragoman.errors import APIError
from tests.dialects.openai._recorded import chats, context, events, join, target

LAWS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
REPLY = ReplyContext("acme", "m", "acme", 1, "id", accent=ACCENTS["gemini"])

KEYS = st.sampled_from(
    [
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "error",
        "index",
        "delta",
        "message",
        "finish_reason",
        "role",
        "content",
        "refusal",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "type",
        "text",
        "thinking",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "cached_tokens",
        "citations",
        "search_results",
        "url",
        "code",
        "detail",
        "metadata",
        "x_groq",
        "messages",
        "tools",
        "tool_choice",
        "stop",
        "image_url",
        "file",
        "logprobs",
        "native_finish_reason",
        "signature",
    ]
)
WORDS = st.sampled_from(
    ["", "stop", "length", "error", "tool_calls", "user", "assistant", "tool", "text", "function", "<thought>x"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | WORDS
    | st.text(max_size=5)
)
JSON: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
CHUNKS = st.fixed_dictionaries(
    {
        "choices": st.lists(
            st.fixed_dictionaries({}, optional={"delta": JSON, "finish_reason": JSON, "index": JSON}), max_size=2
        )
    },
    optional={"usage": JSON, "error": JSON, "id": JSON, "created": JSON, "model": JSON, "citations": JSON},
)


@LAWS
@given(JSON)
def test_no_answer_crashes_the_reader(body: Any) -> None:
    for wrapped in (body, {"choices": body}, {"choices": [{"message": body}], "usage": body}):
        try:
            response = CODEC.read_response(wrapped, REPLY)
        except APIError:
            continue
        orjson.dumps(CODEC.write_response(response, ReplyStyle(model="m")))


@LAWS
@given(st.lists(CHUNKS | JSON, max_size=4), st.booleans())
def test_no_stream_crashes_the_reader(bodies: list[Any], done: bool) -> None:
    wire = b"".join(b"data: " + orjson.dumps(body) + b"\n\n" for body in bodies) + (
        b"data: [DONE]\n\n" if done else b""
    )
    _read_all(wire)


@LAWS
@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(wire: bytes) -> None:
    _read_all(wire)
    error = CODEC.read_error(ErrorReply("acme", "m", 400, {}, wire))
    assert error.message


def _read_all(wire: bytes) -> None:
    assert CODEC.stream_reader is not None
    assert CODEC.stream_relay is not None
    for reader in (CODEC.stream_reader(REPLY), CODEC.stream_relay(REPLY, ReplyStyle(model="m"))):
        try:
            list(reader.feed(wire))
            list(reader.close())
        except APIError:
            pass


@LAWS
@given(JSON)
def test_no_request_crashes_the_reader_or_the_writers(body: Any) -> None:
    for wrapped in (
        body if isinstance(body, dict) else {},
        {"model": "m", "messages": body},
        {"model": "m", "messages": [{"role": "assistant", "content": body, "tool_calls": body}]},
        {"model": "m", "messages": [{"role": "user", "content": [body]}], "tools": [body], "response_format": body},
    ):
        try:
            request = CODEC.read_request(wrapped, RequestHints())
            for provider in ("openai", "mistral", "perplexity", "deepseek", "openrouter"):
                CODEC.write_request(request, target(provider, "m", drop_params=True))
        except APIError:
            continue


@LAWS
@given(
    st.integers(400, 599),
    JSON,
    st.dictionaries(
        st.sampled_from(["retry-after", "date", "retry-after-ms", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.text(max_size=12),
    ),
)
def test_errors_are_always_errors(status: int, body: Any, headers: dict[str, str]) -> None:
    error = CODEC.read_error(ErrorReply("acme", "m", status, headers, orjson.dumps(body)))
    assert error.message
    assert 400 <= error.status_code < 600
    assert error.retry_after is None or error.retry_after >= 0
    orjson.dumps(CODEC.write_error(error))


TEXT = st.text(min_size=1, max_size=12)
NAMES = st.text(alphabet="abcdefgh_-.:/ é", min_size=1, max_size=100)
CALLS = st.lists(
    st.tuples(st.uuids().map(str), NAMES, st.text(max_size=30)), max_size=4, unique_by=lambda call: call[0]
)


@LAWS
@given(TEXT, TEXT, CALLS, st.data())
def test_streamed_tool_calls_come_out_as_they_went_in(text: str, thought: str, calls: list[Any], data: Any) -> None:
    """Requirement 20: whatever the interleaving of the calls' pieces, and whatever the split of the bytes."""
    pieces: list[list[Any]] = []
    for index, (id, name, arguments) in enumerate(calls):
        cut = data.draw(st.integers(0, len(arguments)))
        first = {"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments[:cut]}}
        pieces.append([first, {"index": index, "function": {"arguments": arguments[cut:]}}])
    deltas: list[Any] = [{"role": "assistant", "reasoning": thought}, {"content": text}]
    deltas += [{"tool_calls": [begun[0]]} for begun in pieces]
    deltas += [{"tool_calls": [begun[1]]} for begun in data.draw(st.permutations(pieces))]
    reason = "tool_calls" if calls else "stop"
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    wire = b"".join(b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    size = data.draw(st.integers(1, 60))
    assert CODEC.stream_reader is not None
    reader = CODEC.stream_reader(ReplyContext("acme", "m", "acme", 1, "id"))
    read = [chunk for n in range(0, len(wire), size) for chunk in reader.feed(wire[n : n + size])]
    one = join([*read, *reader.close()])[0]
    assert (one["content"], one["reasoning_content"], one["finish_reason"]) == (text, thought, reason)
    said = [
        (call_id, name, "{}" if arguments.strip() in ("", "null", "[]") else arguments)
        for call_id, name, arguments in calls
    ]
    assert [(call["id"], call["name"], call["arguments"]) for call in one["calls"]] == said


@LAWS
@given(TEXT, CALLS, st.sampled_from(sorted(ACCENTS)))
def test_a_written_request_read_again_is_the_same(text: str, calls: list[Any], accent: str) -> None:
    tool_calls = [
        {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for id, name, arguments in calls
    ]
    messages: list[Any] = [{"role": "user", "content": text}]
    if tool_calls:
        messages.append({"role": "assistant", "content": text, "tool_calls": tool_calls})
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": text} for call in tool_calls]
        messages.append({"role": "user", "content": text})
    request: Any = {"model": "m", "messages": messages, "temperature": 0.5, "top_p": 0.9, "stop": ["."]}
    wire = CODEC.write_request(request, target(accent, "m"))
    again: Any = CODEC.read_request(orjson.loads(orjson.dumps(wire.body)), RequestHints())
    wire_ids = [call["id"] for message in again["messages"] for call in message.get("tool_calls", ())]
    ids = dict(zip(wire_ids, [call["id"] for call in tool_calls], strict=True))
    for message in again["messages"]:
        if "tool_call_id" in message:
            message["tool_call_id"] = ids[message["tool_call_id"]]
        for call in message.get("tool_calls", ()):
            call["id"] = ids[call["id"]]
            name = call["function"]["name"]
            call["function"]["name"] = wire.tool_names.get(name, name)
    assert again == request


JUNK: list[Any] = [None, True, -1, 1e300, "", "junk", [], [None], [[]], {}, {"x": 1}, [{}], {"type": []}]


def _spoil(value: Any, rng: random.Random) -> Any:
    """A copy in which one random place holds something else."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        return {**value, key: _spoil(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        return [*value[:place], _spoil(value[place], rng), *value[place + 1 :]]
    return rng.choice(JUNK)


def test_spoilt_recordings_crash_nothing() -> None:
    rng = random.Random(7)
    for param in chats():
        recording = param.values[0]
        if recording is None:
            return
        for _ in range(3):
            _spoilt_request(_spoil(recording.request_body or {}, rng), recording.provider)
            if recording.stream:
                bodies = events(recording.response_bytes)[:40]
                _read_all(b"".join(b"data: " + orjson.dumps(_spoil(body, rng)) + b"\n\n" for body in bodies))
            else:
                _spoilt_answer(_spoil(recording.response_body, rng), context(recording))


def _spoilt_request(body: Any, provider: str) -> None:
    for codec in (CODEC, completions.CODEC, embeddings.CODEC):
        try:
            request: Any = codec.read_request(body if isinstance(body, dict) else {}, RequestHints(model="m"))
            for accent in (provider, "openai", "mistral"):
                codec.write_request(request, target(accent, "m", drop_params=True))
        except APIError:
            continue


def _spoilt_answer(body: Any, reply: ReplyContext) -> None:
    for codec in (CODEC, completions.CODEC, embeddings.CODEC):
        try:
            response: Any = codec.read_response(body, reply)
        except APIError:
            continue
        orjson.dumps(codec.write_response(response, ReplyStyle(model="m")))
