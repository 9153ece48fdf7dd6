"""Arguments that say nothing are an object without members, whoever sends them, whole or in pieces."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects import anthropic_messages, gemini
from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.tool_arguments import ArgumentsGate, are_empty

CLAUDE = ReplyContext("p", "m", "anthropic", 1, "id")
GOOGLE = ReplyContext("gemini", "m", "google", 1, "id")
SAYING_NOTHING: list[Any] = [None, [], {}, "", "null", "[]"]


@given(st.text(alphabet="nul[] {}a\n", max_size=80), st.integers(1, 5))
def test_nothing_but_nothing_is_held_back(text: str, size: int) -> None:
    gate = ArgumentsGate()
    pieces = [gate.feed(text[n : n + size]) for n in range(0, len(text), size)]
    assert "".join(pieces) + gate.close() == ("{}" if are_empty(text) else text)


def message(block: Any) -> Any:
    usage = {"input_tokens": 1, "output_tokens": 1}
    head = {"id": "x", "type": "message", "role": "assistant", "model": "m", "usage": usage}
    return head | {"content": [block], "stop_reason": "tool_use"}


def streamed(block: Any, pieces: list[str]) -> str:
    start = message(block) | {"content": [], "stop_reason": None}
    deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    assert anthropic_messages.CODEC.stream_reader is not None
    reader = anthropic_messages.CODEC.stream_reader(CLAUDE)
    wire = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)
    return said([*reader.feed(wire), *reader.close()])


def said(chunks: list[Any]) -> str:
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    calls = [call for choice in choices for call in choice["delta"].get("tool_calls") or ()]
    return "".join(call["function"].get("arguments", "") for call in calls)


@pytest.mark.parametrize("arguments", SAYING_NOTHING)
def test_of_claude(arguments: Any) -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": arguments}
    whole: Any = anthropic_messages.CODEC.read_response(message(block), CLAUDE)
    assert whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == "{}"
    for pieces in ([], [""], ["null"], ["nu", "ll"], ["[", "]"], ["{", "}"]):
        assert streamed(block, pieces) == "{}"
    assert streamed(block, ['{"a"', ":1}"]) == '{"a":1}'


def test_a_whole_input_in_the_start_of_a_block_is_kept() -> None:
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    assert streamed(block, []) == '{"a":1}'


@pytest.mark.parametrize("arguments", SAYING_NOTHING)
def test_of_gemini(arguments: Any) -> None:
    call = {"functionCall": {"name": "f", "args": arguments}}
    body: Any = {"candidates": [{"content": {"role": "model", "parts": [call]}, "finishReason": "STOP"}]}
    whole: Any = gemini.CODEC.read_response(body, GOOGLE)
    assert whole["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"] == "{}"
    assert gemini.CODEC.stream_reader is not None
    reader = gemini.CODEC.stream_reader(GOOGLE)
    assert said([*reader.feed(b"data: " + orjson.dumps(body) + b"\n\n"), *reader.close()]) == "{}"
