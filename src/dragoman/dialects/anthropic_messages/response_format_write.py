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
from dragoman.dialects.anthropic_messages.tools_write import why_not_forced
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.write_context import WriteContext
from dragoman.types.json import JsonObject

__all__ = ["StructuredOutput", "structured_output"]

_ANY_OBJECT: JsonObject = {"type": "object", "properties": {}, "additionalProperties": True}
_ANY_OBJECT_IN_WORDS = "Answer with one JSON object and nothing else: no text around it, and no code fence."
_BY_TOOL_IN_WORDS = "Give the final answer by calling the tool `{}`, and never in plain text."
_DESCRIPTION = "Gives the answer. Its arguments are the answer."


@dataclass(frozen=True, slots=True)
class StructuredOutput:
    """At most one of `format` and `tool` is set."""

    format: JsonObject | None = None
    """For `output_config.format`."""
    tool: JsonObject | None = None
    """The tool that stands in."""
    instruction: str = ""
    """For the system prompt, where nothing compels the model."""


def structured_output(response_format: object, context: WriteContext[None], taken: set[str]) -> StructuredOutput:
    """Return what `response_format` becomes. `taken` are the names of the other tools.

    Where no tool can be forced, the model is asked for it in words, and that is reported."""
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if response_format is None or kind == "text":
        return StructuredOutput()
    if not isinstance(response_format, dict) or kind not in ("json_object", "json_schema"):
        context.drops.unsupported("response_format")
        return StructuredOutput()
    definition = _object(response_format.get("json_schema"))
    schema = definition.get("schema") if kind == "json_schema" else None
    if not isinstance(schema, dict):
        return _any_object(definition, context, taken)
    native = _native(schema, context.drops) if context.target.facts.json_schema else None
    if native is not None:
        return StructuredOutput(format={"type": "json_schema", "schema": native})
    tool = _tool(schema, definition, taken)
    if not why_not_forced(context):
        return StructuredOutput(tool=tool)
    context.drops.degraded("response_format")
    return StructuredOutput(tool=tool, instruction=_BY_TOOL_IN_WORDS.format(tool["name"]))


def _any_object(definition: JsonObject, context: WriteContext[None], taken: set[str]) -> StructuredOutput:
    """Return what asks for any JSON object. A tool that need not be called would seldom be: its schema says nothing."""
    if not why_not_forced(context):
        return StructuredOutput(tool=_tool(_ANY_OBJECT, definition, taken))
    context.drops.degraded("response_format")
    return StructuredOutput(instruction=_ANY_OBJECT_IN_WORDS)


def _object(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _native(schema: JsonObject, drops: DropList) -> JsonObject | None:
    """Return the schema for the native way, or None where that cannot express it."""
    weakened: list[str] = []
    try:
        strict = strict_schema(schema, weakened.append, "response_format.json_schema.schema")
    except Inexpressible:
        return None
    for path in weakened:
        drops.degraded(path)
    return strict


def _tool(schema: JsonObject, definition: JsonObject, taken: set[str]) -> JsonObject:
    wrap = needs_wrapping(schema)
    title, description = definition.get("name"), definition.get("description")
    name = re.sub(r"[^a-zA-Z0-9_-]", "_", title)[:64] if isinstance(title, str) and title else "answer"
    suffix = WRAPPED_SUFFIX if wrap else ""
    while name + suffix in taken:
        name += "_"
    return {
        "name": name + suffix,
        "description": description if isinstance(description, str) and description else _DESCRIPTION,
        "input_schema": wrapped_schema(schema) if wrap else tool_schema(schema),
    }
