"""Structured output: hub -> wire, by the target's native way or by what comes nearest."""

from __future__ import annotations

from typing import Any

import orjson

from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.dialects.openai_chat.tools_write import can_force
from dragoman.types.json import JsonObject

__all__ = ["write_format"]

_JSON_TOOL = "json_answer"


def write_format(body: JsonObject, asked: JsonObject, context: ChatWriteContext) -> str | None:
    """Write `response_format`. Returns the name of the tool that stands in for it, if one does."""
    wanted = asked.get("response_format")
    if wanted is None:
        return None
    accent, drops = context.accent, context.drops
    schema = wanted.get("json_schema")
    way = accent.json_schema
    if way == "native" and context.target.facts.json_schema is False:
        way = accent.json_schema_fallback
    if way == "tool" and context.target.facts.tools is False:
        way = "json_object"  # who calls no tools cannot answer by one
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        way = "native"
    if way == "tool":
        return _by_tool(body, schema, context)
    if "response_format" in accent.unsupported and not drops.allowed("response_format"):
        if wanted.get("type") != "text":
            drops.unsupported("response_format")
        return None
    if way == "native":
        if "vendor" in wanted and isinstance(schema, dict) and schema.get("strict") is False:
            drops.degraded("response_format")  # the other vendor guarantees the schema, and this one does not
        body["response_format"] = {key: value for key, value in wanted.items() if key != "vendor"}
        return None
    body["response_format"] = {"type": "json_object"}
    _tell_schema(body, schema)
    drops.degraded("response_format")
    return None


def _by_tool(body: JsonObject, schema: JsonObject, context: ChatWriteContext) -> str:
    """The model must call a tool whose parameters are the schema; with other tools, it must call one of them.
    Where nothing can be demanded, it may."""
    taken = {(tool.get("function") or {}).get("name") for tool in body.get("tools") or ()}
    name = next(name for name in (_JSON_TOOL + "_" * n for n in range(len(taken) + 1)) if name not in taken)
    function: JsonObject = {
        "name": name,
        "description": schema.get("description") or "Give the final answer.",
        "parameters": schema.get("schema") or {"type": "object"},
    }
    choice = body.get("tool_choice")
    others = [] if choice == "none" else body.get("tools") or []
    body["tool_choice"] = _demand(choice, name, others, context)
    body["tools"] = [*others, {"type": "function", "function": function}]
    return name


def _demand(choice: Any, name: str, others: list[Any], context: ChatWriteContext) -> Any:
    """The `tool_choice` by which the tool `name`, or one of the caller's own, is called. It is told where the caller asked for
    less than that."""
    if not can_force(context):
        context.drops.degraded("response_format")
        return "auto"
    if choice in ("none", "auto"):
        context.drops.degraded("tool_choice")
    if not others:
        return {"type": "function", "function": {"name": name}}
    return choice if isinstance(choice, dict) else context.accent.required_word


def _tell_schema(body: JsonObject, schema: JsonObject) -> None:
    """The models that know only `json_object` must find the word JSON, and the schema, in the prompt."""
    text = "Answer with one JSON object that follows this JSON schema, and nothing else:\n"
    text += orjson.dumps(schema.get("schema") or {}, option=orjson.OPT_SORT_KEYS).decode()
    messages: list[JsonObject] = body["messages"]
    first = messages[0] if messages else {}
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        joined = {**first, "content": f"{first['content']}\n\n{text}"}
        body["messages"] = [joined, *messages[1:]]
    else:
        body["messages"] = [{"role": "system", "content": text}, *messages]
