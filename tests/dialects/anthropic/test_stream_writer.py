"""Streams of other vendors, written by Anthropic's rules however their deltas interleave."""

from __future__ import annotations

import random
from typing import Any, cast

import pytest

from dragoman.dialects.anthropic_messages import CODEC
from dragoman.errors import APIConnectionError, RateLimitError
from dragoman.types.chat import ChatChunk
from tests.dialects.anthropic.exchange import CALLER, accepts_event, events_of, fold, obey_event_rules, write_stream


def chunk(delta: dict[str, Any] | None = None, **choice: Any) -> ChatChunk:
    return cast(ChatChunk, {"id": "c1", "model": "gpt", "choices": [{"index": 0, "delta": delta or {}} | choice]})


def calls(*items: dict[str, Any]) -> ChatChunk:
    return chunk({"tool_calls": list(items)})


def piece(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments}} | more


def begin(index: int) -> dict[str, Any]:
    return {
        "index": index,
        "id": f"call_{index}",
        "type": "function",
        "function": {"name": f"f{index}", "arguments": ""},
    }


def tell(*chunks: ChatChunk) -> dict[str, Any]:
    events = events_of(write_stream(list(chunks)))
    obey_event_rules(events)
    for event in events:
        accepts_event(event)
    return fold(events)


USAGE = cast(
    ChatChunk,
    {
        "choices": [],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 7,
            "total_tokens": 27,
            "prompt_tokens_details": {"cached_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 2},
        },
    },
)


def test_text_with_its_end_and_its_usage() -> None:
    message = tell(
        chunk({"role": "assistant", "content": ""}),
        chunk({"content": "Hel"}),
        chunk({"content": "lo"}),
        chunk(finish_reason="length"),
        USAGE,
    )
    assert message["content"] == [{"type": "text", "text": "Hello"}]
    assert message["stop_reason"] == "max_tokens"
    assert message["model"] == CALLER.model
    assert message["usage"] == {
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 8,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 2},
    }


@pytest.mark.parametrize("seed", range(25))
def test_parallel_calls_in_any_interleaving_are_told_one_after_the_other(seed: int) -> None:
    dice = random.Random(seed)
    arguments = {index: f'{{"n": {index}, "text": "{"ab" * index}"}}' for index in range(4)}
    queues: dict[int, list[dict[str, Any]]] = {}
    for index, text in arguments.items():
        cuts = sorted(dice.sample(range(len(text)), 3))
        edges = zip([0, *cuts], [*cuts, len(text)], strict=True)
        queues[index] = [begin(index), *(piece(index, text[start:end]) for start, end in edges)]
    chunks = [chunk({"content": "Calling"})]
    opened = 0
    while any(queues.values()):
        index = dice.choice([number for number, queue in queues.items() if queue and number <= opened])
        opened = max(opened, index + 1)
        chunks.append(calls(queues[index].pop(0)))
    message = tell(*chunks, chunk(finish_reason="tool_calls"))
    text, *uses = message["content"]
    assert text["text"] == "Calling"
    assert [(use["id"], use["name"], use["input"]["n"], use["input"]["text"]) for use in uses] == [
        (f"call_{index}", f"f{index}", index, "ab" * index) for index in range(4)
    ]
    assert message["stop_reason"] == "tool_use"


def test_a_call_is_told_as_it_comes() -> None:
    assert CODEC.stream_writer is not None
    writer = CODEC.stream_writer(CALLER)
    writer.write(calls(begin(0)))
    out = events_of(writer.write(calls(piece(0, '{"a"'))))
    assert [event["delta"]["partial_json"] for event in out] == ['{"a"']
    out = events_of(writer.write(calls(piece(0, ": 1}"), begin(1))))
    assert [event["type"] for event in out] == ["content_block_delta", "content_block_stop", "content_block_start"]


def test_reasoning_text_and_calls_each_have_their_block() -> None:
    message = tell(
        chunk({"reasoning_content": "Hm"}),
        chunk({"reasoning_content": "m."}),
        chunk({"content": "So"}),
        calls(begin(0) | {"function": {"name": "f", "arguments": "{}"}}),
        chunk({"content": " done"}),
        chunk(finish_reason="stop"),
    )
    assert [block["type"] for block in message["content"]] == ["thinking", "text", "tool_use", "text"]
    assert message["content"][0]["thinking"] == "Hmm."
    assert message["content"][3]["text"] == " done"


def test_a_signature_that_comes_after_text_only_reasoning_signs_it() -> None:
    signed = {"index": 0, "type": "thinking", "signature": "sig", "vendor": "anthropic"}
    message = tell(chunk({"reasoning_content": "Hm"}), chunk({"thinking_blocks": [signed]}), chunk({"content": "x"}))
    assert message["content"][0] == {"type": "thinking", "thinking": "Hm", "signature": "sig"}


def test_a_refusal_and_an_older_function_call() -> None:
    refused = tell(chunk({"refusal": "I can"}), chunk({"refusal": "not"}), chunk(finish_reason="stop"))
    assert refused["content"] == [{"type": "text", "text": "I cannot"}]
    assert refused["stop_reason"] == "refusal"
    legacy = tell(
        chunk({"function_call": {"name": "f", "arguments": ""}}),
        chunk({"function_call": {"arguments": '{"a": 1}'}}),
        chunk(finish_reason="function_call"),
    )
    assert (legacy["content"][0]["name"], legacy["content"][0]["input"]) == ("f", {"a": 1})


def test_citations_stand_in_the_block_of_their_text() -> None:
    cited = {
        "type": "url_citation",
        "url_citation": {"start_index": 0, "end_index": 3, "url": "https://a.example", "title": "A"},
    }
    message = tell(chunk({"content": "See"}), chunk({"annotations": [cited]}), chunk(finish_reason="stop"))
    assert message["content"][0]["citations"][0]["cited_text"] == "See"


def test_only_the_first_choice_is_told() -> None:
    second: Any = {"choices": [{"index": 1, "delta": {"content": "no"}}]}
    assert tell(chunk({"content": "yes"}), second)["content"] == [{"type": "text", "text": "yes"}]


def test_nothing_is_still_a_whole_message() -> None:
    assert tell()["stop_reason"] == "end_turn"


def test_an_error_is_the_dialects_own_event() -> None:
    assert CODEC.stream_writer is not None
    writer = CODEC.stream_writer(CALLER)
    writer.write(chunk({"content": "x"}))
    raw = writer.error(RateLimitError("slow down"))
    assert raw.startswith(b"event: error\ndata: ")
    (event,) = events_of(raw)
    assert event["error"]["type"] == "rate_limit_error"
    assert events_of(writer.error(APIConnectionError("gone")))[0]["error"]["type"] == "api_error"
