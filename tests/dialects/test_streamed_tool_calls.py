"""Any number of tool calls, cut and interleaved in any way, reaches every caller whole."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import Codec, ReplyContext, ReplyStyle
from dragoman.dialects.framing.sse import SseReader
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse

CODECS: dict[str, Codec[ChatRequest, ChatResponse, ChatChunk]] = {
    "openai": openai_chat.CODEC,
    "anthropic": anthropic_messages.CODEC,
    "gemini": gemini.CODEC,
}
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
_ARGUMENTS = st.dictionaries(st.text(max_size=5), _JSON, max_size=3)
_NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=20)


@st.composite
def interleaved_calls(draw: st.DrawFn) -> tuple[list[tuple[str, str, str]], list[ChatChunk]]:
    """The calls (id, name, arguments) and a stream that brings them in pieces, mixed."""
    calls = [
        (f"call_{number}", draw(_NAMES), orjson.dumps(draw(_ARGUMENTS)).decode())
        for number in range(draw(st.integers(1, 4)))
    ]
    queues: list[list[dict[str, Any]]] = []
    for index, (call_id, name, arguments) in enumerate(calls):
        pieces: list[dict[str, Any]] = [
            {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}
        ]
        rest = arguments
        while rest:
            size = draw(st.integers(1, len(rest)))
            pieces.append({"index": index, "function": {"arguments": rest[:size]}})
            rest = rest[size:]
        queues.append(pieces)
    deltas: list[dict[str, Any]] = []
    started = 0
    while any(queues):
        # a call begins only after those before it have begun, as every provider does
        ready = [number for number, queue in enumerate(queues) if queue and number <= started]
        number = draw(st.sampled_from(ready))
        if number == started:
            started += 1
        deltas.append(queues[number].pop(0))
    return calls, [chunk({"role": "assistant"}), *(chunk({"tool_calls": [delta]}) for delta in deltas), *ending()]


def chunk(delta: dict[str, Any], finish: str | None = None) -> ChatChunk:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    head = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [choice]}  # type: ignore[typeddict-item]


def ending() -> list[ChatChunk]:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    last = chunk({}, "tool_calls")
    return [last, {**last, "choices": [], "usage": usage}]  # type: ignore[typeddict-item]


def sent_by(codec: Codec[ChatRequest, ChatResponse, ChatChunk], chunks: list[ChatChunk]) -> bytes:
    assert codec.stream_writer is not None
    writer = codec.stream_writer(ReplyStyle(model="m", include_usage=True))
    return b"".join(writer.write(chunk) for chunk in chunks) + writer.close()


def received(codec: Codec[ChatRequest, ChatResponse, ChatChunk], data: bytes) -> list[tuple[str, str, str]]:
    assert codec.stream_reader is not None
    reader = codec.stream_reader(ReplyContext(provider="p", model="m", vendor="v", created=1, reply_id="r"))
    calls: dict[int, list[str]] = {}
    for piece in [*reader.feed(data), *reader.close()]:
        for choice in piece["choices"]:
            for call in choice["delta"].get("tool_calls") or []:
                function = call.get("function") or {}
                found = calls.setdefault(call["index"], ["", "", ""])
                found[0] = found[0] or call.get("id") or ""
                found[1] += function.get("name") or ""
                found[2] += function.get("arguments") or ""
    assert list(calls) == list(range(len(calls))), "indexes are unique and rise"
    return [(found[0], found[1], found[2]) for found in calls.values()]


@pytest.mark.parametrize("name", CODECS)
@given(case=interleaved_calls())
def test_calls_come_out_whole(name: str, case: tuple[list[tuple[str, str, str]], list[ChatChunk]]) -> None:
    calls, chunks = case
    found = received(CODECS[name], sent_by(CODECS[name], chunks))
    assert [(call_id, tool) for call_id, tool, _ in found] == [(call_id, tool) for call_id, tool, _ in calls]
    if name == "gemini":  # its calls carry a JSON object, not text
        assert [orjson.loads(arguments) for *_, arguments in found] == [
            orjson.loads(arguments) for *_, arguments in calls
        ]
    else:
        assert [arguments for *_, arguments in found] == [arguments for *_, arguments in calls]


@given(case=interleaved_calls())
def test_anthropic_blocks_open_and_close_in_order(case: tuple[list[tuple[str, str, str]], list[ChatChunk]]) -> None:
    calls, chunks = case
    opened: int | None = None
    started: list[dict[str, Any]] = []
    kinds: list[str] = []
    for event in SseReader().feed(sent_by(anthropic_messages.CODEC, chunks)):
        body = orjson.loads(event.data)
        assert event.event.decode() == body["type"]
        kinds.append(body["type"])
        if body["type"] == "content_block_start":
            assert opened is None
            assert body["index"] == len(started)
            opened = body["index"]
            started.append(body["content_block"])
        elif body["type"] == "content_block_delta":
            assert body["index"] == opened
        elif body["type"] == "content_block_stop":
            assert body["index"] == opened
            opened = None
    assert opened is None
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert [block["id"] for block in started] == [call_id for call_id, *_ in calls]
