"""The reasoning of earlier turns: hub -> wire, in the field in which the provider takes it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.openai_chat.accent import ChatWriteContext, ReasoningBack
from dragoman.dialects.openai_chat.message_fields import reasoning_text
from dragoman.dialects.openai_chat.reasoning_details import details_of
from dragoman.dialects.openai_chat.turn_rules import parts_of
from dragoman.types.json import JsonObject

__all__ = ["PLACEHOLDER", "with_placeholders", "write_reasoning_back"]

PLACEHOLDER = " "
"""Stands for reasoning that is demanded and does not exist. Not empty: some providers take an empty text for a missing one."""
_Write = Callable[[JsonObject, JsonObject, str, ChatWriteContext], None]


def write_reasoning_back(wire: JsonObject, message: JsonObject, context: ChatWriteContext) -> None:
    """Put the reasoning of an assistant's `message` into `wire`, or report that the provider has no place for it."""
    text = _text(message)
    form = context.accent.reasoning_back
    if form in _FORMS and (text or form == "reasoning_details"):
        _FORMS[form](wire, message, text, context)
    elif text:
        context.drops.degraded("reasoning_content")


def _text(message: JsonObject) -> str:
    """Return the reasoning that can be read, from whichever field the caller keeps it in."""
    text = reasoning_text(message)
    blocks = message.get("thinking_blocks")
    if text or not isinstance(blocks, list):
        return text
    return "".join(
        block["thinking"] for block in blocks if isinstance(block, dict) and isinstance(block.get("thinking"), str)
    )


def with_placeholders(messages: list[Any], context: ChatWriteContext) -> list[Any]:
    """The conversation as a model takes it that demands its own reasoning beside its tool calls. Another model's turns, and
    those of a client that strips it, have none: https://api-docs.deepseek.com/guides/thinking_mode,
    https://platform.xiaomimimo.com/docs/en-US/usage-guide/passing-back-reasoning_content"""
    if not any(_is_assistant(message) and message.get("tool_calls") for message in messages):
        return messages
    lacking = {index for index, message in enumerate(messages) if _is_assistant(message) and not _text(message)}
    if not lacking:
        return messages
    context.drops.degraded("reasoning_content")
    return [
        {**message, "reasoning_content": PLACEHOLDER} if index in lacking else message
        for index, message in enumerate(messages)
    ]


def _is_assistant(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") == "assistant"


def _as(key: str) -> _Write:
    def write(wire: JsonObject, message: JsonObject, text: str, context: ChatWriteContext) -> None:
        wire[key] = text

    return write


def _details(wire: JsonObject, message: JsonObject, text: str, context: ChatWriteContext) -> None:
    details = details_of(message, context.target.vendor)  # type: ignore[arg-type]  # a hub message is a dict
    if details:
        wire["reasoning_details"] = details
    elif text:
        wire["reasoning"] = text


def _thinking_parts(wire: JsonObject, message: JsonObject, text: str, context: ChatWriteContext) -> None:
    part = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
    wire["content"] = [part, *parts_of(wire.get("content"))]


def _tagged(wire: JsonObject, message: JsonObject, text: str, context: ChatWriteContext) -> None:
    tag, content = context.target.facts.reasoning_tag or "think", wire.get("content")
    thought = f"<{tag}>\n{text}\n</{tag}>\n\n"
    if isinstance(content, list):
        wire["content"] = [{"type": "text", "text": thought}, *content]
    else:
        wire["content"] = thought + (content or "")


def _thinking_blocks(wire: JsonObject, message: JsonObject, text: str, context: ChatWriteContext) -> None:
    wire["reasoning_content"] = text
    blocks = [
        {key: value for key, value in block.items() if key not in ("vendor", "index")}
        for block in message.get("thinking_blocks") or ()
        if block.get("vendor") in (None, context.target.vendor) and (block.get("signature") or block.get("data"))
    ]
    if blocks:
        wire["thinking_blocks"] = blocks


_FORMS: dict[ReasoningBack, _Write] = {
    "reasoning_content": _as("reasoning_content"),
    "reasoning": _as("reasoning"),
    "reasoning_details": _details,
    "thinking_parts": _thinking_parts,
    "thinking_blocks": _thinking_blocks,
    "tagged": _tagged,
}
