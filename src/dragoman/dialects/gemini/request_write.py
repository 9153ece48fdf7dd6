"""A request of the hub, written for Google."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.dialect import Target, WireRequest
from dragoman.dialects.drop_list import DropList
from dragoman.dialects.foreign_text import with_summaries
from dragoman.dialects.gemini.assistant_write import Writing
from dragoman.dialects.gemini.messages_write import write_contents
from dragoman.dialects.gemini.params_write import accent_of, report_unsupported, write_body_params, write_config
from dragoman.dialects.gemini.references import has_dangling_reference
from dragoman.dialects.gemini.tools_write import wire_names, write_schema, write_tool_choice, write_tools
from dragoman.dialects.gemini.validation import check_request
from dragoman.dialects.provider_tools import report_foreign_blocks
from dragoman.dialects.reasoning import report_foreign_reasoning
from dragoman.dialects.vendor_params import own_params
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject

__all__ = ["address", "relay_request", "wanted", "write_body", "write_request"]

_JSON_TOOL = "json_answer"
_JSON_TOOL_TEXT = "Gives the final answer. Call it, once, when the answer is ready; its arguments are the answer."


def write_request(request: ChatRequest, target: Target) -> WireRequest:
    drops = DropList(target)
    request = wanted(request, drops)
    request = {**request, "messages": with_summaries(request["messages"], (target.vendor,))}
    writing = Writing(target, drops, wire_names(request))
    report_foreign_blocks(request.get("messages"), (target.vendor,), drops)
    report_foreign_reasoning(request.get("messages"), (target.vendor,), drops)
    body, json_tool = write_body(request, writing)
    path, query = address(target)
    return WireRequest(
        body=body,
        path=path,
        query=query,
        dropped=writing.drops.dropped,
        tool_names=writing.names.to_caller,
        json_tool=json_tool,
    )


def wanted(request: ChatRequest, drops: DropList) -> ChatRequest:
    """The request, found to be well-formed, without what its caller wants left out in any case."""
    check_request(request)
    unwanted = [name for name in request if drops.is_dropped(name) and name not in ("model", "messages")]
    if not unwanted:
        return request
    for name in unwanted:
        drops.unsupported(name)
    kept: Any = {name: value for name, value in request.items() if name not in unwanted}
    return kept  # type: ignore[no-any-return]


def relay_request(body: JsonObject, target: Target) -> WireRequest | None:
    """The caller's own body: the model stands in the address. None where Google would refuse a result in it."""
    if has_dangling_reference(body):
        return None
    path, query = address(target)
    return WireRequest(body=body, path=path, query=query)


def address(target: Target) -> tuple[str, dict[str, str]]:
    model = target.model.removeprefix("models/")
    if target.stream:
        return f"/models/{model}:streamGenerateContent", {"alt": "sse"}
    return f"/models/{model}:generateContent", {}


def write_body(request: ChatRequest, writing: Writing) -> tuple[JsonObject, str | None]:
    """The body, and the tool in it that stands in for structured output."""
    contents = write_contents(request["messages"], writing)
    body: JsonObject = {"contents": contents.turns}
    if contents.system:
        body["systemInstruction"] = {"parts": contents.system}
    tools = write_tools(request, writing)
    choice = write_tool_choice(request, writing) if tools else None
    json_tool = _json_tool(request, tools, choice, writing)
    if json_tool is not None:
        choice = _with_json_tool(request, json_tool, tools, choice, writing)
    if tools:
        body["tools"] = tools
    tool_config = _tool_config(choice, tools, writing)
    if tool_config:
        body["toolConfig"] = tool_config
    config = write_config(request, writing, native_json=json_tool is None)
    if config:
        body["generationConfig"] = config
    body.update(write_body_params(request, writing))
    report_unsupported(request, body, writing)
    params = own_params(request, (writing.target.vendor,), writing.drops)
    _merge(body, params)
    return body, json_tool


def _json_tool(
    request: ChatRequest, tools: list[JsonObject], choice: JsonObject | None, writing: Writing
) -> str | None:
    """Before Gemini 3, JSON output and functions exclude each other ("Function calling with a response mime type:
    'application/json' is unsupported"): then the answer is the arguments of a function."""
    wanted = (request.get("response_format") or {}).get("type")
    if wanted not in ("json_object", "json_schema") or writing.target.facts.reasoning not in ("budget", "none"):
        return None
    if not tools or "functionDeclarations" not in tools[0]:
        return None
    if choice is not None and choice["mode"] == "NONE":
        tools.clear()
        return None
    taken = {declaration["name"] for declaration in tools[0]["functionDeclarations"]}
    name = _JSON_TOOL
    while name in taken:
        name += "_"
    return name


def _with_json_tool(
    request: ChatRequest, name: str, tools: list[JsonObject], choice: JsonObject | None, writing: Writing
) -> JsonObject:
    """Add the tool; the model has to call it or one of the caller's."""
    wanted: Any = request["response_format"].get("json_schema") or {}
    path = "response_format.json_schema.schema"
    schema = write_schema(
        wanted.get("schema") or {"type": "object"}, path, writing, strict=wanted.get("strict") is True
    )
    declaration = {"name": name, "description": _JSON_TOOL_TEXT, "parametersJsonSchema": schema}
    tools[0] = {"functionDeclarations": [*tools[0]["functionDeclarations"], declaration]}
    if choice is not None and choice["mode"] in ("AUTO", "VALIDATED"):
        writing.drops.degraded("tool_choice")  # the answer itself is a call that is demanded
    if choice is None or choice["mode"] == "AUTO":
        return {"mode": "ANY"}
    if choice["mode"] == "VALIDATED":
        return {"mode": "ANY", "allowedFunctionNames": [*choice["allowedFunctionNames"], name]}
    if "allowedFunctionNames" in choice:
        return choice
    others = [declaration["name"] for declaration in tools[0]["functionDeclarations"][:-1]]
    return {**choice, "allowedFunctionNames": others}


def _tool_config(choice: JsonObject | None, tools: list[JsonObject], writing: Writing) -> JsonObject:
    config: JsonObject = {"functionCallingConfig": choice} if choice and tools else {}
    both = any("functionDeclarations" in tool for tool in tools) and len(tools) > 1
    if both and writing.is_gemini_3 and accent_of(writing).server_tools_shown:
        config["includeServerSideToolInvocations"] = True
    return config


def _merge(body: JsonObject, extra: JsonObject) -> None:
    """Google's own parameters, put where Google has them; what is there already is extended."""
    for name, value in extra.items():
        known = body.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            body[name] = known = dict(known)
            _merge(known, value)
        else:
            body[name] = value
