"""Reasoning asked for, and its blocks sent back: byte for byte to their maker, to nobody else."""

from __future__ import annotations

from typing import Any, cast

import orjson
import pytest

from dragoman.dialects.anthropic_messages import CODEC
from dragoman.dialects.codec import RequestHints
from dragoman.dialects.signatures import SEAL_MARK
from dragoman.errors import UnsupportedParamsError
from dragoman.types.chat import ChatChunk
from dragoman.types.model_facts import ModelFacts
from tests import oracles
from tests.dialects.anthropic.exchange import (
    CALLER,
    events_of,
    fold,
    obey_event_rules,
    response_of,
    target,
    write_stream,
    written,
)
from tests.dialects.anthropic.test_responses import answer

BUDGET = ModelFacts(reasoning="budget", max_output_tokens=64000)
ADAPTIVE = ModelFacts(reasoning="adaptive", effort_levels=("low", "medium", "high", "max"), max_output_tokens=64000)


@pytest.mark.parametrize(
    ("asked", "facts", "expected", "dropped"),
    [
        ({"reasoning_effort": "high"}, BUDGET, {"thinking": {"type": "enabled", "budget_tokens": 4096}}, ()),
        ({"reasoning_effort": "minimal"}, BUDGET, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, ()),
        ({"reasoning_effort": "default"}, BUDGET, {}, ()),
        ({"reasoning_effort": "none"}, BUDGET, {"thinking": {"type": "disabled"}}, ()),
        ({"reasoning_effort": "none"}, ModelFacts(reasoning="none"), {}, ()),
        (
            {"reasoning_effort": "high"},
            ADAPTIVE,
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
            (),
        ),
        (
            {"reasoning_effort": "minimal"},
            ADAPTIVE,
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
            ("reasoning_effort",),
        ),
        ({"reasoning_effort": "low"}, ModelFacts(reasoning="effort"), {"output_config": {"effort": "low"}}, ()),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}},
            ADAPTIVE,
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "medium"}},
            ("thinking.budget_tokens",),
        ),
        (
            {"thinking": {"type": "adaptive"}, "reasoning_effort": "low"},
            BUDGET,
            {"thinking": {"type": "enabled", "budget_tokens": 1024}},
            ("thinking.type",),
        ),
        (
            {"thinking": {"type": "adaptive"}, "reasoning_effort": "max"},
            ADAPTIVE,
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            (),
        ),
        ({"thinking": {"type": "disabled"}}, ADAPTIVE, {"thinking": {"type": "disabled"}}, ()),
    ],
)
def test_reasoning_is_asked_for_in_the_models_own_way(
    asked: dict[str, Any], facts: ModelFacts, expected: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    wire = written(asked, facts)
    oracles.anthropic_request(wire.body)
    assert {key: wire.body[key] for key in ("thinking", "output_config") if key in wire.body} == expected
    assert wire.dropped == dropped


@pytest.mark.parametrize(
    ("asked", "facts", "param"),
    [
        ({"reasoning_effort": "high"}, ModelFacts(reasoning="none"), "reasoning_effort"),
        ({"reasoning_effort": "none"}, ModelFacts(can_disable_reasoning=False), "reasoning_effort"),
        ({"thinking": {"type": "disabled"}}, ModelFacts(can_disable_reasoning=False), "thinking"),
        ({"thinking": {"type": "adaptive"}}, ModelFacts(reasoning="none"), "thinking"),
        ({"reasoning_effort": "low", "temperature": 0.2}, BUDGET, "temperature"),
        ({"reasoning_effort": "low", "top_k": 5}, BUDGET, "top_k"),
        ({"reasoning_effort": "low", "top_p": 0.5}, BUDGET, "top_p"),
        ({"temperature": 0.2}, ModelFacts(sampling=False), "temperature"),
        (
            {
                "reasoning_effort": "low",
                "tool_choice": "required",
                "tools": [{"type": "function", "function": {"name": "f"}}],
            },
            BUDGET,
            "tool_choice",
        ),
        (
            {"tool_choice": "required", "tools": [{"type": "function", "function": {"name": "f"}}]},
            ModelFacts(forced_tools=False),
            "tool_choice",
        ),
    ],
)
def test_what_does_not_go_with_reasoning_is_refused_or_reported(
    asked: dict[str, Any], facts: ModelFacts, param: str
) -> None:
    with pytest.raises(UnsupportedParamsError) as caught:
        written(asked, facts)
    assert caught.value.param == param
    assert written(asked, facts, drop_params=True).dropped == (param,)


def test_default_sampling_goes_with_everything() -> None:
    assert written({"reasoning_effort": "low", "temperature": 1, "top_p": 0.95}, BUDGET).dropped == ()
    assert "temperature" not in written({"temperature": 1.0}, ModelFacts(sampling=False)).body


@pytest.mark.parametrize(
    ("max_tokens", "budget", "facts", "expected"),
    [
        (9000, 4096, BUDGET, (9000, 4096)),
        (4096, 4096, BUDGET, (4096, 2048)),
        (4097, 4096, BUDGET, (4097, 4096)),
        (1280, 4096, BUDGET, (1280, 1024)),
        (1279, 4096, BUDGET, (1279, None)),
        (100, 4096, BUDGET, (100, None)),
        (16, 4096, BUDGET, (16, None)),
        (None, 4096, BUDGET, (64000, 4096)),
        (None, 4096, ModelFacts(), (32000, 4096)),
        (5000, 10, BUDGET, (5000, 1024)),
        (4000, 6000, ModelFacts(max_output_tokens=8000), (4000, 2000)),
        (9000, 6000, ModelFacts(max_output_tokens=8000), (8000, 6000)),
        (8000, 9000, ModelFacts(max_output_tokens=8000), (8000, 4000)),
    ],
)
def test_the_budget_is_always_less_than_the_maximum_which_never_grows(
    max_tokens: int | None, budget: int, facts: ModelFacts, expected: tuple[int, int | None]
) -> None:
    asked = {"max_tokens": max_tokens, "thinking": {"type": "enabled", "budget_tokens": budget}}
    wire = written(asked, facts)
    assert (wire.body["max_tokens"], wire.body.get("thinking", {}).get("budget_tokens")) == expected
    assert max_tokens is None or wire.body["max_tokens"] <= max_tokens
    assert ("thinking" in wire.dropped) == (expected[1] is None)
    if max_tokens is not None:
        assert ("max_tokens" in wire.dropped) == (wire.body["max_tokens"] != max_tokens)


def loop(turns: int) -> list[list[dict[str, Any]]]:
    """A conversation of tool calls whose reasoning is opaque, as Anthropic's API gives it."""
    answers: list[list[dict[str, Any]]] = []
    for number in range(turns):
        answers.append(
            [
                {"type": "thinking", "thinking": f"thought {number} ü\u2028", "signature": f"sig+/{number}=="},
                {"type": "redacted_thinking", "data": f"opaque{number}"},
                {"type": "text", "text": f"Calling {number}"},
                {"type": "tool_use", "id": f"toolu_{number}", "name": "f", "input": {"n": number, "z": [1.5, None]}},
                {"type": "thinking", "thinking": "", "signature": f"later{number}"},
                {"type": "tool_use", "id": f"toolu_{number}b", "name": "f", "input": {}},
            ]
        )
    return answers


def test_twenty_turns_of_tools_replay_every_block_byte_identical_and_in_order() -> None:
    messages: list[Any] = [{"role": "user", "content": "go"}]
    for blocks in loop(20):
        message: Any = response_of(answer(blocks, "tool_use"))["choices"][0]["message"]
        messages.append(orjson.loads(orjson.dumps(message)))
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": "done"} for call in message["tool_calls"]]
        body = written({"messages": messages, "tools": [{"type": "function", "function": {"name": "f"}}]}).body
        sent = [turn["content"] for turn in body["messages"] if turn["role"] == "assistant"]
        assert sent == loop(len(sent))
        assert orjson.dumps(sent[-1]) == orjson.dumps(loop(len(sent))[-1])


def test_blocks_of_another_vendor_and_unsigned_ones_are_left_out_and_reported() -> None:
    blocks = [
        {"type": "thinking", "thinking": "a", "signature": "s", "vendor": "google"},
        {"type": "signature", "signature": "g", "vendor": "google"},
        {"type": "encrypted", "data": {"x": 1}, "vendor": "openai"},
        {"type": "thinking", "thinking": "unsigned"},
        {"type": "thinking", "thinking": "mine", "signature": "s2"},
        {"type": "redacted_thinking", "data": "d", "vendor": "anthropic"},
    ]
    message = {"role": "assistant", "content": "x", "thinking_blocks": blocks, "reasoning_content": "amine"}
    wire = written({"messages": [{"role": "user", "content": "q"}, message, {"role": "user", "content": "r"}]})
    assert wire.body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "mine", "signature": "s2"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "x"},
    ]
    assert wire.dropped == ("reasoning_content",)


def test_a_server_without_signatures_gets_its_own_blocks_back() -> None:
    block = {"type": "thinking", "thinking": "plain", "vendor": "ollama"}
    message = {"role": "assistant", "content": "x", "thinking_blocks": [block]}
    wire = written({"messages": [{"role": "user", "content": "q"}, message]}, vendor="ollama")
    assert wire.body["messages"][1]["content"][0] == {"type": "thinking", "thinking": "plain"}


def test_a_turn_that_the_caller_began_is_continued_without_a_budget() -> None:
    """`When thinking is enabled, a final assistant message must start with a thinking block`."""
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Well,"}]
    wire = written({"messages": messages, "reasoning_effort": "high"}, BUDGET)
    assert "thinking" not in wire.body
    assert wire.body["messages"][-1] == {"role": "assistant", "content": "Well,"}
    assert wire.dropped == ("reasoning_effort",)


def test_in_the_middle_of_another_vendors_tool_loop_a_budget_is_given_up_and_reported() -> None:
    """Anthropic answers 400 when such a turn does not begin with thinking, and another's may not be sent."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    foreign = [{"type": "thinking", "thinking": "a", "signature": "s", "vendor": "google"}]
    history: list[dict[str, Any]] = [
        {"role": "user", "content": "q"},
        {"role": "assistant", "tool_calls": [call], "thinking_blocks": foreign},
        {"role": "tool", "tool_call_id": "1", "content": "r"},
    ]
    wire = written({"messages": history, "reasoning_effort": "low"}, BUDGET)
    assert "thinking" not in wire.body
    assert wire.dropped == ("reasoning_content", "reasoning_effort")
    own = [{"type": "thinking", "thinking": "a", "signature": "s", "vendor": "anthropic"}]
    history[1]["thinking_blocks"] = own
    assert "thinking" in written({"messages": history, "reasoning_effort": "low"}, BUDGET).body
    history[1]["thinking_blocks"] = foreign
    assert "thinking" in written({"messages": history, "reasoning_effort": "low"}, ADAPTIVE).body


GEMINI: dict[str, Any] = {
    "role": "assistant",
    "content": "Calling.",
    "reasoning_content": "Think.",
    "thinking_blocks": [
        {"type": "thinking", "thinking": "Think.", "signature": "Z29vZ2xl", "vendor": "google"},
        {"type": "signature", "signature": "dGV4dA==", "vendor": "google"},
        {"type": "encrypted", "data": {"id": "rs_1", "x": [1]}, "vendor": "openai"},
        {"type": "redacted_thinking", "data": "opaque", "vendor": "bedrock"},
    ],
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "f", "arguments": '{"a":1}'},
            "extra_content": {"google": {"thought_signature": "c2lnbmF0dXJl"}},
        },
        {"id": "call_2", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ],
    "provider_tool_blocks": [{"vendor": "google", "block": {"executableCode": {"code": "1"}}}],
    "block_order": [
        "thinking",
        "text:8",
        "thinking",
        "provider_tool",
        "thinking",
        "thinking",
        "tool_call",
        "tool_call",
    ],
}


def as_client_keeps(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What Anthropic's clients send back of an answer: the fields that they know, and nothing else."""
    known = {
        "text": ("type", "text"),
        "thinking": ("type", "thinking", "signature"),
        "redacted_thinking": ("type", "data"),
        "tool_use": ("type", "id", "name", "input"),
    }
    return [{key: block[key] for key in known[block["type"]]} for block in content]


def come_back(content: list[dict[str, Any]]) -> Any:
    turn = {"role": "assistant", "content": as_client_keeps(content)}
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "q"}, turn]}
    assert SEAL_MARK in orjson.dumps(body), "a relay could not see that this body must not pass untouched"
    return CODEC.read_request(body, RequestHints())["messages"][1]


def test_what_other_vendors_signed_survives_an_anthropic_client() -> None:
    whole: Any = {"choices": [{"index": 0, "message": GEMINI, "finish_reason": "tool_calls"}]}
    message = CODEC.write_response(whole, CALLER)
    oracles.anthropic_message(message)
    assert come_back(message["content"]) == GEMINI


def test_what_other_vendors_signed_survives_as_a_stream_too() -> None:
    deltas: list[dict[str, Any]] = [
        {"thinking_blocks": [{"index": 0, **GEMINI["thinking_blocks"][0], "signature": ""}]},
        {"thinking_blocks": [{"index": 0, "signature": "Z29vZ2xl"}]},
        {"content": "Call"},
        {"content": "ing."},
        {"thinking_blocks": [{"index": 1, **GEMINI["thinking_blocks"][1]}]},
        {"provider_tool_blocks": GEMINI["provider_tool_blocks"]},
        {"thinking_blocks": [{"index": 2, **GEMINI["thinking_blocks"][2]}]},
        {"thinking_blocks": [{"index": 3, **GEMINI["thinking_blocks"][3]}]},
        {"tool_calls": [{"index": 0, **GEMINI["tool_calls"][0]}]},
        {"tool_calls": [{"index": 1, **GEMINI["tool_calls"][1]}]},
    ]
    chunks = [cast(ChatChunk, {"id": "x", "choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
    events = events_of(write_stream(chunks))
    obey_event_rules(events)
    assert come_back(fold(events)["content"]) == GEMINI


def test_reasoning_without_blocks_comes_back_as_it_was_and_is_not_sent_to_anthropic() -> None:
    plain: Any = {"role": "assistant", "content": "x", "reasoning_content": "because"}
    message = CODEC.write_response({"choices": [{"index": 0, "message": plain}]}, CALLER)
    oracles.anthropic_message(message)
    assert message["content"][0]["thinking"] == "because"
    again = come_back(message["content"])
    assert again == plain
    body = CODEC.write_request({"model": "m", "messages": [again]}, target()).body
    assert body["messages"][-1]["content"] == "x"


def test_a_seal_that_was_tampered_with_is_left_out() -> None:
    whole: Any = {"choices": [{"index": 0, "message": GEMINI}]}
    content = CODEC.write_response(whole, CALLER)["content"]
    for block in content:
        for key in ("data", "signature"):
            if key in block:
                block[key] = block[key][:20] + "!!!!" + block[key][24:]
    turn = {"role": "assistant", "content": as_client_keeps(content)}
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "q"}, turn]}
    message = CODEC.read_request(body, RequestHints())["messages"][1]
    assert message["content"] == "Calling."
