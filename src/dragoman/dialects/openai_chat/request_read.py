"""A caller's request: wire -> hub. The hub is the same shape, so this is mostly a check."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from dragoman.dialects.codec import RequestHints
from dragoman.dialects.openai_chat.messages_read import read_message
from dragoman.dialects.provider_tools import provider_tool
from dragoman.dialects.validation import bad, expect, expect_list, expect_object, expect_str, optional, wrong_type
from dragoman.types.chat import ChatRequest
from dragoman.types.json import JsonObject
from dragoman.types.request_params import PARAM_TYPES

__all__ = ["check_fields", "read_model", "read_request", "text_or_texts"]


def read_request(body: JsonObject, hints: RequestHints) -> ChatRequest:
    request = check_fields(body, PARAM_TYPES["chat"])
    request["model"] = read_model(body, hints)
    if body.get("messages") is None:
        raise bad("messages", "is missing: expected an array", code="missing_required_parameter")
    messages = expect_list(body["messages"], "messages")
    if not messages:
        raise bad("messages", "expected at least one message", code="empty_array")
    request["messages"] = [read_message(message, f"messages[{index}]") for index, message in enumerate(messages)]
    text_or_texts(request, "stop")
    for index, word in enumerate(request.get("modalities") or ()):
        expect_str(word, f"modalities[{index}]")
    for key in ("tool_choice", "function_call"):
        _choice(request, key)
    if "tools" in request:
        request["tools"] = [_tool(tool, f"tools[{index}]") for index, tool in enumerate(request["tools"])]
    _structured_output(request)
    _vendor_params(request)
    return cast(ChatRequest, request)


def check_fields(body: JsonObject, fields: Mapping[str, type]) -> JsonObject:
    """A copy of `body` whose known fields have the right types; null is the same as not there. Unknown ones are kept."""
    checked = dict(body)
    for key, value in body.items():
        kind = fields.get(key)
        if kind is None:
            continue
        if value is None:
            del checked[key]
        elif kind is int and isinstance(value, float) and value.is_integer():
            checked[key] = int(value)
        else:
            expect(value, kind, key)
    return checked


def read_model(body: JsonObject, hints: RequestHints) -> str:
    """The body's model, or the one that the address names."""
    if body.get("model") is None and hints.model:
        return hints.model
    model = expect_str(body.get("model"), "model")
    if not model:
        raise bad("model", "expected a name")
    return model


def text_or_texts(request: JsonObject, key: str) -> None:
    """`stop`: one string or several; null is the same as not there."""
    value = request.get(key)
    if value is None:
        request.pop(key, None)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            expect_str(item, f"{key}[{index}]")
    elif not isinstance(value, str):
        raise wrong_type(key, "a string or an array of strings", value)


def _choice(request: JsonObject, key: str) -> None:
    value = request.get(key)
    if value is None:
        request.pop(key, None)
    elif isinstance(value, dict):
        if "function" in value:
            expect_str(expect_object(value["function"], f"{key}.function").get("name"), f"{key}.function.name")
        if value.get("type") == "allowed_tools":
            allowed = expect_object(value.get("allowed_tools"), f"{key}.allowed_tools")
            for index, tool in enumerate(expect_list(allowed.get("tools"), f"{key}.allowed_tools.tools")):
                expect_object(tool, f"{key}.allowed_tools.tools[{index}]")
    elif not isinstance(value, str):
        raise wrong_type(key, "a string or an object", value)


def _structured_output(request: JsonObject) -> None:
    response_format = request.get("response_format")
    if response_format is not None:
        expect_str(response_format.get("type"), "response_format.type")
        schema = optional(response_format, "json_schema", dict, "response_format") or {}
        optional(schema, "schema", dict, "response_format.json_schema")


def _tool(tool: Any, path: str) -> JsonObject:
    tool = expect_object(tool, path)
    if "function" in tool:
        function = expect_object(tool["function"], f"{path}.function")
        expect_str(function.get("name"), f"{path}.function.name")
        optional(function, "description", str, f"{path}.function")
        optional(function, "parameters", dict, f"{path}.function")
        if "cache_control" in function:  # LiteLLM's users write the mark here too
            function = dict(function)
            tool = {"cache_control": function.pop("cache_control"), **tool, "function": function}
        return tool if "type" in tool else {"type": "function", **tool}
    if tool.get("type") == "function":
        raise wrong_type(f"{path}.function", "an object", None)
    return provider_tool(tool) or tool


def _vendor_params(request: JsonObject) -> None:
    for vendor, params in (request.get("vendor_params") or {}).items():
        expect_object(params, f"vendor_params.{vendor}")
