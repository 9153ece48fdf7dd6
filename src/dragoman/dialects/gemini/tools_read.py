"""A Gemini caller's tools and choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.dialects.gemini.fields import fields, items, own_vendor
from dragoman.dialects.gemini.schemas_read import read_schema
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.validation import bad, expect_object, expect_str
from dragoman.types.chat import Tool
from dragoman.types.json import JsonObject

__all__ = ["read_tool_config", "read_tools"]

_DECLARED = frozenset({"name", "description", "parameters", "parametersJsonSchema"})
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}


def read_tools(value: Any) -> list[Tool]:
    """The hub's tools; what only Google knows about a function stands in the `vendor_params` of its tool."""
    return [
        tool
        for index, entry in enumerate(items(value, "tools"))
        for tool in _read_tool(fields(entry, f"tools[{index}]"), f"tools[{index}]")
    ]


def _read_tool(tool: JsonObject, path: str) -> Iterator[Tool]:
    """One `Tool` of Google's holds functions, and tools that Google runs, one under each name."""
    for index, function in enumerate(items(tool.get("functionDeclarations"), f"{path}.functionDeclarations")):
        where = f"{path}.functionDeclarations[{index}]"
        declared = fields(function, where)
        read: Any = {"type": "function", "function": _read_function(declared, where)}
        extra = {name: item for name, item in declared.items() if name not in _DECLARED}
        if extra:
            read["vendor_params"] = {own_vendor: extra}
        yield read
    for name, definition in tool.items():
        if name == "functionDeclarations":
            continue
        unknown = {"type": name, "vendor": own_vendor, "definition": {name: definition}}
        known: Any = provider_tool({name: definition}) or unknown
        yield known


def _read_function(declared: JsonObject, path: str) -> JsonObject:
    function: JsonObject = {"name": expect_str(declared.get("name"), f"{path}.name")}
    if declared.get("description"):
        function["description"] = expect_str(declared["description"], f"{path}.description")
    if "parametersJsonSchema" in declared:
        schema = declared["parametersJsonSchema"]
        function["parameters"] = expect_object(schema, f"{path}.parametersJsonSchema")
    elif "parameters" in declared:
        function["parameters"] = read_schema(declared["parameters"], f"{path}.parameters")
    return function


def read_tool_config(value: Any) -> tuple[Any, JsonObject]:
    """The hub's `tool_choice` (None: nothing chosen), and what only Google knows."""
    if value is None:
        return None, {}
    config = fields(value, "toolConfig")
    calling = fields(config.pop("functionCallingConfig", {}), "toolConfig.functionCallingConfig")
    path = "toolConfig.functionCallingConfig"
    mode = expect_str(calling.pop("mode", "MODE_UNSPECIFIED"), f"{path}.mode").upper()
    if mode not in _MODES:
        raise bad(f"{path}.mode", f"unknown mode {mode!r}")
    names = calling.pop("allowedFunctionNames", None)
    names = [expect_str(name, f"{path}.allowedFunctionNames") for name in names] if isinstance(names, list) else []
    if calling:
        config["functionCallingConfig"] = calling
    if mode == "VALIDATED" and not names:
        config["functionCallingConfig"] = {**calling, "mode": mode}
    return _choice(mode, names), config


def _choice(mode: str, names: list[str]) -> Any:
    if mode == "MODE_UNSPECIFIED" and not names:
        return None
    if not names or mode == "NONE":
        return _MODES[mode]
    if len(names) == 1 and mode == "ANY":
        return {"type": "function", "function": {"name": names[0]}}
    tools = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": _MODES[mode], "tools": tools}}
