"""Halves of surrogate pairs are joined or replaced, wherever JSON is read or written."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import ReplyContext, ReplyStyle
from dragoman.dialects.framing.sse import SseReader
from dragoman.dialects.framing.surrogates import dumps, loads, mend, mend_text

HALVES = st.lists(st.sampled_from(["a", '"', "\\", "u", "d83d", "\ud83d", "\ude00", "😀", "é"]), max_size=12).map(
    "".join
)
CONTEXT = ReplyContext("p", "m", "p", 1, "id")


@given(HALVES)
def test_what_python_writes_is_read_with_pairs_joined_and_halves_replaced(text: str) -> None:
    assert loads(json.dumps({"t": text}).encode()) == {"t": mend_text(text)}
    assert loads(json.dumps([text])) == [mend_text(text)]
    assert orjson.loads(dumps({"t": text})) == {"t": mend_text(text)}


@given(HALVES, st.data())
def test_a_stream_of_pieces_gives_the_text_that_was_cut(text: str, data: Any) -> None:
    cut = data.draw(st.integers(0, len(text)))
    reader = SseReader()
    sent = b"".join(b"data: " + json.dumps({"t": piece}).encode() + b"\n\n" for piece in (text[:cut], text[cut:]))
    events = [*reader.feed(sent), *reader.close()]
    assert len(events) == 2
    assert "".join(orjson.loads(event.data)["t"] for event in events) == mend_text(text)
    again = SseReader()
    assert [e.data for e in again.feed(b"".join(event.raw for event in events))] == [e.data for e in events]


@given(st.lists(HALVES, max_size=6))
def test_any_number_of_pieces_is_read(texts: list[str]) -> None:
    reader = SseReader()
    events = [event for text in texts for event in reader.feed(b"data: " + json.dumps({"t": text}).encode() + b"\n\n")]
    events += reader.close()
    assert len(events) == len(texts)
    assert all(isinstance(orjson.loads(event.data)["t"], str) for event in events)


def test_json_without_halves_is_left_as_it_is() -> None:
    for data in (b'{"a": "b"}', json.dumps("😀").encode(), rb'"\\ud83d"'):
        assert mend(data) == data
    with pytest.raises(orjson.JSONDecodeError):
        loads(b'{"a": ')
    with pytest.raises(TypeError):
        dumps({"a": object()})
    with pytest.raises(TypeError):
        dumps({1: "a"})


def openai_event(text: str) -> dict[str, Any]:
    return {"id": "1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}


def anthropic_event(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}


def gemini_event(text: str) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "index": 0}]}


@pytest.mark.parametrize(
    ("codec", "event", "start"),
    [
        (openai_chat.CODEC, openai_event, []),
        (
            anthropic_messages.CODEC,
            anthropic_event,
            [
                {"type": "message_start", "message": {"id": "1", "content": [], "usage": {"input_tokens": 1}}},
                {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            ],
        ),
        (gemini.CODEC, gemini_event, []),
    ],
)
def test_each_dialects_streams_go_on(codec: Any, event: Any, start: list[Any]) -> None:
    pieces = [event(text) for text in ("a\ud83d", "\ude00b", "\ud83d", "c", "\ude00", "d")]
    sent = b"".join(
        b"event: " + str(piece.get("type", "")).encode() + b"\ndata: " + json.dumps(piece).encode() + b"\n\n"
        for piece in [*start, *pieces]
    )
    reader = codec.stream_reader(CONTEXT)
    chunks = [chunk for chunk in reader.feed(sent) if chunk["choices"]]
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
    assert text == "a😀b\ufffdc\ufffdd"
    relay = codec.stream_relay(CONTEXT, ReplyStyle("m"))
    passed = b"".join(relay.feed(sent))
    assert all(orjson.loads(line[6:]) for line in passed.splitlines() if line.startswith(b"data:"))


@pytest.mark.parametrize("codec", [openai_chat.CODEC, anthropic_messages.CODEC, gemini.CODEC])
def test_arguments_and_contents_of_a_request_survive(codec: Any) -> None:
    from dragoman.dialects.codec import Target

    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"a": "\\ud83d"}'}}
    messages = [
        {"role": "user", "content": "x\ud83d"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": '{"r": "\\ude00"}'},
    ]
    wire = codec.write_request({"model": "m", "messages": messages}, Target("p", "m", "p"))
    assert orjson.loads(dumps(wire.body))
    assert "INVALID_JSON" not in str(wire.body)
