"""Structured output: Anthropic's own where the model has it, and otherwise a tool whose arguments are the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dragoman.dialects.anthropic_messages.strict_schemas import (
    Inexpressible,
    needs_wrapping,
    strict_schema,
    tool_schema,
    wrapped_schema,
)
from dragoman.dialects.anthropic_messages.tool_use import WRAPPED_SUFFIX
from dragoman.dialects.drop_list import DropList
from dragoman.types.json import JsonObject
from dragoman.types.model_facts import ModelFacts

__all__ = ["StructuredOutput", "structured_output"]

_DESCRIPTION = "Gives the answer. Its arguments are the answer."


@dataclass(frozen=True, slots=True)
class StructuredOutput:
    """At most one of the two is there."""

    format: JsonObject | None = None
    """For `output_config.format`."""
    tool: JsonObject | None = None
    """The tool that stands in."""


def structured_output(wanted: object, facts: ModelFacts, drops: DropList, taken: set[str]) -> StructuredOutput:
    """What `response_format` becomes; `taken` are the names of the other tools."""
    if wanted is None:
        return StructuredOutput()
    kind = wanted.get("type") if isinstance(wanted, dict) else None
    if not isinstance(wanted, dict) or kind not in ("text", "json_object", "json_schema"):
        drops.unsupported("response_format")
        return StructuredOutput()
    if kind == "text":
        return StructuredOutput()
    named = wanted.get("json_schema")
    named = named if isinstance(named, dict) else {}
    schema = named.get("schema")
    if kind == "json_object" or not isinstance(schema, dict):
        return StructuredOutput(
            tool=_tool({"type": "object", "properties": {}, "additionalProperties": True}, named, taken)
        )
    if facts.json_schema:
        native = _native(schema, drops)
        if native is not None:
            return StructuredOutput(format={"type": "json_schema", "schema": native})
    return StructuredOutput(tool=_tool(schema, named, taken))


def _native(schema: JsonObject, drops: DropList) -> JsonObject | None:
    """The schema for the native way, or None where that cannot express it."""
    told: list[str] = []
    try:
        strict = strict_schema(schema, told.append, "response_format.json_schema.schema")
    except Inexpressible:
        return None
    for path in told:
        drops.degraded(path)
    return strict


def _tool(schema: JsonObject, named: JsonObject, taken: set[str]) -> JsonObject:
    wrap = needs_wrapping(schema)
    title, description = named.get("name"), named.get("description")
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", title)[:64] if isinstance(title, str) and title else "answer"
    suffix = WRAPPED_SUFFIX if wrap else ""
    while name + suffix in taken:
        name += "_"
    return {
        "name": name + suffix,
        "description": description if isinstance(description, str) and description else _DESCRIPTION,
        "input_schema": wrapped_schema(schema) if wrap else tool_schema(schema),
    }
