"""Schemas of parameters hold what OpenAI demands and JSON Schema does not."""

from __future__ import annotations

from typing import Any

import pytest

from dragoman.dialects.anthropic_messages import CODEC as ANTHROPIC
from dragoman.dialects.codec import RequestHints, Target
from dragoman.dialects.gemini import CODEC as GEMINI
from dragoman.dialects.openai_chat import ACCENTS
from dragoman.dialects.openai_chat import CODEC as OPENAI
from dragoman.dialects.tool_schemas import complete_parameters

HI = [{"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("schema", "complete"),
    [
        ({"type": "object"}, {"type": "object", "properties": {}}),
        ({}, {"type": "object", "properties": {}}),
        ({"additionalProperties": False}, {"type": "object", "additionalProperties": False, "properties": {}}),
        (
            {"type": "object", "properties": {"a": {"type": "array"}, "b": {"items": {"type": "array"}}}},
            {"type": "object", "properties": {"a": {"type": "array", "items": {}}, "b": {"items": {"type": "array", "items": {}}}}},
        ),
        ({"anyOf": [{"type": "array"}]}, {"anyOf": [{"type": "array", "items": {}}]}),
    ],
)  # fmt: skip
def test_what_is_missing_is_added(schema: Any, complete: Any) -> None:
    before = repr(schema)
    assert complete_parameters(schema) == complete
    assert repr(schema) == before


@pytest.mark.parametrize(
    "schema",
    [
        None,
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}},
    ],
)
def test_what_is_complete_stays_the_same_object(schema: Any) -> None:
    assert complete_parameters(schema) is schema


def test_a_schema_that_is_nested_without_end_is_left_alone() -> None:
    schema: Any = {"type": "array"}
    for _ in range(3000):
        schema = {"type": "array", "items": schema}
    assert complete_parameters({"type": "object", "properties": {"a": schema}})["type"] == "object"


@pytest.mark.parametrize("provider", sorted(ACCENTS))
def test_whoever_calls_every_provider_of_the_dialect_gets_properties(provider: str) -> None:
    requests: list[Any] = [
        OPENAI.read_request(
            {
                "model": "m",
                "messages": HI,
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            },
            RequestHints(),
        ),
        ANTHROPIC.read_request(
            {
                "model": "m",
                "max_tokens": 9,
                "messages": HI,
                "tools": [{"name": "f", "input_schema": {"type": "object"}}],
            },
            RequestHints(),
        ),
        *(
            GEMINI.read_request(
                {
                    "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
                    "tools": [{"functionDeclarations": [{"name": "f", key: {"type": kind}}]}],
                },
                RequestHints(model="m"),
            )
            for key, kind in (("parametersJsonSchema", "object"), ("parameters", "OBJECT"))
        ),
    ]
    target = Target(provider, "m", provider, accent=ACCENTS[provider], drop_params=True)
    for request in requests:
        for tool in OPENAI.write_request(request, target).body.get("tools", ()):
            assert tool["function"]["parameters"] == {"type": "object", "properties": {}}


def test_an_openai_callers_own_body_passes_through_only_where_nothing_is_missing() -> None:
    function: dict[str, Any] = {"name": "f", "parameters": {"type": "object"}}
    body = {"model": "m", "messages": HI, "tools": [{"type": "function", "function": function}]}
    target = Target("openai", "m", "openai", accent=ACCENTS["openai"])
    assert OPENAI.relay_request is not None
    assert OPENAI.relay_request(body, target) is None
    function["parameters"]["properties"] = {}
    assert OPENAI.relay_request(body, target) is not None
