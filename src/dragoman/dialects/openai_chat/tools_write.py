"""Tools and the choice among them: hub -> wire."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from dragoman.dialects.openai_chat.accent import ChatAccent, ChatWriteContext
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.tool_names import ToolNames
from dragoman.dialects.tool_schemas import complete_parameters
from dragoman.dialects.vendor_params import report_tool_params
from dragoman.types.json import JsonObject

__all__ = ["can_force", "can_force_reasoning", "demands_call", "function_name", "wire_names", "write_tools"]


def wire_names(request: JsonObject, accent: ChatAccent) -> ToolNames:
    """Return what the names of tools become where the provider does not take them as they are."""
    return ToolNames.of(_names(request), max_length=accent.tool_name_length, allowed=accent.tool_name_allowed)


def function_name(item: JsonObject) -> Any:
    """Return the name of the function that a tool defines, or that a call or a choice names."""
    return (item.get("function") or {}).get("name")


def _names(request: JsonObject) -> Iterator[str]:
    """Yield every name of a function in the request and its history."""
    calls = (call for message in request.get("messages") or () for call in message.get("tool_calls") or ())
    for item in chain(request.get("tools") or (), calls):
        name = function_name(item)
        if name:
            yield name


def write_tools(body: JsonObject, request: JsonObject, context: ChatWriteContext) -> None:
    tools, choice = request.get("tools"), request.get("tool_choice")
    if not tools:
        if choice not in (None, "auto", "none"):  # these change nothing, and are refused without tools
            body["tool_choice"] = choice
        return
    tools, choice = _offered(tools, choice, context)
    written = (_tool(tool, f"tools[{index}]", body, context) for index, tool in enumerate(tools))
    body["tools"] = [tool for tool in written if tool is not None]
    if not body["tools"]:
        del body["tools"]
        body.pop("parallel_tool_calls", None)
        return
    if context.target.facts.parallel_tools is False and body.get("parallel_tool_calls"):
        del body["parallel_tool_calls"]
        context.drops.degraded("parallel_tool_calls")  # it is a permission, and one that the model has no use for
    if choice is not None:
        body["tool_choice"] = _choice(_possible(choice, context), context)


def _offered(tools: list[Any], choice: Any, context: ChatWriteContext) -> tuple[list[Any], Any]:
    """Return the tools that the target may be told of, and the choice among them."""
    if not context.accent.tools and not context.drops.allowed("tools"):
        context.drops.unsupported("tools")
        tools = []
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools" and not context.accent.allowed_tools:
        return _only_allowed(tools, choice.get("allowed_tools") or {})
    return tools, choice


def can_force(context: ChatWriteContext) -> bool:
    """Whether the provider and the model take a `tool_choice` that demands a call."""
    possible = context.accent.forced_tools and context.target.facts.forced_tools is not False
    return possible and (not context.reasons or can_force_reasoning(context))


def can_force_reasoning(context: ChatWriteContext) -> bool:
    """Whether they take it while the model reasons."""
    of_the_model = context.target.facts.forced_tools_reasoning
    return context.accent.forced_tools_reasoning if of_the_model is None else of_the_model


def demands_call(choice: Any) -> bool:
    """Whether a `tool_choice` says that a tool must be called."""
    if isinstance(choice, dict):
        allowed = choice.get("allowed_tools")
        return choice.get("type") != "allowed_tools" or (
            isinstance(allowed, dict) and allowed.get("mode") == "required"
        )
    return choice in ("required", "any")


def _possible(choice: Any, context: ChatWriteContext) -> Any:
    if not demands_call(choice) or can_force(context) or context.drops.allowed("tool_choice"):
        return choice
    reason = "no call can be demanded while the model reasons" if context.reasons else "no call can be demanded"
    context.drops.unsupported("tool_choice", reason)
    return "auto"


def _only_allowed(tools: list[Any], allowed: JsonObject) -> tuple[list[Any], str]:
    names = {function_name(tool) or tool.get("name") for tool in allowed.get("tools") or ()}
    return [tool for tool in tools if function_name(tool) in names], str(allowed.get("mode") or "auto")


def _tool(tool: JsonObject, path: str, body: JsonObject, context: ChatWriteContext) -> JsonObject | None:
    provided = provider_tool(tool)
    if provided is not None:
        return _provider_tool(provided, path, body, context)
    tool = _without_extensions(tool, path, context)
    function = tool.get("function")
    if not isinstance(function, dict):
        return tool
    written = _function(function, context)
    return tool if written is function else {**tool, "function": written}


def _without_extensions(tool: JsonObject, path: str, context: ChatWriteContext) -> JsonObject:
    unknown: set[str] = set()
    if tool.get("vendor_params"):
        report_tool_params(tool, path, context.target.vendor, context.drops)
        unknown.add("vendor_params")
    if tool.get("cache_control") and not context.accent.cache_control:
        context.drops.degraded("cache_control")
        unknown.add("cache_control")
    return {key: value for key, value in tool.items() if key not in unknown} if unknown else tool


def _function(function: JsonObject, context: ChatWriteContext) -> JsonObject:
    """Return the definition as the target takes it: the same object where nothing changes."""
    name, parameters = function.get("name"), function.get("parameters")
    changed: JsonObject = {}
    if "parameters" in function and parameters is None:
        function = {key: value for key, value in function.items() if key != "parameters"}
    if context.tool_names.to_wire(name or "") != name:
        changed["name"] = context.tool_names.to_wire(name or "")
    complete = complete_parameters(parameters)
    if complete is not parameters:
        changed["parameters"] = complete
    if "strict" in function and not context.accent.strict:
        return {key: value for key, value in (function | changed).items() if key != "strict"}
    return function | changed if changed else function


def _provider_tool(tool: JsonObject, path: str, body: JsonObject, context: ChatWriteContext) -> JsonObject | None:
    """Return a tool that the provider runs: its own as it stands, a web search where the model searches anyway."""
    if tool.get("vendor") == context.target.vendor:
        definition: JsonObject = tool["definition"]
        return definition
    if tool.get("type") == "web_search" and any(mark in context.target.model for mark in context.accent.search_models):
        body.setdefault("web_search_options", {})
        return None
    context.drops.unsupported(path, f"{tool.get('type')} is a tool that {tool.get('vendor')} runs")
    return None


def _choice(choice: Any, context: ChatWriteContext) -> Any:
    if choice == "required":
        return context.accent.required_word
    name = function_name(choice) if isinstance(choice, dict) else None
    if name is None or context.tool_names.to_wire(name) == name:
        return choice
    return {**choice, "function": {**choice["function"], "name": context.tool_names.to_wire(name)}}
