"""Tools and the choice among them: hub -> wire."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.dialects.openai_chat.accent import ChatAccent, ChatWriteContext
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.tool_names import ToolNames
from dragoman.dialects.tool_schemas import complete_parameters
from dragoman.dialects.vendor_params import report_tool_params
from dragoman.types.json import JsonObject

__all__ = ["can_force", "can_force_reasoning", "demands_call", "wire_names", "write_tools"]


def wire_names(request: JsonObject, accent: ChatAccent) -> ToolNames:
    """What the names of tools become where the provider does not take them as they are."""
    return ToolNames.of(_names(request), max_length=accent.tool_name_length, allowed=accent.tool_name_allowed)


def _names(request: JsonObject) -> Iterator[str]:
    """Every name of a function in the request and its history."""
    for tool in request.get("tools") or ():
        name = (tool.get("function") or {}).get("name")
        if name:
            yield name
    for message in request.get("messages") or ():
        for call in message.get("tool_calls") or ():
            name = (call.get("function") or {}).get("name")
            if name:
                yield name


def write_tools(body: JsonObject, asked: JsonObject, context: ChatWriteContext) -> None:
    tools, choice = asked.get("tools"), asked.get("tool_choice")
    if not tools:
        if choice not in (None, "auto", "none"):  # these change nothing, and are refused without tools
            body["tool_choice"] = choice
        return
    if not context.accent.tools and not context.drops.allowed("tools"):
        context.drops.unsupported("tools")
        tools = []
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools" and not context.accent.allowed_tools:
        tools, choice = _only_allowed(tools, choice.get("allowed_tools") or {})
    written = [
        tool for index, raw in enumerate(tools) if (tool := _tool(raw, f"tools[{index}]", body, context)) is not None
    ]
    if not written:
        body.pop("parallel_tool_calls", None)
        return
    body["tools"] = written
    if context.target.facts.parallel_tools is False and body.get("parallel_tool_calls"):
        del body["parallel_tool_calls"]
        context.drops.degraded("parallel_tool_calls")  # it is a permission, and one that the model has no use for
    if choice is not None:
        body["tool_choice"] = _choice(_possible(choice, context), context)


def can_force(context: ChatWriteContext) -> bool:
    """Whether the provider and the model take a `tool_choice` that demands a call."""
    possible = context.accent.forced_tools and context.target.facts.forced_tools is not False
    return possible and (not context.reasons or can_force_reasoning(context))


def can_force_reasoning(context: ChatWriteContext) -> bool:
    """Whether they take it while the model reasons."""
    said = context.target.facts.forced_tools_reasoning
    return context.accent.forced_tools_reasoning if said is None else said


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
    why = "no call can be demanded while the model reasons" if context.reasons else "no call can be demanded"
    context.drops.unsupported("tool_choice", why)
    return "auto"


def _only_allowed(tools: list[Any], allowed: JsonObject) -> tuple[list[Any], str]:
    names = {(tool.get("function") or {}).get("name") or tool.get("name") for tool in allowed.get("tools") or ()}
    kept = [tool for tool in tools if (tool.get("function") or {}).get("name") in names]
    return kept, str(allowed.get("mode") or "auto")


def _tool(tool: JsonObject, path: str, body: JsonObject, context: ChatWriteContext) -> JsonObject | None:
    accent = context.accent
    run_elsewhere = provider_tool(tool)
    if run_elsewhere is not None:
        return _provider_tool(run_elsewhere, path, body, context)
    if tool.get("vendor_params"):
        report_tool_params(tool, path, context.target.vendor, context.drops)
        tool = {key: value for key, value in tool.items() if key != "vendor_params"}
    if tool.get("cache_control") and not accent.cache_control:
        context.drops.degraded("cache_control")
        tool = {key: value for key, value in tool.items() if key != "cache_control"}
    function = tool.get("function")
    if not isinstance(function, dict):
        return tool
    name, parameters = context.tool_names.to_wire(function.get("name") or ""), function.get("parameters")
    complete = complete_parameters(parameters)
    if name == function.get("name") and complete is parameters and (accent.strict or "strict" not in function):
        return tool
    kept = {key: value for key, value in function.items() if accent.strict or key != "strict"}
    if complete is not parameters:
        kept["parameters"] = complete
    return {**tool, "function": {**kept, "name": name}}


def _provider_tool(tool: JsonObject, path: str, body: JsonObject, context: ChatWriteContext) -> JsonObject | None:
    """A tool that the provider runs: its own as it stands; a web search where the model searches anyway."""
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
    name = (choice.get("function") or {}).get("name") if isinstance(choice, dict) else None
    if name is None or context.tool_names.to_wire(name) == name:
        return choice
    return {**choice, "function": {**choice["function"], "name": context.tool_names.to_wire(name)}}
