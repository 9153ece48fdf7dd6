"""The rules of some providers about the turns of a conversation: where instructions stand, and whose turn it is."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.openai_chat.accent import ChatWriteContext
from dragoman.types.json import JsonObject

__all__ = ["alternate_roles", "fit_last_turn", "one_system", "parts_of"]


def one_system(messages: list[JsonObject]) -> list[JsonObject]:
    """Join all system messages into one, which comes first."""
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


def alternate_roles(messages: list[JsonObject]) -> list[JsonObject]:
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
    return [*parts_of(first), *parts_of(second)]


def parts_of(content: Any) -> list[Any]:
    """Return content as a list of parts."""
    if isinstance(content, list):
        return content
    return [{"type": "text", "text": content}] if content else []


def fit_last_turn(messages: list[JsonObject], index: int, context: ChatWriteContext) -> list[JsonObject]:
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
