"""Read a Gemini caller's tools and the choice among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.dialects.gemini.fields import fields, items
from dragoman.dialects.gemini.schemas_read import read_schema
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.validation import bad, expect_object, expect_str
from dragoman.types.chat import Tool
from dragoman.types.json import JsonObject

__all__ = ["read_tool_config", "read_tools"]

_DECLARED = frozenset({"name", "description", "parameters", "parametersJsonSchema"})
_MODES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto", "MODE_UNSPECIFIED": "auto"}


def read_tools(value: Any) -> list[Tool]:
    """Return the hub's tools. What only Google knows about a function is in the `vendor_params` of its tool."""
    return [
        tool
        for index, entry in enumerate(items(value, "tools"))
        for tool in _read_tool(fields(entry, f"tools[{index}]"), f"tools[{index}]")
    ]


def _read_tool(tool: JsonObject, path: str) -> Iterator[Tool]:
    """Yield the functions of one `Tool` of Google's, and the provider-run tools in it, one under each name.

    https://ai.google.dev/api/caching#Tool
    """
    for index, function in enumerate(items(tool.get("functionDeclarations"), f"{path}.functionDeclarations")):
        where = f"{path}.functionDeclarations[{index}]"
        declaration = fields(function, where)
        entry: Any = {"type": "function", "function": _read_function(declaration, where)}
        extra = {name: item for name, item in declaration.items() if name not in _DECLARED}
        if extra:
            entry["vendor_params"] = {VENDOR: extra}
        yield entry
    for name, definition in tool.items():
        if name == "functionDeclarations":
            continue
        own_tool = {"type": name, "vendor": VENDOR, "definition": {name: definition}}
        hub_tool: Any = provider_tool({name: definition}) or own_tool
        yield hub_tool


def _read_function(declaration: JsonObject, path: str) -> JsonObject:
    function: JsonObject = {"name": expect_str(declaration.get("name"), f"{path}.name")}
    if declaration.get("description"):
        function["description"] = expect_str(declaration["description"], f"{path}.description")
    if "parametersJsonSchema" in declaration:
        schema = declaration["parametersJsonSchema"]
        function["parameters"] = expect_object(schema, f"{path}.parametersJsonSchema")
    elif "parameters" in declaration:
        function["parameters"] = read_schema(declaration["parameters"], f"{path}.parameters")
    return function


def read_tool_config(value: Any) -> tuple[Any, JsonObject]:
    """Return the hub's `tool_choice` (None: nothing chosen), and the fields that only Google knows."""
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
