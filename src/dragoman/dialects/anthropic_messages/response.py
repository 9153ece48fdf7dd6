"""A whole answer: Anthropic's Message and the hub's response."""

from __future__ import annotations

from typing import Any, cast

from dragoman.dialects.anthropic_messages.assistant_read import AssistantBlocks
from dragoman.dialects.anthropic_messages.assistant_write import assistant_blocks
from dragoman.dialects.anthropic_messages.constants import VENDOR, WRAPPED_SUFFIX, dump_json, invalid_shape
from dragoman.dialects.anthropic_messages.errors import error_in_body
from dragoman.dialects.anthropic_messages.finish_reasons import finish_reason, stop_reason
from dragoman.dialects.anthropic_messages.reply_style import caller_style, legacy_call, spoken_text
from dragoman.dialects.anthropic_messages.sealing import seal_reasoning_text
from dragoman.dialects.anthropic_messages.usage import read_usage, write_usage
from dragoman.dialects.dialect import ReplyContext, ReplyStyle
from dragoman.errors import BadRequestError
from dragoman.types.chat import ChatResponse
from dragoman.types.json import JsonObject

__all__ = ["json_content", "read_response", "response_tier", "write_response"]

_KEPT = ("container", "context_management", "stop_details", "diagnostics")
"""Fields beside the content that have no place in the hub; given back where an Anthropic client asks."""
_TIERS = {"standard": "default", "priority": "priority"}


def read_response(body: JsonObject, context: ReplyContext) -> ChatResponse:
    if body.get("type") == "error" or ("content" not in body and "error" in body):
        raise error_in_body(body, context)
    content = body.get("content")
    if not isinstance(content, list):
        raise invalid_shape("no content")
    message, answer = _read_message(content, context)
    kept = {key: body[key] for key in _KEPT if body.get(key) is not None}
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


def write_response(response: ChatResponse, context: ReplyStyle) -> JsonObject:
    """A Message of the first choice: Anthropic has no others."""
    hub = cast(JsonObject, response)
    choices = hub.get("choices") or [{}]
    choice: JsonObject = choices[0]
    message: JsonObject = choice.get("message") or {}
    content = _write_content(message, context)
    calls = any(block["type"] == "tool_use" for block in content)
    reason = stop_reason(choice, has_tool_calls=calls, refused=bool(message.get("refusal")))
    kept = choice.get("provider_specific_fields") or {}
    return {
        "id": hub.get("id") or "msg_unknown",
        "type": "message",
        "role": "assistant",
        "model": context.model or hub.get("model") or "",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": choice.get("stop_sequence") if reason == "stop_sequence" else None,
        "usage": write_usage(response.get("usage"), hub.get("service_tier")),
    } | {key: kept[key] for key in _KEPT if isinstance(kept, dict) and kept.get(key) is not None}


def _write_content(message: JsonObject, context: ReplyStyle) -> list[JsonObject]:
    message = legacy_call(message)
    spoken = spoken_text(message)
    if spoken and not message.get("content"):
        message = message | {"content": spoken}
    blocks = assistant_blocks(message, caller_style(context.vendor or VENDOR))
    reasoning = message.get("reasoning_content")
    if isinstance(reasoning, str) and reasoning and not message.get("thinking_blocks"):
        blocks.insert(0, seal_reasoning_text(reasoning))
    return blocks
