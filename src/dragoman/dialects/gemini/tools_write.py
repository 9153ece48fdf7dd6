"""Tools, the choice among them, and schemas in the words that Google takes.

Schemas go as JSON Schema (`parametersJsonSchema`, `responseJsonSchema`), which Google reads leniently: the older `parameters`
and `responseSchema` refuse whole requests for a keyword that they do not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
_TRANSLATED: dict[str, Callable[[JsonObject], JsonObject]] = {
    "web_search": lambda definition: {"googleSearch": {}},
    "web_fetch": lambda definition: {"urlContext": {}},
    "code_execution": lambda definition: {"codeExecution": {}},
}
_NOTHING_MORE = frozenset({"type", "name", "cache_control"})
"""What another vendor's definition may say without losing anything."""


def write_schema(schema: Any, path: str, context: GeminiWriteContext, *, strict: bool) -> JsonObject:
    rewritten = rewrite(schema, _SUBSET, path, strict=strict)
    for lost in rewritten.weakened:
        context.drops.degraded(lost)
    return rewritten.schema


def function_tools(request: ChatRequest) -> Iterator[tuple[str, JsonObject]]:
    """(path, function) for each function, in the new shape and in the older one."""
    for index, tool in enumerate(expect_list(request.get("tools") or [], "tools")):
        path = f"tools[{index}]"
        if expect_object(tool, path).get("type", "function") == "function" and "function" in tool:
            yield f"{path}.function", expect_object(tool["function"], f"{path}.function")
    for index, function in enumerate(expect_list(request.get("functions") or [], "functions")):
        yield f"functions[{index}]", expect_object(function, f"functions[{index}]")


def function_names(request: ChatRequest) -> Iterator[str]:
    """All names that the request uses, its history included."""
    for path, function in function_tools(request):
        yield expect_str(function.get("name"), f"{path}.name")
    for index, message in enumerate(expect_list(request.get("messages"), "messages")):
        known: Any = expect_object(message, f"messages[{index}]")
        calls: list[Any] = [call.get("function") for call in known.get("tool_calls") or () if isinstance(call, dict)]
        for function in (*calls, known.get("function_call")):
            if isinstance(function, dict) and isinstance(function.get("name"), str):
                yield function["name"]


def write_tools(request: ChatRequest, context: GeminiWriteContext) -> list[JsonObject]:
    extras = {id(tool.get("function")): _own_params(tool, context) for tool in request.get("tools") or []}
    declarations = [
        {**_declaration(function, path, context), **extras.get(id(function), {})}
        for path, function in function_tools(request)
    ]
    tools: list[JsonObject] = [{"functionDeclarations": declarations}] if declarations else []
    for index, tool in enumerate(request.get("tools") or []):
        report_tool_params(tool, f"tools[{index}]", context.target.vendor, context.drops)
        found = _provider_run(tool, f"tools[{index}]", context)
        if found is not None and found not in tools:
            tools.append(found)
    if request.get("web_search_options") is not None:
        if request["web_search_options"]:
            context.drops.degraded("web_search_options")
        if {"googleSearch": {}} not in tools:
            tools.append({"googleSearch": {}})
    return tools


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


def _provider_run(tool: Any, path: str, context: GeminiWriteContext) -> JsonObject | None:
    """A tool that the provider runs: Google's own words, or another vendor's kind in them."""
    if tool.get("cache_control"):
        context.drops.degraded("cache_control")
    if tool.get("type", "function") == "function" and "function" in tool:
        return None
    found = provider_tool(tool)
    if found is None:
        context.drops.unsupported(path, f"a tool of type {tool.get('type')!r}")
        return None
    definition = found.get("definition") or {}
    if found.get("vendor") == context.target.vendor:
        return definition
    translate = _TRANSLATED.get(str(found.get("type")))
    if translate is None:
        context.drops.unsupported(path, f"{found.get('type')} of {found.get('vendor')}")
        return None
    for key in definition.keys() - _NOTHING_MORE:
        context.drops.degraded(f"{path}.{key}")
    return translate(definition)


def write_tool_choice(request: ChatRequest, context: GeminiWriteContext) -> JsonObject | None:
    """`functionCallingConfig`, or None where nothing was chosen."""
    choice: Any = request.get("tool_choice")
    path = "tool_choice"
    if choice is None and request.get("function_call") is not None:
        choice, path = request["function_call"], "function_call"
        if isinstance(choice, dict):
            choice = {"type": "function", "function": choice}
    if choice is None:
        return None
    if isinstance(choice, str):
        mode = {"none": "NONE", "auto": "AUTO", "required": "ANY", "any": "ANY"}.get(choice)
        if mode is None:
            raise bad(path, f"unknown choice {choice!r}")
        return {"mode": mode}
    choice = expect_object(choice, path)
    if choice.get("type") == "allowed_tools":
        return _allowed(expect_object(choice.get("allowed_tools"), f"{path}.allowed_tools"), context)
    if choice.get("type", "function") != "function":
        context.drops.unsupported(path, f"a choice of type {choice['type']!r}")
        return None
    function = choice.get("function") if isinstance(choice.get("function"), dict) else choice
    name = expect_str((function or {}).get("name"), f"{path}.function.name")
    return {"mode": "ANY", "allowedFunctionNames": [context.tool_names.to_wire(name)]}


def _allowed(allowed: JsonObject, context: GeminiWriteContext) -> JsonObject:
    """AUTO takes no names; VALIDATED is AUTO that does."""
    path = "tool_choice.allowed_tools.tools"
    names = [
        context.tool_names.to_wire(expect_str((tool.get("function") or tool).get("name"), path))
        for tool in expect_list(allowed.get("tools"), path)
        if isinstance(tool, dict)
    ]
    mode = "ANY" if allowed.get("mode") == "required" else "VALIDATED"
    return {"mode": mode, "allowedFunctionNames": names}


def wire_names(request: ChatRequest) -> ToolNames:
    """Letters, digits and `_-` at most 64 long, a letter or `_` first: what every version of the API takes."""
    return ToolNames.of(function_names(request), first="a-zA-Z_")
