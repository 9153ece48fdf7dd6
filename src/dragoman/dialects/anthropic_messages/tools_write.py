"""Definitions of tools: hub -> wire."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.anthropic_messages.strict_schemas import Inexpressible, strict_schema, tool_schema
from dragoman.dialects.anthropic_messages.tool_use import CUSTOM_SUFFIX
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.tool_names import ToolNames
from dragoman.dialects.validation import objects_in
from dragoman.dialects.vendor_params import report_tool_params
from dragoman.dialects.write_context import WriteContext
from dragoman.errors import UnsupportedParamsError
from dragoman.types.json import JsonObject

__all__ = ["ToolWriter", "name_of", "tool_names", "why_not_forced"]

_NAME_LENGTH = 128
"""`tools.0.custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`."""
_OWN_FIELDS = ("defer_loading", "input_examples", "eager_input_streaming", "allowed_callers")
_WIRE_KINDS: dict[str, JsonObject] = {
    "web_search": {"type": "web_search_20250305", "name": "web_search"},
    "code_execution": {"type": "code_execution_20250825", "name": "code_execution"},
    "web_fetch": {"type": "web_fetch_20250910", "name": "web_fetch"},
}
"""The tools that Anthropic runs in the place of another vendor's of the same kind."""
_CUSTOM_INPUT: JsonObject = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def name_of(tool: JsonObject) -> str | None:
    """Return the name of a function or custom tool, or of a call of one."""
    for key in ("function", "custom"):
        inner = tool.get(key)
        if isinstance(inner, dict) and isinstance(inner.get("name"), str):
            name: str = inner["name"]
            return name
    return None


def why_not_forced(context: WriteContext[None]) -> str:
    """Return why no tool can be forced; empty where one can.
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#extended-thinking-with-tool-use"""
    if context.reasons:
        return "no tool can be forced while the model reasons"
    return "this model cannot be made to call a tool" if context.target.facts.forced_tools is False else ""


def tool_names(tools: list[JsonObject], messages: list[JsonObject]) -> ToolNames:
    """Return the names of the definitions and of the history, so that both change alike."""
    calls = [call for message in messages for call in objects_in(message.get("tool_calls"))]
    functions: list[str] = []
    custom: set[str] = set()
    for item in [*tools, *calls, *_function_calls(messages)]:
        name = name_of(item)
        if name is not None and "function" in item:
            functions.append(name)
        elif name is not None:
            custom.add(name)
    names = ToolNames.of(functions, max_length=_NAME_LENGTH)
    return _with_custom(names, custom) if custom else names


def _with_custom(names: ToolNames, custom: set[str]) -> ToolNames:
    wire, caller = dict(names.to_wire_names), dict(names.to_caller)
    room = _NAME_LENGTH - len(CUSTOM_SUFFIX)
    for name in custom:
        short = ToolNames.of([name], max_length=room).to_wire(name) + CUSTOM_SUFFIX
        wire[name], caller[short] = short, name
    return ToolNames(wire, caller)


def _function_calls(messages: list[JsonObject]) -> list[JsonObject]:
    """Return the calls of OpenAI's older API as those of the newer one."""
    calls = [message.get("function_call") for message in messages]
    return [{"function": call} for call in calls if isinstance(call, dict)]


class ToolWriter:
    """Writes the definitions of one request."""

    def __init__(self, context: WriteContext[None]) -> None:
        self._drops = context.drops
        self._names = context.tool_names
        self._vendor = context.target.vendor
        self._facts = context.target.facts

    def tools(self, tools: list[JsonObject]) -> list[JsonObject]:
        written = (self._tool(tool, f"tools[{number}]") for number, tool in enumerate(tools))
        return [tool for tool in written if tool is not None]

    def _tool(self, tool: JsonObject, path: str) -> JsonObject | None:
        provided = provider_tool(tool)
        if provided is not None:
            return self._provided(provided, tool, path)
        if name_of(tool) is None:
            self._drops.unsupported(path, f"a tool of type {tool.get('type')!r}")
            return None
        written = self._custom(tool["custom"], path) if "function" not in tool else self._function(tool, path)
        if isinstance(tool.get("cache_control"), dict):
            written["cache_control"] = tool["cache_control"]
        return written

    def _provided(self, provided: JsonObject, tool: JsonObject, path: str) -> JsonObject | None:
        if provided.get("vendor") in (VENDOR, self._vendor):
            definition: JsonObject = provided["definition"]
            return definition
        kind = provided.get("type")
        wire = _WIRE_KINDS.get(kind) if isinstance(kind, str) else None
        if wire is None:
            self._drops.unsupported(path, f"the tool {kind!r} of {provided.get('vendor')}")
            return None
        return dict(wire)

    def _function(self, tool: JsonObject, path: str) -> JsonObject:
        function = tool["function"]
        schema = tool_schema(function.get("parameters"))
        combined = next((key for key in ("anyOf", "oneOf", "allOf") if key in schema), None)
        if combined is not None:
            raise self._refused(f"{path}.function.parameters.{combined}", "a tool's arguments must be a plain object")
        written: JsonObject = {"name": self._names.to_wire(function["name"])}
        if isinstance(function.get("description"), str):
            written["description"] = function["description"]
        written["input_schema"] = schema
        if function.get("strict") is True:
            written |= self._strict(schema, path)
        report_tool_params(tool, path, VENDOR, self._drops)
        own = tool.get("vendor_params")
        extra: dict[str, Any] = dict(own.get(VENDOR) or {}) if isinstance(own, dict) else {}
        extra |= {key: tool[key] for key in _OWN_FIELDS if tool.get(key) is not None}
        return written | extra

    def _strict(self, schema: JsonObject, path: str) -> JsonObject:
        """`strict` where the model knows it and the schema allows it; without it the model still sees the schema."""
        where = f"{path}.function.parameters"
        if self._facts.json_schema is False:
            self._drops.degraded(f"{path}.function.strict")
            return {}
        try:
            return {"input_schema": strict_schema(schema, self._drops.degraded, where), "strict": True}
        except Inexpressible:
            self._drops.degraded(f"{path}.function.strict")
            return {}

    def _custom(self, custom: JsonObject, path: str) -> JsonObject:
        form = custom.get("format")
        if isinstance(form, dict) and form.get("type") not in (None, "text"):
            self._drops.unsupported(f"{path}.custom.format", "free text in a grammar")
        written: JsonObject = {"name": self._names.to_wire(custom["name"])}
        if isinstance(custom.get("description"), str):
            written["description"] = custom["description"]
        return written | {"input_schema": _CUSTOM_INPUT}

    def _refused(self, path: str, why: str) -> UnsupportedParamsError:
        return UnsupportedParamsError(f"{path}: {why}", param=path)

    def web_search(self, options: object) -> JsonObject:
        """Return the tool for OpenAI's `web_search_options`."""
        written = dict(_WIRE_KINDS["web_search"])
        if not isinstance(options, dict):
            return written
        if options.get("search_context_size") not in (None, "medium"):
            self._drops.degraded("web_search_options.search_context_size")
        location = options.get("user_location")
        if isinstance(location, dict):
            place = location.get("approximate", location)
            if isinstance(place, dict):
                known = {key: value for key, value in place.items() if key != "type" and value is not None}
                written["user_location"] = {"type": "approximate"} | known
        return written
