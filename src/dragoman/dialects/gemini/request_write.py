"""Write a request of the hub for Google."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.foreign_text import with_summaries
from dragoman.dialects.gemini.accent import GeminiWriteContext, accent_of, is_gemini_3
from dragoman.dialects.gemini.messages_write import write_contents
from dragoman.dialects.gemini.params_write import report_unsupported, write_body_params, write_config
from dragoman.dialects.gemini.references import has_dangling_reference
from dragoman.dialects.gemini.request_checks import check_request
from dragoman.dialects.gemini.tools_write import wire_names, write_schema, write_tool_choice, write_tools
from dragoman.dialects.provider_tools import report_foreign_blocks
from dragoman.dialects.reasoning import report_foreign_reasoning
from dragoman.dialects.vendor_params import own_params
from dragoman.dialects.write_context import WriteContext
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["address", "checked_request", "relay_request", "write_body", "write_context", "write_request"]

_JSON_TOOL = "json_answer"
_JSON_TOOL_TEXT = "Gives the final answer. Call it, once, when the answer is ready; its arguments are the answer."


def write_request(request: ChatRequest, target: Target) -> WireRequest:
    drops = DropList(target)
    request = checked_request(request, drops)
    request = {**request, "messages": with_summaries(request["messages"], (target.vendor,))}
    context = write_context(request, target, drops)
    report_foreign_blocks(request.get("messages"), (target.vendor,), drops)
    report_foreign_reasoning(request.get("messages"), (target.vendor,), drops)
    body, json_tool = write_body(request, context)
    path, query = address(target)
    return WireRequest(
        body=body,
        path=path,
        query=query,
        dropped=context.drops.dropped,
        tool_names=context.tool_names.to_caller,
        json_tool=json_tool,
    )


def checked_request(request: ChatRequest, drops: DropList) -> ChatRequest:
    """Return a well-formed request without the parameters that its caller has dropped in any case.

    Raise `BadRequestError` for a field of a wrong type.
    """
    check_request(request)
    params: Any = drops.without_dropped(request)
    # There is no request without these, whatever a configuration says about them.
    params.update({name: request[name] for name in ("model", "messages") if name in request})
    return params  # type: ignore[no-any-return]


def write_context(request: ChatRequest, target: Target, drops: DropList) -> GeminiWriteContext:
    """Return the record that the writers of the parts of `request` share."""
    return WriteContext(target, accent_of(target), drops, wire_names(request))


def relay_request(body: JsonObject, target: Target) -> WireRequest | None:
    """Return the caller's own body, the model in the path. None where Google would refuse a result in it."""
    if has_dangling_reference(body):
        return None
    path, query = address(target)
    return WireRequest(body=body, path=path, query=query)


def address(target: Target) -> tuple[str, dict[str, str]]:
    model = target.model.removeprefix("models/")
    if target.stream:
        return f"/models/{model}:streamGenerateContent", {"alt": "sse"}
    return f"/models/{model}:generateContent", {}


def write_body(request: ChatRequest, context: GeminiWriteContext) -> tuple[JsonObject, str | None]:
    """Return the body, and the name of the tool in it that stands in for structured output."""
    contents = write_contents(request["messages"], context)
    body: JsonObject = {"contents": contents.turns}
    if contents.system:
        body["systemInstruction"] = {"parts": contents.system}
    tools = write_tools(request, context)
    choice = write_tool_choice(request, context) if tools else None
    json_tool = _json_tool(request, tools, choice, context)
    if json_tool is not None:
        choice = _with_json_tool(request, json_tool, tools, choice, context)
    if tools:
        body["tools"] = tools
    tool_config = _tool_config(choice, tools, context)
    if tool_config:
        body["toolConfig"] = tool_config
    config = write_config(request, context, native_json=json_tool is None)
    if config:
        body["generationConfig"] = config
    body.update(write_body_params(request, context))
    report_unsupported(request, body, context)
    params = own_params(request, (context.target.vendor,), context.drops)
    _merge(body, params)
    return body, json_tool


def _json_tool(
    request: ChatRequest, tools: list[JsonObject], choice: JsonObject | None, context: GeminiWriteContext
) -> str | None:
    """Return the name of the function whose arguments are the answer, or None where the answer is a text.

    Before Gemini 3, JSON output and functions exclude each other ("Function calling with a response mime type:
    'application/json' is unsupported"): https://ai.google.dev/gemini-api/docs/structured-output
    """
    format_type = (request.get("response_format") or {}).get("type")
    if format_type not in ("json_object", "json_schema") or context.target.facts.reasoning not in ("budget", "none"):
        return None
    if not tools or "functionDeclarations" not in tools[0]:
        return None
    if choice is not None and choice["mode"] == "NONE":
        tools.clear()
        return None
    names = {declaration["name"] for declaration in tools[0]["functionDeclarations"]}
    name = _JSON_TOOL
    while name in names:
        name += "_"
    return name


def _with_json_tool(
    request: ChatRequest, name: str, tools: list[JsonObject], choice: JsonObject | None, context: GeminiWriteContext
) -> JsonObject:
    """Add the tool and return the choice by which the model has to call it or one of the caller's."""
    json_schema: Any = request["response_format"].get("json_schema") or {}
    path = "response_format.json_schema.schema"
    schema = write_schema(
        json_schema.get("schema") or {"type": "object"}, path, context, strict=json_schema.get("strict") is True
    )
    declaration = {"name": name, "description": _JSON_TOOL_TEXT, "parametersJsonSchema": schema}
    tools[0] = {"functionDeclarations": [*tools[0]["functionDeclarations"], declaration]}
    if choice is not None and choice["mode"] in ("AUTO", "VALIDATED"):
        context.drops.degraded("tool_choice")  # the answer itself is a forced call
    if choice is None or choice["mode"] == "AUTO":
        return {"mode": "ANY"}
    if choice["mode"] == "VALIDATED":
        return {"mode": "ANY", "allowedFunctionNames": [*choice["allowedFunctionNames"], name]}
    if "allowedFunctionNames" in choice:
        return choice
    caller_names = [declaration["name"] for declaration in tools[0]["functionDeclarations"][:-1]]
    return {**choice, "allowedFunctionNames": caller_names}


def _tool_config(choice: JsonObject | None, tools: list[JsonObject], context: GeminiWriteContext) -> JsonObject:
    config: JsonObject = {"functionCallingConfig": choice} if choice and tools else {}
    has_both = any("functionDeclarations" in tool for tool in tools) and len(tools) > 1
    if has_both and is_gemini_3(context) and context.accent.server_tools_shown:
        config["includeServerSideToolInvocations"] = True
    return config


def _merge(body: JsonObject, extra: JsonObject) -> None:
    """Put Google's own parameters where Google has them, into the objects that are there already."""
    for name, value in extra.items():
        present = body.get(name)
        if isinstance(present, dict) and isinstance(value, dict):
            body[name] = present = dict(present)
            _merge(present, value)
        else:
            body[name] = value
