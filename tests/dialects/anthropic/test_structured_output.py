"""Structured output: Anthropic's own way, and the tool that stands in."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic import transform_schema
from pydantic import BaseModel, Field, RootModel

from dragoman.dialects.anthropic_messages.strict_schemas import Inexpressible, strict_schema
from dragoman.types.model_facts import ModelFacts
from tests import oracles
from tests.dialects.anthropic.exchange import response_of, written
from tests.dialects.anthropic.test_responses import answer

NATIVE = ModelFacts(json_schema=True, reasoning="budget")
CLOSED: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "search"}}


def wanted(schema: dict[str, Any], **named: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": schema} | named}}


def test_a_model_that_has_it_gets_the_schema() -> None:
    wire = written(wanted(CLOSED, strict=True), NATIVE)
    oracles.anthropic_request(wire.body)
    assert wire.body["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    assert (wire.json_tool, wire.dropped) == (None, ())


@pytest.mark.parametrize("facts", [ModelFacts(), ModelFacts(json_schema=False)])
def test_a_model_that_has_not_is_forced_to_call_the_tool(facts: ModelFacts) -> None:
    wire = written(wanted(CLOSED, description="A person"), facts)
    oracles.anthropic_request(wire.body)
    assert wire.json_tool == "person"
    assert wire.body["tools"] == [{"name": "person", "description": "A person", "input_schema": CLOSED}]
    assert wire.body["tool_choice"] == {"type": "tool", "name": "person", "disable_parallel_tool_use": True}


def test_any_object_is_a_tool_too() -> None:
    wire = written({"response_format": {"type": "json_object"}}, NATIVE)
    assert wire.json_tool == "answer"
    assert wire.body["tools"][0]["input_schema"]["additionalProperties"] is True
    assert written({"response_format": {"type": "text"}}).body == written({}).body


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, {"type": "any"}),
        ("auto", {"type": "any"}),
        ("required", {"type": "any"}),
        ("none", {"type": "tool", "name": "person", "disable_parallel_tool_use": True}),
        ({"type": "function", "function": {"name": "search"}}, {"type": "tool", "name": "search"}),
    ],
)
def test_beside_real_tools_the_model_chooses(choice: Any, expected: dict[str, Any]) -> None:
    wire = written(wanted(CLOSED) | {"tools": [TOOL], "tool_choice": choice})
    assert [tool["name"] for tool in wire.body["tools"]] == ["search", "person"]
    assert wire.body["tool_choice"] == expected


def test_where_no_tool_can_be_forced_none_is() -> None:
    for asked, facts in (
        ({"reasoning_effort": "low"}, ModelFacts(reasoning="budget")),
        ({}, ModelFacts(forced_tools=False)),
    ):
        wire = written(wanted(CLOSED) | asked, facts)
        assert wire.body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
        assert wire.body["system"] == "Give the final answer by calling the tool `person`, and never in plain text."
        assert wire.dropped == ("response_format",)


@pytest.mark.parametrize(
    "system", [None, "Be brief.", [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}]]
)
def test_any_object_is_asked_for_in_words_where_no_tool_can_be_forced(system: Any) -> None:
    request = {"response_format": {"type": "json_object"}, "tools": [TOOL]}
    messages = [{"role": "system", "content": system}] if system else []
    hello = {"role": "user", "content": "Hello"}
    wire = written(request | {"messages": [*messages, hello]}, ModelFacts(json_schema=True, forced_tools=False))
    oracles.anthropic_request(wire.body)
    *before, last = wire.body["system"] if isinstance(wire.body["system"], list) else [wire.body["system"]]
    text = last["text"] if before else last
    assert text.endswith("Answer with one JSON object and nothing else: no text around it, and no code fence.")
    assert [tool["name"] for tool in wire.body["tools"]] == ["search"]
    assert "tool_choice" not in wire.body
    assert (wire.json_tool, wire.dropped) == (None, ("response_format",))


def test_its_name_is_unlike_that_of_any_tool() -> None:
    other = {"type": "function", "function": {"name": "person"}}
    wire = written(wanted(CLOSED) | {"tools": [other]})
    assert wire.json_tool == "person_"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "integer"}},
        {"anyOf": [CLOSED, {"type": "null"}]},
        {"$ref": "#/$defs/P", "$defs": {"P": CLOSED}},
    ],
)
def test_a_schema_that_is_no_object_is_wrapped_and_unwrapped(schema: dict[str, Any]) -> None:
    wire = written(wanted(schema))
    oracles.anthropic_request(wire.body)
    assert wire.json_tool == "person__value"
    assert wire.body["tools"][0]["input_schema"]["type"] == "object"
    reply = answer([{"type": "tool_use", "id": "t", "name": "person__value", "input": {"value": [1, 2]}}], "tool_use")
    choice = response_of(reply, json_tool=wire.json_tool)["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("[1,2]", "stop")


def test_the_answer_is_the_content_and_real_calls_stay_calls() -> None:
    reply = answer(
        [
            {"type": "text", "text": "Here:"},
            {"type": "tool_use", "id": "t", "name": "person", "input": {"a": "x"}},
            {"type": "tool_use", "id": "u", "name": "search", "input": {}},
        ],
        "tool_use",
    )
    choice = response_of(reply, json_tool="person")["choices"][0]
    assert choice["message"]["content"] == '{"a":"x"}'
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["search"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["provider_specific_fields"] == {"text_beside_answer": "Here:"}


class Address(BaseModel):
    street: str = Field(max_length=10)
    number: int | None = None


class Person(BaseModel):
    """A person."""

    name: str = Field(pattern="^x")
    tags: list[str] = Field(min_length=1)
    many: list[int] = Field(min_length=2)
    home: Address
    work: Address = Field(description="Where they work")


class People(RootModel[list[Person]]):
    pass


@pytest.mark.parametrize("model", [Address, Person, People])
def test_schemas_of_pydantic_fit_as_anthropics_own_sdk_makes_them_fit(model: type[BaseModel]) -> None:
    """Against `anthropic.transform_schema`, up to the wording of remarks and to `default`, which it also makes a remark."""
    told: list[str] = []
    ours = strict_schema(model.model_json_schema(), told.append)

    def shape(schema: Any) -> Any:
        if isinstance(schema, dict):
            return {key: shape(value) for key, value in schema.items() if key != "description"}
        return [shape(item) for item in schema] if isinstance(schema, list) else schema

    theirs = shape(transform_schema(model.model_json_schema()))
    mine = shape(ours)
    for reference in ("$ref", "title"):  # the SDK drops what stands beside a $ref
        assert (reference in str(mine)) == (reference in str(theirs))
    assert {key: mine["$defs"] for key in ("$defs",) if "$defs" in mine} == {
        key: theirs["$defs"] for key in ("$defs",) if "$defs" in theirs
    }
    assert strict_schema(ours, told.append) == ours, "what fits is not changed"


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"type": "object"}, "schema.additionalProperties"),
        (
            {"type": "object", "properties": {"a": {"type": "object", "additionalProperties": {"type": "string"}}}},
            "schema.properties.a.additionalProperties",
        ),
        ({"type": "object", "properties": {"a": {"not": {}}}}, "schema.properties.a.not"),
        ({"type": "array", "items": {"$ref": "https://elsewhere"}}, "schema.items.$ref"),
        ({"type": "array", "prefixItems": []}, "schema.prefixItems"),
        ({"enum": [{"a": 1}]}, "schema.enum"),
        ({"anyOf": [{"type": "string"}, 7]}, "schema.anyOf[1]"),
        ({"$defs": {"N": {"properties": {"n": {"$ref": "#/$defs/N"}}}}}, "#/$defs/N (recursive)"),
    ],
)
def test_a_schema_of_another_shape_is_named_by_its_keyword(schema: dict[str, Any], path: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        strict_schema(schema, lambda _: None)
    assert str(caught.value) == path


def test_a_schema_that_the_native_way_cannot_take_goes_to_the_tool() -> None:
    recursive = {"$defs": {"N": {"type": "object", "properties": {"n": {"$ref": "#/$defs/N"}}}}, "$ref": "#/$defs/N"}
    assert written(wanted(recursive), NATIVE).json_tool == "person__value"
    assert written(wanted({"type": "object", "additionalProperties": {"type": "string"}}), NATIVE).json_tool == "person"


def test_a_list_of_types_becomes_a_choice() -> None:
    schema = {"type": "object", "properties": {"a": {"type": ["string", "null"], "maxLength": 3, "description": "A"}}}
    told: list[str] = []
    strict = strict_schema(schema, told.append)
    assert strict["properties"]["a"] == {
        "description": "A",
        "anyOf": [{"type": "string", "description": "{maxLength: 3}"}, {"type": "null"}],
    }
    assert told == ["schema.properties.a.anyOf[0].maxLength"]


def test_all_of_one_is_that_one_and_all_of_references_is_inexpressible() -> None:
    definitions = {"$defs": {"P": CLOSED}}
    alone = {"type": "array", "items": {"allOf": [{"$ref": "#/$defs/P"}], "title": "x"}} | definitions
    assert strict_schema(alone, lambda _: None)["items"] == {"$ref": "#/$defs/P", "title": "x"}
    plain = {"allOf": [CLOSED, CLOSED]}
    assert strict_schema(plain, lambda _: None) == plain
    with pytest.raises(Inexpressible):
        strict_schema({"allOf": [{"$ref": "#/$defs/P"}, CLOSED]} | definitions, lambda _: None)
