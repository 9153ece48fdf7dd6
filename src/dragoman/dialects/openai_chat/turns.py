"""The conversation as a whole: hub -> wire. Roles, the order of turns, and media that a tool message cannot hold."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.call_pairs import paired
from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.dialects.openai_chat.messages_write import write_message
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
        written = _one_system(written)
    if accent.alternate:
        written = _alternate(written)
    return _last_turn(written, len(messages) - 1, context)


def _take_media(tool: JsonObject) -> list[JsonObject]:
    """OpenAI's tool messages hold text only: the rest follows in a user message, which names the call."""
    media = [part for part in tool["content"] if part.get("type") != "text"]
    if not media:
        return []
    words = [part for part in tool["content"] if part.get("type") == "text"]
    tool["content"] = words or "(the result follows in the next user message)"
    return [{"type": "text", "text": f"Result of tool call {tool.get('tool_call_id', '')}:"}, *media]


def _one_system(messages: list[JsonObject]) -> list[JsonObject]:
    system = [message for message in messages if message.get("role") == "system"]
    if len(system) < 2 and messages[:1] == system[:1]:
        return messages
    if not system:
        return messages
    joined = {"role": "system", "content": "\n\n".join(_words(message.get("content")) for message in system)}
    return [joined, *(message for message in messages if message.get("role") != "system")]


def _words(content: Any) -> str:
    if isinstance(content, list):
        return "\n\n".join(str(part.get("text") or "") for part in content)
    return content or ""


def _alternate(messages: list[JsonObject]) -> list[JsonObject]:
    """Join neighbours of the same role, user or assistant."""
    turns: list[JsonObject] = []
    for message in messages:
        last = turns[-1] if turns else None
        if last is None or message.get("role") != last.get("role") or message["role"] not in ("user", "assistant"):
            turns.append(message)
        elif message["role"] == "user" or not (last.get("tool_calls") or message.get("tool_calls")):
            turns[-1] = {**last, "content": _join(last.get("content"), message.get("content"))}
        else:
            turns.append(message)
    return turns


def _join(first: Any, second: Any) -> Any:
    if not isinstance(first, list) and not isinstance(second, list):
        return "\n\n".join(text for text in (first, second) if text)
    return [*_parts(first), *_parts(second)]


def _parts(content: Any) -> list[Any]:
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def _last_turn(messages: list[JsonObject], index: int, context: ChatWriteContext) -> list[JsonObject]:
    """A last assistant message is one that the model is to continue."""
    last = messages[-1] if messages else {}
    if last.get("role") != "assistant" or last.get("tool_calls"):
        return messages
    mark = context.accent.prefill
    if mark:
        return [*messages[:-1], {**last, mark: True}]
    if context.accent.last_must_be_user or context.target.facts.prefill is False:
        context.drops.unsupported(f"messages[{index}]", "the last message cannot be the assistant's")
        return messages[:-1]
    return messages
