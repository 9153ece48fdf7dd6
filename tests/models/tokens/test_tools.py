"""Tools as OpenAI shows them to its models."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dragoman.models.tokens._tools import as_typescript, is_confirmed


def function(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    return {"type": "function", "function": {"name": "look", "parameters": parameters, **more}}


def test_functions_are_shown_as_typescript() -> None:
    properties = {
        "city": {"type": "string", "description": "Where"},
        "unit": {"enum": ["C", "F"]},
        "days": {"type": ["integer", "null"], "default": 3},
        "tags": {"type": "array", "items": {"type": "string"}},
        "more": {"type": "object", "properties": {"a": {"anyOf": [{"type": "number"}, {"type": "boolean"}]}}},
        "any": {},
    }
    assert as_typescript([function(properties, description="Look at\nthe sky"), {"function": {"name": "now"}}]) == (
        """namespace functions {

// Look at
// the sky
type look = (_: {
// Where
city: string,
unit?: "C" | "F",
days?: number | null, // default: 3
tags?: string[],
more?: {
a?: number | boolean,
},
any?: any,
}) => any;

type now = () => any;

} // namespace functions"""
    )


@pytest.mark.parametrize(
    ("tool", "sure"),
    [
        (function({"city": {"type": "string", "description": "Where"}}, description="Look"), True),
        (function({"city": {"type": "string", "title": "City"}}), False),
        (function({"city": {"type": "string", "default": "Rome"}}), False),
        (function({"city": {"$ref": "#/$defs/City"}}), False),
        (function({}, description="Look\nagain"), False),
        ({"type": "custom", "custom": {"name": "sql"}}, False),
    ],
)
def test_only_what_recordings_confirm_is_sure(tool: dict[str, Any], sure: bool) -> None:
    assert is_confirmed(tool) is sure


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "properties", "items", "enum", "anyOf", "required", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["function", "custom", "name", "parameters"]), JSON, max_size=3), max_size=3
    )
)
def test_no_definition_crashes_it(tools: list[dict[str, Any]]) -> None:
    assert as_typescript(tools).startswith("namespace functions {")


def test_a_schema_without_end_has_one() -> None:
    schema: dict[str, Any] = {"type": "array"}
    schema["items"] = schema
    assert "any[][]" in as_typescript([function({"city": schema})])
