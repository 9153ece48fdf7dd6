"""The tools of a request and the choice among them: hub -> wire."""

from __future__ import annotations

from dragoman.dialects.anthropic_messages.response_format_write import StructuredOutput
from dragoman.dialects.anthropic_messages.tools_write import ToolWriter, name_of, why_not_forced
from dragoman.dialects.validation import objects_in
from dragoman.dialects.write_context import WriteContext
from dragoman.types.json import JsonObject

__all__ = ["write_tools"]

_PLAIN_INPUT: JsonObject = {"type": "object", "properties": {}, "additionalProperties": True}
_MODES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
"""OpenAI's word (and Anthropic's own) -> Anthropic's. https://platform.claude.com/docs/en/agents-and-tools/tool-use/implement-tool-use"""


def write_tools(
    request: JsonObject, tools: list[JsonObject], output: StructuredOutput, context: WriteContext[None]
) -> JsonObject:
    """Return `tools` and `tool_choice`, where the request has any, with the tool that stands in for structured output."""
    writer = ToolWriter(context)
    requested = request.get("tool_choice", request.get("function_call"))
    written = writer.tools(_allowed_tools(tools, requested))
    if "web_search_options" in request:
        written.append(writer.web_search(request["web_search_options"]))
    choice = _choice(requested, context) if written else None
    if output.tool is not None:
        choice = _choice_of_answer(choice, output.tool["name"], context, others=bool(written))
        written.append(output.tool)
    elif written:
        choice = _possible(choice, context)
    else:
        written = _history_tools(objects_in(request["messages"]), context)
        choice = {"type": "none"} if written else None
    choice = _with_parallel(choice, request.get("parallel_tool_calls"), has_tools=bool(written))
    fields: JsonObject = {"tools": written} if written or request.get("tools") == [] else {}
    return fields | ({"tool_choice": choice} if choice is not None else {})


def _choice(choice: object, context: WriteContext[None]) -> JsonObject | None:
    """Return the `tool_choice`, or None for what Anthropic does anyway."""
    if choice is None:
        return None
    mode = choice.get("type") if isinstance(choice, dict) else choice
    if isinstance(choice, dict):
        if choice.get("type") == "allowed_tools":
            return {"type": "any" if _allowed(choice).get("mode") == "required" else "auto"}
        name = name_of(choice) or choice.get("name")
        if isinstance(name, str):
            return {"type": "tool", "name": context.tool_names.to_wire(name)}
    if isinstance(mode, str) and mode in _MODES:
        return {"type": _MODES[mode]}
    context.drops.unsupported("tool_choice")
    return None


def _allowed_tools(tools: list[JsonObject], choice: object) -> list[JsonObject]:
    """Return the tools that an `allowed_tools` choice leaves: Anthropic has no list of allowed tools."""
    if not (isinstance(choice, dict) and choice.get("type") == "allowed_tools"):
        return tools
    names: set[object] = set()
    kinds: set[object] = set()
    for item in objects_in(_allowed(choice).get("tools")):
        names.add(name_of(item) or item.get("name"))
        kinds.add(item.get("type"))
    return [tool for tool in tools if _is_allowed(tool, names, kinds)]


def _is_allowed(tool: JsonObject, names: set[object], kinds: set[object]) -> bool:
    name = name_of(tool)
    return name in names if name is not None else tool.get("type") in kinds


def _allowed(choice: JsonObject) -> JsonObject:
    inner = choice.get("allowed_tools")
    return inner if isinstance(inner, dict) else choice


def _choice_of_answer(choice: JsonObject | None, name: str, context: WriteContext[None], *, others: bool) -> JsonObject:
    """Return the choice by which the tool that gives the answer, or one of the caller's own, is called. It is reported where
    the caller asked for less than that."""
    mode = choice["type"] if choice is not None else None
    if not others or mode == "none":
        demand: JsonObject = {"type": "tool", "name": name, "disable_parallel_tool_use": True}
    else:
        demand = choice if choice is not None and mode == "tool" else {"type": "any"}
    if why_not_forced(context):
        return _without_force(demand)
    if mode in ("auto", "none"):
        context.drops.degraded("tool_choice")
    return demand


def _possible(choice: JsonObject | None, context: WriteContext[None]) -> JsonObject | None:
    """Return the choice, or one without a demand where the model cannot be made to call a tool."""
    if choice is None or choice["type"] not in ("any", "tool"):
        return choice
    reason = why_not_forced(context)
    if not reason:
        return choice
    context.drops.unsupported("tool_choice", reason)
    return _without_force(choice)


def _without_force(choice: JsonObject) -> JsonObject:
    return {key: value for key, value in choice.items() if key != "name"} | {"type": "auto"}


def _history_tools(messages: list[JsonObject], context: WriteContext[None]) -> list[JsonObject]:
    """Return definitions for the calls in the conversation: Anthropic demands them also when no tool may be called any more."""
    calls = [call for message in messages for call in objects_in(message.get("tool_calls"))]
    names = dict.fromkeys(name for call in calls if (name := name_of(call)) is not None)
    return [{"name": context.tool_names.to_wire(name), "input_schema": _PLAIN_INPUT} for name in names]


def _with_parallel(choice: JsonObject | None, parallel: object, *, has_tools: bool) -> JsonObject | None:
    if not isinstance(parallel, bool) or not has_tools or (choice is not None and choice["type"] == "none"):
        return choice
    if choice is None:
        return None if parallel else {"type": "auto", "disable_parallel_tool_use": True}
    return choice | {"disable_parallel_tool_use": not parallel}
