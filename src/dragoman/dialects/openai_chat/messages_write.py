"""The messages of a request: hub -> wire."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.call_pairs import paired
from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.dialects.openai_chat.message_write import write_message
from dragoman.dialects.openai_chat.turn_rules import alternate_roles, fit_last_turn, one_system
from dragoman.types.json import JsonObject

__all__ = ["write_messages"]


def write_messages(messages: list[Any], context: ChatWriteContext) -> list[JsonObject]:
    accent = context.accent
    written: list[JsonObject] = []
    media: list[JsonObject] = []
    for index, message in paired(messages, accent.tool_call_id):
        if media and message.get("role") not in ("tool", "function"):
            written.append({"role": "user", "content": media})
            media = []
        wire = write_message(message, f"messages[{index}]", context)
        if wire.get("role") == "tool" and not accent.tool_media and isinstance(wire.get("content"), list):
            media += _take_media(wire)
        written.append(wire)
    if media:
        written.append({"role": "user", "content": media})
    if accent.single_system:
        written = one_system(written)
    if accent.alternate:
        written = alternate_roles(written)
    return fit_last_turn(written, len(messages) - 1, context)


def _take_media(tool: JsonObject) -> list[JsonObject]:
    """OpenAI's tool messages hold text only: the rest follows in a user message, which names the call."""
    media = [part for part in tool["content"] if part.get("type") != "text"]
    if not media:
        return []
    words = [part for part in tool["content"] if part.get("type") == "text"]
    tool["content"] = words or "(the result follows in the next user message)"
    return [{"type": "text", "text": f"Result of tool call {tool.get('tool_call_id', '')}:"}, *media]
