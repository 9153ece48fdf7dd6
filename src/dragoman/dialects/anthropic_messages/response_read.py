"""A whole response: Message -> hub."""

from __future__ import annotations

from typing import Any, cast

from dragoman.dialects.anthropic_messages.assistant_read import AssistantBlocks
from dragoman.dialects.anthropic_messages.errors import error_in_body, invalid_shape
from dragoman.dialects.anthropic_messages.finish_reasons import choice_end
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
    message, extra = _read_message(content, context)
    choice: JsonObject = {"index": 0, "message": message} | choice_end(body, has_tool_calls="tool_calls" in message)
    extra |= {key: body[key] for key in KEPT_FIELDS if body.get(key) is not None}
    if extra:
        choice["provider_specific_fields"] = extra
    usage = read_usage(body.get("usage"))
    response: JsonObject = {
        "id": _text(body.get("id"), context.reply_id),
        "object": "chat.completion",
        "created": context.created,
        "model": _text(body.get("model"), context.model),
        "choices": [choice],
    }
    if usage is not None:
        response["usage"] = usage
    return cast(ChatResponse, response | response_tier(body.get("usage")))


def _text(value: object, default: str) -> str:
    return value if isinstance(value, str) and value else default


def response_tier(usage: object) -> JsonObject:
    """Return OpenAI's word for the tier that served the call, to be merged into the response."""
    tier = usage.get("service_tier") if isinstance(usage, dict) else None
    return {"service_tier": _TIERS[tier]} if isinstance(tier, str) and tier in _TIERS else {}


def _read_message(content: list[Any], context: ReplyContext) -> tuple[JsonObject, JsonObject]:
    """Return the message, and the text beside an answer that came as the arguments of its tool."""
    blocks = AssistantBlocks(context.vendor, context.tool_names)
    answer: str | None = None
    try:
        for number, block in enumerate(content):
            if not isinstance(block, dict):
                raise invalid_shape(f"content[{number}] is no object")
            if _is_answer(block, context):
                answer = answer or json_content(block.get("input"), block["name"])
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


def _is_answer(block: JsonObject, context: ReplyContext) -> bool:
    """Whether the block calls the tool that stands in for structured output."""
    return context.json_tool is not None and block.get("type") == "tool_use" and block.get("name") == context.json_tool


def json_content(arguments: object, json_tool: str) -> str:
    """Return the answer in the arguments of the tool that stood in for structured output."""
    if json_tool.endswith(WRAPPED_SUFFIX) and isinstance(arguments, dict) and "value" in arguments:
        return dump_json(arguments["value"])
    return dump_json(arguments if arguments is not None else {})
