"""The blocks of an assistant's message, in the order in which the model made them."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

from dragoman.types.chat import Message

__all__ = ["blocks_in_order"]


def blocks_in_order(message: Message) -> Iterator[tuple[str, Any]]:
    """Yield pairs of a kind (`text`, `part`, `thinking`, `tool_call`, `provider_tool`, `image`) and the block.

    What `block_order` does not name, or names too often, comes as in a message without one: reasoning, blocks of
    provider-run tools, text, images, tool calls.
    """
    blocks = _blocks_by_kind(message)
    content = message.get("content") or ""
    order = message.get("block_order")
    if order:
        text = content if isinstance(content, str) else "".join(part.get("text") or "" for part in content)
        content = yield from _named_blocks(order, text, blocks)
    yield from _pairs(blocks, "thinking", "provider_tool")
    if isinstance(content, list):
        yield from (("part", part) for part in content)
    elif content:
        yield "text", content
    yield from _pairs(blocks, "image", "tool_call")


def _named_blocks(order: list[str], text: str, blocks: dict[str, deque[Any]]) -> Generator[tuple[str, Any], None, str]:
    """Yield the blocks that `order` names, taken out of `blocks`, and return the rest of `text`."""
    start = 0
    for entry in order:
        kind, _, length = entry.partition(":")
        if kind == "text" and _is_length(length):
            yield "text", text[start : start + int(length)]
            start += int(length)
        elif blocks.get(kind):
            yield kind, blocks[kind].popleft()
    return text[start:]


def _is_length(digits: str) -> bool:
    return digits.isascii() and digits.isdigit() and len(digits) < 12


def _pairs(blocks: dict[str, deque[Any]], *kinds: str) -> Iterator[tuple[str, Any]]:
    return ((kind, block) for kind in kinds for block in blocks[kind])


def _blocks_by_kind(message: Message) -> dict[str, deque[Any]]:
    calls: list[Any] = list(message.get("tool_calls") or ())
    function = message.get("function_call")  # the older shape of a call
    if function:
        calls.append({"type": "function", "function": function})
    return {
        "thinking": deque(message.get("thinking_blocks") or ()),
        "provider_tool": deque(message.get("provider_tool_blocks") or ()),
        "image": deque(message.get("images") or ()),
        "tool_call": deque(calls),
    }
