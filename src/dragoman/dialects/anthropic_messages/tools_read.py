"""Definitions of tools and the choice among them: wire -> hub."""

from __future__ import annotations

import re

from dragoman.dialects.anthropic_messages.parts_read import cache_mark
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str
from dragoman.types.json import JsonObject

__all__ = ["read_tool_choice", "read_tools"]

_KNOWN = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read_tools(value: object) -> list[JsonObject]:
    return [
        _read_tool(expect_object(tool, f"tools[{n}]"), f"tools[{n}]")
        for n, tool in enumerate(expect_list(value, "tools"))
    ]


def _read_tool(tool: JsonObject, path: str) -> JsonObject:
    kind = tool.get("type")
    if kind is not None and expect_str(kind, f"{path}.type") != "custom":
        return _read_provider_tool(tool, kind)
    function: JsonObject = {"name": expect_str(tool.get("name"), f"{path}.name")}
    if tool.get("description") is not None:
        function["description"] = expect(tool["description"], str, f"{path}.description")
    function["parameters"] = expect_object(tool.get("input_schema"), f"{path}.input_schema")
    if tool.get("strict") is not None:
        function["strict"] = expect(tool["strict"], bool, f"{path}.strict")
    read: JsonObject = {"type": "function", "function": function} | cache_mark(tool, path)
    extra = {key: item for key, item in tool.items() if key not in _KNOWN and item is not None}
    return read | ({"vendor_params": {VENDOR: extra}} if extra else {})


def _read_provider_tool(tool: JsonObject, kind: str) -> JsonObject:
    """Return a tool that Anthropic runs, also one of a kind that came after us."""
    known = provider_tool(tool)
    if known is not None and known.get("definition") is tool:
        return known
    return {"type": re.sub(r"_\d{8}\Z", "", kind), "vendor": VENDOR, "definition": tool}


def read_tool_choice(value: object) -> JsonObject:
    """Return `tool_choice` and, where the caller sets it, `parallel_tool_calls`: fields of the hub's request."""
    choice = expect_object(value, "tool_choice")
    kind = expect_str(choice.get("type"), "tool_choice.type")
    read: JsonObject
    if kind == "tool":
        name = expect_str(choice.get("name"), "tool_choice.name")
        read = {"tool_choice": {"type": "function", "function": {"name": name}}}
    elif kind in _CHOICES:
        read = {"tool_choice": _CHOICES[kind]}
    else:
        raise bad("tool_choice.type", f"expected auto, any, tool or none, got {kind!r}")
    if choice.get("disable_parallel_tool_use") is not None:
        disabled = expect(choice["disable_parallel_tool_use"], bool, "tool_choice.disable_parallel_tool_use")
        read["parallel_tool_calls"] = not disabled
    return read
