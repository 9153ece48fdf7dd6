"""Write tools, the choice among them, and schemas with the keywords that Google takes.

Schemas go as JSON Schema (`parametersJsonSchema`, `responseJsonSchema`), which Google reads leniently: the older `parameters`
and `responseSchema` refuse whole requests for a keyword that they do not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dragoman.dialects.gemini.accent import GeminiWriteContext
from dragoman.dialects.json_schema import Subset, rewrite
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.tool_names import ToolNames
from dragoman.dialects.validation import bad, expect_list, expect_object, expect_str
from dragoman.dialects.vendor_params import report_tool_params
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["function_names", "function_tools", "wire_names", "write_schema", "write_tool_choice", "write_tools"]

_SUBSET = Subset(
    frozenset(
        {"type", "format", "title", "description", "enum", "items", "minItems", "maxItems", "minimum", "maximum",
         "properties", "additionalProperties", "required", "propertyOrdering", "minLength", "maxLength", "pattern",
         "uniqueItems", "multipleOf", "minProperties", "maxProperties", "default"}
    ),
    references=True,
)  # fmt: skip
"""https://ai.google.dev/api/generate-content#FIELDS.response_json_schema, and what recordings show to be taken beside that."""
_COUNTERPARTS = {"web_search": "googleSearch", "web_fetch": "urlContext", "code_execution": "codeExecution"}
"""Google's tools for the kinds of provider-run tools that other vendors have too."""
_LOSSLESS = frozenset({"type", "name", "cache_control"})
"""Fields of another vendor's definition that Google's tool does not need."""
_MODES = {"none": "NONE", "auto": "AUTO", "required": "ANY", "any": "ANY"}


def write_schema(schema: Any, path: str, context: GeminiWriteContext, *, strict: bool) -> JsonObject:
    rewritten = rewrite(schema, _SUBSET, path, strict=strict)
    for keyword in rewritten.weakened:
        context.drops.degraded(keyword)
    return rewritten.schema


def function_tools(request: ChatRequest) -> Iterator[tuple[str, JsonObject]]:
    """Yield (path, function) for each function, of `tools` and of the older `functions`."""
    for index, tool in enumerate(expect_list(request.get("tools") or [], "tools")):
        path = f"tools[{index}]"
        if expect_object(tool, path).get("type", "function") == "function" and "function" in tool:
            yield f"{path}.function", expect_object(tool["function"], f"{path}.function")
    for index, function in enumerate(expect_list(request.get("functions") or [], "functions")):
        yield f"functions[{index}]", expect_object(function, f"functions[{index}]")


def function_names(request: ChatRequest) -> Iterator[str]:
    """Yield all names that the request uses, in its history too."""
    for path, function in function_tools(request):
        yield expect_str(function.get("name"), f"{path}.name")
    for index, message in enumerate(expect_list(request.get("messages"), "messages")):
        fields: Any = expect_object(message, f"messages[{index}]")
        calls: list[Any] = [call.get("function") for call in fields.get("tool_calls") or () if isinstance(call, dict)]
        for function in (*calls, fields.get("function_call")):
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                yield function["name"]


def write_tools(request: ChatRequest, context: GeminiWriteContext) -> list[JsonObject]:
    """Return Google's tools: one that holds all functions, and one for each tool that Google runs."""
    extras = {id(tool.get("function")): _own_params(tool, context) for tool in request.get("tools") or []}
    declarations = [
        {**_declaration(function, path, context), **extras.get(id(function), {})}
        for path, function in function_tools(request)
    ]
    tools: list[JsonObject] = [{"functionDeclarations": declarations}] if declarations else []
    for tool in _provider_tools(request, context):
        if tool not in tools:
            tools.append(tool)
    return tools


def _provider_tools(request: ChatRequest, context: GeminiWriteContext) -> Iterator[JsonObject]:
    for index, tool in enumerate(request.get("tools") or []):
        report_tool_params(tool, f"tools[{index}]", context.target.vendor, context.drops)
        definition = _provider_tool(tool, f"tools[{index}]", context)
        if definition is not None:
            yield definition
    options = request.get("web_search_options")
    if options is not None:
        if options:
            context.drops.degraded("web_search_options")
        yield {"googleSearch": {}}


def _own_params(tool: Any, context: GeminiWriteContext) -> JsonObject:
    params = tool.get("vendor_params")
    own = params.get(context.target.vendor) if isinstance(params, dict) else None
    return own if isinstance(own, dict) else {}


def _declaration(function: JsonObject, path: str, context: GeminiWriteContext) -> JsonObject:
    declaration: JsonObject = {"name": context.tool_names.to_wire(expect_str(function.get("name"), f"{path}.name"))}
    if function.get("description"):
        declaration["description"] = function["description"]
    parameters = function.get("parameters")
    if parameters is not None:
        where = f"{path}.parameters"
        schema = write_schema(parameters, where, context, strict=function.get("strict") is True)
        if schema.setdefault("type", "object") != "object":
            raise bad(f"{where}.type", "the parameters of a function are an object", code="unsupported_schema")
        declaration["parametersJsonSchema"] = schema
    if function.get("strict") is True:
        context.drops.degraded(f"{path}.strict")
    return declaration


def _provider_tool(tool: Any, path: str, context: GeminiWriteContext) -> JsonObject | None:
    """Return a provider-run tool: Google's own definition, or the counterpart of another vendor's kind."""
    if tool.get("cache_control"):
        context.drops.degraded("cache_control")
    if tool.get("type", "function") == "function" and "function" in tool:
        return None
    hub_tool = provider_tool(tool)
    if hub_tool is None:
        context.drops.unsupported(path, f"a tool of type {tool.get('type')!r}")
        return None
    definition = hub_tool.get("definition") or {}
    if hub_tool.get("vendor") == context.target.vendor:
        return definition
    counterpart = _COUNTERPARTS.get(str(hub_tool.get("type")))
    if counterpart is None:
        context.drops.unsupported(path, f"{hub_tool.get('type')} of {hub_tool.get('vendor')}")
        return None
    for key in definition.keys() - _LOSSLESS:
        context.drops.degraded(f"{path}.{key}")
    return {counterpart: {}}


def write_tool_choice(request: ChatRequest, context: GeminiWriteContext) -> JsonObject | None:
    """Return `functionCallingConfig`, or None where the request chooses nothing.

    https://ai.google.dev/api/caching#FunctionCallingConfig
    """
    choice, path = _requested_choice(request)
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _MODES:
            raise bad(path, f"unknown choice {choice!r}")
        return {"mode": _MODES[choice]}
    choice = expect_object(choice, path)
    if choice.get("type") == "allowed_tools":
        return _allowed(expect_object(choice.get("allowed_tools"), f"{path}.allowed_tools"), context)
    if choice.get("type", "function") != "function":
        context.drops.unsupported(path, f"a choice of type {choice['type']!r}")
        return None
    function: Any = choice["function"] if isinstance(choice.get("function"), dict) else choice
    name = expect_str(function.get("name"), f"{path}.function.name")
    return {"mode": "ANY", "allowedFunctionNames": [context.tool_names.to_wire(name)]}


def _requested_choice(request: ChatRequest) -> tuple[Any, str]:
    """Return the choice and its path: `tool_choice`, or else the older `function_call`."""
    choice: Any = request.get("tool_choice")
    if choice is not None:
        return choice, "tool_choice"
    choice = request.get("function_call")
    return {"type": "function", "function": choice} if isinstance(choice, dict) else choice, "function_call"


def _allowed(allowed: JsonObject, context: GeminiWriteContext) -> JsonObject:
    """Return the mode for a list of allowed tools: AUTO takes no names, VALIDATED is the AUTO that does."""
    path = "tool_choice.allowed_tools.tools"
    names = [
        context.tool_names.to_wire(expect_str((tool.get("function") or tool).get("name"), path))
        for tool in expect_list(allowed.get("tools"), path)
        if isinstance(tool, dict)
    ]
    mode = "ANY" if allowed.get("mode") == "required" else "VALIDATED"
    return {"mode": mode, "allowedFunctionNames": names}


def wire_names(request: ChatRequest) -> ToolNames:
    """Return names that every version of the API takes: at most 64 letters, digits and `_-`, a letter or `_` first."""
    return ToolNames.of(function_names(request), first="a-zA-Z_")
