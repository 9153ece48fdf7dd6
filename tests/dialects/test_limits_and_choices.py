"""What a caller asked for is not made more of in silence: the maximum of an answer, and the choice among tools."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import Codec, Target, WireRequest
from dragoman.dialects.openai_chat import ACCENTS
from dragoman.models import abilities, facts
from dragoman.models._catalogue import Catalogue
from dragoman.types.chat import ChatChunk, ChatRequest, ChatResponse
from dragoman.types.model_facts import ModelFacts

Dialect = Codec[ChatRequest, ChatResponse, ChatChunk]
USER = {"role": "user", "content": "hi"}
TOOL = {"type": "function", "function": {"name": "search", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "person", "schema": {"type": "object", "properties": {"a": {"type": "string"}}}},
}
BY_TOOL: dict[str, tuple[Dialect, Target]] = {
    "openai": (openai_chat.CODEC, Target("p", "m", "p", facts=ModelFacts(json_schema=False))),
    "claude on an OpenAI endpoint": (openai_chat.CODEC, Target("p", "m", "p", accent=ACCENTS["anthropic"])),
    "anthropic": (anthropic_messages.CODEC, Target("anthropic", "m", "anthropic", facts=ModelFacts(json_schema=False))),
    "gemini": (gemini.CODEC, Target("gemini", "m", "google", facts=ModelFacts(reasoning="budget"))),
}


def write(codec: Dialect, target: Target, **request: Any) -> WireRequest:
    asked: Any = {"model": "alias", "messages": [USER], **request}
    return codec.write_request(asked, target)


def demands(body: dict[str, Any]) -> bool:
    """Whether the written request demands a call."""
    if "toolConfig" in body:
        return bool(body["toolConfig"]["functionCallingConfig"]["mode"] == "ANY")
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        return choice["type"] in ("any", "tool", "function")
    return choice in ("required", "any")


@pytest.mark.parametrize("choice", ["none", "auto", "required", None])
@pytest.mark.parametrize("name", BY_TOOL)
def test_a_choice_is_not_made_a_demand_in_silence(name: str, choice: str | None) -> None:
    wire = write(*BY_TOOL[name], tools=[TOOL], tool_choice=choice, response_format=SCHEMA)
    asked_for_less = choice in ("none", "auto")
    assert ("tool_choice" in wire.dropped) == (asked_for_less and demands(wire.body))


def test_where_no_tool_may_be_called_only_the_answer_can_be() -> None:
    wire = write(*BY_TOOL["openai"], tools=[TOOL], tool_choice="none", response_format=SCHEMA)
    assert [tool["function"]["name"] for tool in wire.body["tools"]] == [wire.json_tool]
    assert wire.body["tool_choice"]["function"]["name"] == wire.json_tool
    native = write(*BY_TOOL["gemini"], tools=[TOOL], tool_choice="none", response_format=SCHEMA)
    assert "tools" not in native.body


def test_one_tool_by_name_stays_the_one() -> None:
    choice = {"type": "function", "function": {"name": "search"}}
    wire = write(*BY_TOOL["openai"], tools=[TOOL], tool_choice=choice, response_format=SCHEMA)
    assert wire.body["tool_choice"] == choice


MOST = [1, 16, 1024, 1025, 1279, 1280, 2000, 4096, 4097, 64_000]
STRENGTHS: list[Any] = [
    {"reasoning_effort": "low"},
    {"reasoning_effort": "high"},
    {"reasoning_effort": "max"},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    {"thinking": {"type": "enabled", "budget_tokens": 30_000}},
]
BUDGETED: dict[str, tuple[Dialect, Target]] = {
    "anthropic": (
        anthropic_messages.CODEC,
        Target("anthropic", "claude-sonnet-4-5", "anthropic", facts=facts("anthropic", "claude-sonnet-4-5")),
    ),
    "anthropic, unknown": (anthropic_messages.CODEC, Target("anthropic", "m", "anthropic")),
    "databricks": (openai_chat.CODEC, Target("databricks", "m", "databricks", accent=ACCENTS["databricks"])),
    "claude on an OpenAI endpoint": (openai_chat.CODEC, Target("p", "m", "p", accent=ACCENTS["anthropic"])),
}


@pytest.mark.parametrize("most", MOST)
def test_so_it_does_in_the_words_of_qwen_and_of_openrouter(most: int) -> None:
    for strength in STRENGTHS:
        (param,) = strength
        qwen = write(openai_chat.CODEC, Target("p", "m", "p", accent=ACCENTS["alibaba"]), max_tokens=most, **strength)
        budget = qwen.body.get("thinking_budget")
        assert qwen.body["enable_thinking"] is (budget is not None)
        assert budget < most if budget is not None else param in qwen.dropped
        if param == "thinking":
            router = Target("p", "m", "p", accent=ACCENTS["openrouter"])
            reasoning = write(openai_chat.CODEC, router, max_tokens=most, **strength).body["reasoning"]
            assert reasoning == {"enabled": False} or reasoning["max_tokens"] < most


@pytest.mark.parametrize("most", MOST)
@pytest.mark.parametrize("name", BUDGETED)
def test_reasoning_stays_within_the_callers_maximum(name: str, most: int) -> None:
    for strength in STRENGTHS:
        wire = write(*BUDGETED[name], max_tokens=most, **strength)
        assert wire.body["max_tokens"] == most
        thinking, (param,) = wire.body.get("thinking"), strength
        if thinking is None:
            assert param in wire.dropped
            continue
        assert 1024 <= thinking["budget_tokens"] < most
        given = strength.get("thinking", thinking)["budget_tokens"]
        assert thinking["budget_tokens"] == given or any(name.startswith(param) for name in wire.dropped)


def test_without_a_maximum_claude_may_answer_as_long_as_it_can() -> None:
    for entry in Catalogue().entries("anthropic"):
        known = abilities("anthropic", entry.model, entry).facts
        sent = write(anthropic_messages.CODEC, Target("anthropic", entry.model, "anthropic", facts=known)).body
        assert sent["max_tokens"] == (entry.max_output_tokens or known.max_output_tokens or 32_000), entry.model


def test_the_catalogue_says_it_for_models_that_are_in_no_family() -> None:
    entry = next(row for row in Catalogue().entries("minimax") if row.max_output_tokens)
    assert facts("minimax", entry.model).max_output_tokens is None
    assert abilities("minimax", entry.model, entry).facts.max_output_tokens == entry.max_output_tokens
