"""Schemas, streams and histories of any size are work in proportion to it: each of these was quadratic once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.dialects.anthropic_messages.assistant_write import assistant_blocks
from dragoman.dialects.anthropic_messages.caller_blocks import caller_style
from dragoman.dialects.anthropic_messages.stream_blocks import ToolUseWriter
from dragoman.dialects.anthropic_messages.stream_write import MessageStreamWriter
from dragoman.dialects.anthropic_messages.strict_schemas import Inexpressible, strict_schema
from dragoman.dialects.codec import ReplyStyle
from dragoman.dialects.framing.json_array import JsonArrayReader
from dragoman.dialects.gemini.parts_read import CallIds, PartsReader
from dragoman.dialects.gemini.stream_write import GeminiStreamWriter
from dragoman.dialects.json_schema import Subset, rewrite
from dragoman.dialects.json_schema_merge import merge
from dragoman.dialects.openai_chat.tool_calls import OpenCalls
from dragoman.dialects.openai_strict import fits_openai_strict
from dragoman.dialects.reference_graph import in_cycles
from dragoman.errors import APIResponseValidationError, BadRequestError
from dragoman.sdk.assemble import stream_chunk_builder
from tests.counting import Counted, grows_linearly

GEMINI = Subset(frozenset({"type", "properties", "items", "anyOf", "enum", "required", "description"}), references=True)
Work = Callable[[], object]


def chain(size: int) -> dict[str, Any]:
    """Definitions each of which leads to the next."""
    defs: dict[str, Any] = {
        f"d{number}": {
            "type": "object",
            "properties": {"a": {"$ref": f"#/$defs/d{number + 1}"}},
            "additionalProperties": False,
        }
        for number in range(size)
    }
    return {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/d0"}},
        "additionalProperties": False,
        "$defs": {**defs, f"d{size}": {"type": "string"}},
    }


def strict_chain(size: int) -> Work:
    schema = chain(size)
    return lambda: strict_schema(schema, lambda path: None)


def anchored(size: int) -> Work:
    names = range(size)
    schema = {
        "type": "object",
        "properties": {f"p{name}": {"$ref": f"#a{name}"} for name in names},
        "$defs": {f"d{name}": {"$anchor": f"a{name}", "type": "string"} for name in names},
    }
    return lambda: rewrite(schema, GEMINI, "schema")


def tool_calls(size: int) -> Work:
    def work() -> None:
        calls = OpenCalls("seed", {})
        for number in range(size):
            calls.read({"index": number, "id": f"c{number}", "function": {"name": "f", "arguments": ""}})
        for _ in range(size):
            calls.read({"index": 0, "function": {"arguments": "x"}})

    return work


def _chunk(delta: dict[str, Any]) -> Any:
    return {"id": "1", "choices": [{"index": 0, "delta": delta}]}


def written_calls(size: int) -> Work:
    """Of which the first waits for its end."""
    writer = MessageStreamWriter(ReplyStyle(model="m"))

    def work() -> None:
        for number in range(size):
            call = {"index": number, "id": f"c{number}", "function": {"name": "f", "arguments": "{"}}
            writer.write(_chunk({"tool_calls": [call]}))
        for number in range(size):
            writer.write(_chunk({"tool_calls": [{"index": number, "function": {"arguments": "}"}}]}))
        writer.close()

    return work


def quoted_text(size: int) -> Work:
    annotations = [
        {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": at, "end_index": at + 1}}
        for at in range(size)
    ]
    parts = [{"type": "text", "text": "x"} for _ in range(size)]
    message = {"role": "assistant", "content": parts, "annotations": annotations}
    return lambda: assistant_blocks(message, caller_style("anthropic"))


WORKS = [strict_chain, anchored, tool_calls, written_calls, quoted_text]


@pytest.mark.parametrize("make", WORKS)
def test_four_times_as_much_is_four_times_the_work(make: Callable[[int], Work]) -> None:
    assert grows_linearly(make, 300)


def test_enums_are_compared_by_what_they_are() -> None:
    mine, theirs = ([Counted(f"v{at}") for at in range(400)] for _ in range(2))
    Counted.reset()
    merged = merge({"enum": mine}, {"enum": theirs[::-1]}, "schema", lambda path: None)
    assert merged["enum"] == mine
    assert Counted.compared < 5 * 400
    assert merge({"enum": [1, True, "1"]}, {"enum": [True, None]}, "schema", lambda path: None)["enum"] == [True]
    assert merge({"enum": [{"a": 1, "b": 2}]}, {"enum": [{"b": 2, "a": 1}, 3]}, "schema", lambda path: None)["enum"]


def test_demanded_properties_are_looked_up() -> None:
    demanded, properties = ([Counted(f"v{at}") for at in range(400)] for _ in range(2))
    schema = {
        "type": "object",
        "properties": {name: {"type": "string"} for name in properties},
        "required": demanded,
        "additionalProperties": False,
    }
    Counted.reset()
    assert fits_openai_strict(schema)
    assert Counted.compared < 5 * 400


def test_how_many_schemas_are_merged_has_a_limit() -> None:
    schema = {"allOf": [{"type": "object", "properties": {f"p{at}": {"type": "string"}}} for at in range(257)]}
    with pytest.raises(BadRequestError, match="more than 256") as caught:
        rewrite(schema, GEMINI, "schema")
    assert caught.value.param == "schema.allOf"


def test_how_many_tool_calls_there_are_has_a_limit() -> None:
    calls = OpenCalls("seed", {})
    for number in range(10_000):
        calls.read({"index": number, "id": f"c{number}", "function": {"name": "f"}})
    with pytest.raises(APIResponseValidationError, match="10000 tool calls"):
        calls.read({"index": 10_000, "id": "one more", "function": {"name": "f"}})


@pytest.mark.parametrize("odd", [{"index": []}, {"index": {}}, {"id": []}, {"id": {"a": 1}}, {"index": None, "id": 7}])
def test_odd_numbers_and_ids_of_calls_are_survived(odd: dict[str, Any]) -> None:
    calls = OpenCalls("seed", {})
    assert calls.read({**odd, "function": {"name": "f"}})["index"] == 0


@given(st.dictionaries(st.sampled_from("abcdefg"), st.sets(st.sampled_from("abcdefgh")), max_size=7))
def test_cycles_are_found(edges: dict[str, set[str]]) -> None:
    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        left = [start]
        while left:
            new = edges.get(left.pop(), set()) - seen
            seen |= new
            left.extend(new)
        return seen

    assert in_cycles(edges) == {name for name in edges if name in reached(name)}


def test_recursion_is_named() -> None:
    schema = {"type": "object", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}}, "b": {"items": {"$ref": "#/$defs/a"}}}}
    with pytest.raises(Inexpressible, match=r"#/\$defs/a \(recursive\)"):
        strict_schema(schema, lambda path: None)


def pieces(size: int) -> list[str]:
    Counted.reset()
    return [Counted("xy") for _ in range(size)]


def test_a_stream_is_put_together_without_copies() -> None:
    deltas = [{"content": text, "reasoning_content": text} for text in pieces(1000)]
    calls = [{"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": text}}]} for text in pieces(1000)]
    thoughts = [{"thinking_blocks": [{"index": 0, "type": "thinking", "thinking": text}]} for text in pieces(1000)]
    chunks: list[dict[str, Any]] = [*deltas, *calls, *thoughts]
    made = stream_chunk_builder(map(_chunk, chunks))
    assert made is not None
    message = made.model_dump()["choices"][0]["message"]
    assert message["content"] == message["reasoning_content"] == "xy" * 1000
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": "xy" * 1000}
    assert message["thinking_blocks"][0]["thinking"] == "xy" * 1000
    assert Counted.copied < 10_000


def test_the_arguments_for_a_gemini_caller_are_put_together_without_copies() -> None:
    writer = GeminiStreamWriter(ReplyStyle(model="m"))
    for text in ['{"a":"', *pieces(1000), '"}']:
        writer.write(_chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": text}}]}))
    assert b"xy" * 1000 in writer.close()
    assert Counted.copied < 10_000


@pytest.mark.parametrize("thought", [False, True])
def test_the_parts_of_a_gemini_answer_are_put_together_without_copies(thought: bool) -> None:
    reader = PartsReader(CallIds())
    delta = reader.read([{"text": text, "thought": thought} for text in pieces(1000)], "parts")
    assert delta["reasoning_content" if thought else "content"] == "xy" * 1000
    assert Counted.copied < 10_000
    if thought:
        assert [block["thinking"] for block in delta["thinking_blocks"]] == ["xy" * 1000]


@given(st.text(alphabet='{}[]"\\a', max_size=12), st.integers(0, 12))
def test_where_arguments_end_is_seen_at_any_split(tail: str, at: int) -> None:
    text = '{"a": "' + tail.replace("\\", "\\\\").replace('"', '\\"') + '", "b": [{}]}'
    writer = ToolUseWriter("key", 0)
    writer.add({"id": "c", "function": {"name": "f", "arguments": text[:at]}})
    assert not writer.may_end()
    writer.add({"function": {"arguments": text[at:-1]}})
    assert not writer.may_end()
    writer.add({"function": {"arguments": text[-1]}})
    assert writer.may_end()


def test_elements_of_an_array_are_cut_without_copies_of_the_rest() -> None:
    """With a copy of what follows for each of them this would be 40 GB."""
    assert len(JsonArrayReader().feed(b"[" + b"{}, " * 150_000 + b"]")) == 150_000


def test_streamed_arguments_of_gemini_are_put_together_without_copies() -> None:
    reader = PartsReader(CallIds())
    calls = [{"name": "f", "willContinue": True}]
    calls += [
        {"partialArgs": [{"jsonPath": "$.a", "stringValue": text}], "willContinue": True} for text in pieces(1000)
    ]
    deltas = [reader.read([{"functionCall": call}], "parts") for call in calls]
    arguments = reader.close()["tool_calls"][0]["function"]["arguments"]
    assert deltas[0]["tool_calls"][0]["function"]["arguments"] == ""
    assert arguments == '{"a":"' + "xy" * 1000 + '"}'
    assert Counted.copied < 10_000
