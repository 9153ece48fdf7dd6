"""A whole response: hub -> Message."""

from __future__ import annotations

from typing import cast

from dragoman.dialects.anthropic_messages.assistant_write import assistant_blocks
from dragoman.dialects.anthropic_messages.caller_blocks import caller_style, legacy_call, spoken_text
from dragoman.dialects.anthropic_messages.finish_reasons import stop_reason
from dragoman.dialects.anthropic_messages.response_read import KEPT_FIELDS
from dragoman.dialects.anthropic_messages.sealed_blocks import seal_reasoning_text
from dragoman.dialects.anthropic_messages.usage import write_usage
from dragoman.dialects.anthropic_messages.vendor import VENDOR
from dragoman.dialects.codec import ReplyStyle
from dragoman.types.chat import ChatResponse
from dragoman.types.json import JsonObject

__all__ = ["write_response"]


def write_response(response: ChatResponse, context: ReplyStyle) -> JsonObject:
    """Return a Message of the first choice: Anthropic has no others."""
    hub = cast(JsonObject, response)
    choices = hub.get("choices") or [{}]
    choice: JsonObject = choices[0]
    message: JsonObject = choice.get("message") or {}
    content = _write_content(message, context)
    calls = any(block["type"] == "tool_use" for block in content)
    reason = stop_reason(choice, has_tool_calls=calls, refused=bool(message.get("refusal")))
    return {
        "id": hub.get("id") or "msg_unknown",
        "type": "message",
        "role": "assistant",
        "model": context.model or hub.get("model") or "",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": choice.get("stop_sequence") if reason == "stop_sequence" else None,
        "usage": write_usage(response.get("usage"), hub.get("service_tier")),
    } | _kept_fields(choice)


def _kept_fields(choice: JsonObject) -> JsonObject:
    fields = choice.get("provider_specific_fields")
    kept = fields if isinstance(fields, dict) else {}
    return {key: kept[key] for key in KEPT_FIELDS if kept.get(key) is not None}


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
