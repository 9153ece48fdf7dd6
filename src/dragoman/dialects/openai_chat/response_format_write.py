"""Structured output: hub -> wire, in the target's native form or the nearest that it has."""

from __future__ import annotations

from typing import Any

import orjson

from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.dialects.openai_chat.tools_write import can_force, function_name
from dragoman.types.json import JsonObject

__all__ = ["write_format"]

_JSON_TOOL = "json_answer"


def write_format(body: JsonObject, request: JsonObject, context: ChatWriteContext) -> str | None:
    """Write `response_format`. Return the name of the tool that stands in for it, if one does."""
    response_format = request.get("response_format")
    if response_format is None:
        return None
    form = _form(response_format, context)
    if form == "tool":
        return _by_tool(body, response_format["json_schema"], context)
    if "response_format" in context.accent.unsupported and not context.drops.allowed("response_format"):
        if response_format.get("type") != "text":
            context.drops.unsupported("response_format")
    elif form == "native":
        body["response_format"] = _native(response_format, context)
    else:
        body["response_format"] = {"type": "json_object"}
        _tell_schema(body, response_format["json_schema"])
        context.drops.degraded("response_format")
    return None


def _form(response_format: JsonObject, context: ChatWriteContext) -> str:
    """Return how the target is asked for this format: `native`, `json_object` or `tool`."""
    if response_format.get("type") != "json_schema" or not isinstance(response_format.get("json_schema"), dict):
        return "native"
    form: str = context.accent.json_schema
    if form == "native" and context.target.facts.json_schema is False:
        form = context.accent.json_schema_fallback
    if form == "tool" and context.target.facts.tools is False:
        return "json_object"
    return form


def _native(response_format: JsonObject, context: ChatWriteContext) -> JsonObject:
    schema = response_format.get("json_schema")
    if "vendor" in response_format and isinstance(schema, dict) and schema.get("strict") is False:
        context.drops.degraded("response_format")  # the other vendor guarantees the schema, and this one does not
    return {key: value for key, value in response_format.items() if key != "vendor"}


def _by_tool(body: JsonObject, schema: JsonObject, context: ChatWriteContext) -> str:
    """Have the answer given as the arguments of a tool. With other tools, the model must call one of them.
    Where nothing can be demanded, it may."""
    tools = body.get("tools") or []
    name = _free_name({function_name(tool) for tool in tools})
    function: JsonObject = {
        "name": name,
        "description": schema.get("description") or "Give the final answer.",
        "parameters": schema.get("schema") or {"type": "object"},
    }
    choice = body.get("tool_choice")
    others = [] if choice == "none" else tools
    body["tool_choice"] = _demand(choice, name, others, context)
    body["tools"] = [*others, {"type": "function", "function": function}]
    return name


def _free_name(taken: set[Any]) -> str:
    name = _JSON_TOOL
    while name in taken:
        name += "_"
    return name


def _demand(choice: Any, name: str, others: list[Any], context: ChatWriteContext) -> Any:
    """Return the `tool_choice` by which the tool `name`, or one of the caller's own, is called. It is reported where the caller
    asked for less than that."""
    if not can_force(context):
        context.drops.degraded("response_format")
        return "auto"
    if choice in ("none", "auto"):
        context.drops.degraded("tool_choice")
    if not others:
        return {"type": "function", "function": {"name": name}}
    return choice if isinstance(choice, dict) else context.accent.required_word


def _tell_schema(body: JsonObject, schema: JsonObject) -> None:
    """Put the schema, and the word JSON, into the prompt, for models that know only `json_object`.
    https://platform.openai.com/docs/guides/structured-outputs#json-mode"""
    text = "Answer with one JSON object that follows this JSON schema, and nothing else:\n"
    text += orjson.dumps(schema.get("schema") or {}, option=orjson.OPT_SORT_KEYS).decode()
    messages: list[JsonObject] = body["messages"]
    first = messages[0] if messages else {}
    if first.get("role") == "system" and isinstance(first.get("content"), str):
        joined = {**first, "content": f"{first['content']}\n\n{text}"}
        body["messages"] = [joined, *messages[1:]]
    else:
        body["messages"] = [{"role": "system", "content": text}, *messages]
