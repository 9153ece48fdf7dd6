"""A whole response: Message -> hub."""

from __future__ import annotations

from typing import Any, cast

from dragoman.dialects.anthropic_messages.assistant_read import AssistantBlocks
from dragoman.dialects.anthropic_messages.errors import error_in_body, invalid_shape
from dragoman.dialects.anthropic_messages.finish_reasons import finish_reason
from dragoman.dialects.anthropic_messages.tool_use import WRAPPED_SUFFIX
from dragoman.dialects.anthropic_messages.usage import read_usage
from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.json_text import dump_json
from dragoman.errors import BadRequestError
from dragoman.types.chat import ChatResponse
from dragoman.types.json import JsonObject

__all__ = ["KEPT_FIELDS", "json_content", "read_response", "response_tier"]

KEPT_FIELDS = ("container", "context_management", "stop_details", "diagnostics")
"""Fields beside the content that have no place in the hub; given back where an Anthropic client asks."""
_TIERS = {"standard": "default", "priority": "priority"}


def read_response(body: JsonObject, context: ReplyContext) -> ChatResponse:
    if body.get("type") == "error" or ("content" not in body and "error" in body):
        raise error_in_body(body, context)
    content = body.get("content")
    if not isinstance(content, list):
        raise invalid_shape("no content")
    message, answer = _read_message(content, context)
    kept = {key: body[key] for key in KEPT_FIELDS if body.get(key) is not None}
    native = body.get("stop_reason")
    choice: JsonObject = {
        "index": 0,
        "message": message,
        "finish_reason": finish_reason(native, has_tool_calls="tool_calls" in message),
    }
    if isinstance(native, str):
        choice["native_finish_reason"] = native
    if isinstance(body.get("stop_sequence"), str):
        choice["stop_sequence"] = body["stop_sequence"]
    if kept or answer:
        choice["provider_specific_fields"] = kept | answer
    usage = read_usage(body.get("usage"))
    response: JsonObject = {
        "id": body["id"] if isinstance(body.get("id"), str) and body["id"] else context.reply_id,
        "object": "chat.completion",
        "created": context.created,
        "model": body["model"] if isinstance(body.get("model"), str) else context.model,
        "choices": [choice],
    }
    if usage is not None:
        response["usage"] = usage
    return cast(ChatResponse, response | response_tier(body.get("usage")))


def response_tier(usage: object) -> JsonObject:
    """OpenAI's word for the tier that served the call, to be merged into the response."""
    tier = usage.get("service_tier") if isinstance(usage, dict) else None
    return {"service_tier": _TIERS[tier]} if isinstance(tier, str) and tier in _TIERS else {}


def _read_message(content: list[Any], context: ReplyContext) -> tuple[JsonObject, JsonObject]:
    """The message, and what was said beside an answer that came as the arguments of its tool."""
    blocks = AssistantBlocks(context.vendor, context.tool_names)
    answer: str | None = None
    try:
        for number, block in enumerate(content):
            if not isinstance(block, dict):
                raise invalid_shape(f"content[{number}] is no object")
            if (
                context.json_tool is not None
                and block.get("type") == "tool_use"
                and block.get("name") == context.json_tool
            ):
                answer = answer or json_content(block.get("input"), context.json_tool)
            else:
                blocks.add(block, f"content[{number}]")
    except BadRequestError as error:
        raise invalid_shape(error.message) from None
    message = blocks.message()
    if answer is None:
        return message, {}
    beside = message["content"]
    for key in ("annotations", "block_order"):
        message.pop(key, None)
    return message | {"content": answer}, ({"text_beside_answer": beside} if beside else {})


def json_content(given: object, json_tool: str) -> str:
    """The answer in the arguments of the tool that stood in for structured output."""
    if json_tool.endswith(WRAPPED_SUFFIX) and isinstance(given, dict) and "value" in given:
        return dump_json(given["value"])
    return dump_json(given if given is not None else {})
