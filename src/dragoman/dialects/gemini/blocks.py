"""The blocks of an assistant's message, in the order in which they were made."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from dragoman.types.chat import Message

__all__ = ["blocks_in_order"]


def blocks_in_order(message: Message) -> Iterator[tuple[str, Any]]:
    """Pairs of a kind (`text`, `part`, `thinking`, `tool_call`, `provider_tool`, `image`) and the block.

    What `block_order` does not name, or names too often, is taken as in a message without one: reasoning, what the
    provider's tools did, text, images, tool calls.
    """
    lists: dict[str, deque[Any]] = {
        "thinking": deque(message.get("thinking_blocks") or ()),
        "provider_tool": deque(message.get("provider_tool_blocks") or ()),
        "image": deque(message.get("images") or ()),
        "tool_call": deque(_calls(message)),
    }
    order = message.get("block_order") or []
    content = message.get("content") or ""
    if isinstance(content, list) and order:
        content = "".join(part.get("text") or "" for part in content)
    at = 0
    for entry in order:
        kind, _, count = entry.partition(":")
        if kind == "text" and count.isascii() and count.isdigit() and len(count) < 12 and isinstance(content, str):
            yield "text", content[at : at + int(count)]
            at += int(count)
        elif lists.get(kind):
            yield kind, lists[kind].popleft()
    for kind in ("thinking", "provider_tool"):
        yield from ((kind, block) for block in lists[kind])
    if isinstance(content, list):
        yield from (("part", part) for part in content)
    elif content[at:]:
        yield "text", content[at:]
    for kind in ("image", "tool_call"):
        yield from ((kind, block) for block in lists[kind])


def _calls(message: Message) -> list[Any]:
    calls: list[Any] = list(message.get("tool_calls") or ())
    old = message.get("function_call")
    return [*calls, {"type": "function", "function": old}] if old else calls
