"""The hub's assistant message, as Anthropic's content blocks in their order.

Two readers want them: a target (whose own things it gets, others are left out) and a caller (who keeps what is foreign, sealed).
`BlockStyle` is all in which they differ.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from dragoman.dialects.anthropic_messages.citations import span_of
from dragoman.types.json import JsonObject

__all__ = ["BlockStyle", "assistant_blocks", "text_of"]


@dataclass(frozen=True, slots=True)
class BlockStyle:
    """How each kind of item is written; None or an empty list leaves it out."""

    thinking: Callable[[JsonObject], JsonObject | None]
    tool_call: Callable[[JsonObject], list[JsonObject]]
    provider_tool: Callable[[JsonObject], JsonObject | None]
    citation: Callable[[JsonObject, str], JsonObject | None]
    image: Callable[[JsonObject], JsonObject | None]
    blank_text: bool = True
    """Whether text of nothing but white space is kept. Anthropic refuses it in a request."""


def text_of(content: object) -> list[JsonObject]:
    """An assistant's content as text parts: `text`, and `cache_control` where one was set. A refusal is text here."""
    if isinstance(content, str):
        return [{"text": content}]
    parts: list[JsonObject] = []
    for part in content if isinstance(content, list) else []:
        text = (part.get("text") or part.get("refusal")) if isinstance(part, dict) else None
        if isinstance(text, str):
            mark = part.get("cache_control")
            parts.append({"text": text} | ({"cache_control": mark} if isinstance(mark, dict) else {}))
    return parts


def assistant_blocks(message: JsonObject, style: BlockStyle) -> list[JsonObject]:
    """The blocks in `block_order`, or in the usual order. Empty text is left out."""
    parts = text_of(message.get("content"))
    items: dict[str, Iterator[list[JsonObject]]] = {
        "thinking": (_listed(style.thinking(item)) for item in _objects(message, "thinking_blocks")),
        "provider_tool": (_listed(style.provider_tool(item)) for item in _objects(message, "provider_tool_blocks")),
        "image": (_listed(style.image(item)) for item in _objects(message, "images")),
        "tool_call": (style.tool_call(item) for item in _objects(message, "tool_calls")),
    }
    text = _Text(parts, _objects(message, "annotations"), style)
    blocks: list[JsonObject] = []
    for item in _valid_order(message.get("block_order"), text.length):
        kind, _, length = item.partition(":")
        blocks += text.take(int(length)) if kind == "text" else next(items[kind], [])
    for kind in ("thinking", "provider_tool"):
        blocks += [block for written in items[kind] for block in written]
    blocks += text.rest()
    for kind in ("image", "tool_call"):
        blocks += [block for written in items[kind] for block in written]
    return blocks


def _listed(block: JsonObject | None) -> list[JsonObject]:
    return [] if block is None else [block]


def _objects(message: JsonObject, key: str) -> list[JsonObject]:
    value = message.get(key)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _valid_order(order: object, length: int) -> list[str]:
    """`order` without what it cannot mean. Where the text has been edited since, its cuts mean nothing: it stays whole."""
    if not isinstance(order, list):
        return []
    valid: list[str] = []
    total = 0
    for item in order:
        kind, _, count = item.partition(":") if isinstance(item, str) else ("", "", "")
        if kind == "text" and count.isascii() and count.isdigit() and len(count) < 12:
            total += int(count)
            valid.append(item)
        elif item in ("thinking", "provider_tool", "image", "tool_call"):
            valid.append(item)
    if total == length:
        return valid
    first = next((position for position, item in enumerate(valid) if item.startswith("text:")), None)
    whole = [item for item in valid if not item.startswith("text:")]
    if first is not None:
        whole.insert(first, f"text:{length}")
    return whole


class _Text:
    """Text parts, taken piece by piece, with the citations that fall into each piece."""

    def __init__(self, parts: list[JsonObject], annotations: list[JsonObject], style: BlockStyle) -> None:
        self._parts = parts
        self._whole = "".join(part["text"] for part in parts)
        self.length = len(self._whole)
        # By where they end, so that each block takes its own without a look at the others'.
        self._annotations = deque(sorted(enumerate(annotations), key=lambda item: self._place(item[1])))
        self._style = style
        self._position = 0
        self._part = 0
        self._offset = 0

    def take(self, length: int) -> list[JsonObject]:
        """The next `length` characters, a block for each part that they touch."""
        blocks: list[JsonObject] = []
        while length > 0 and self._part < len(self._parts):
            part = self._parts[self._part]
            piece = part["text"][self._offset : self._offset + length]
            self._offset += len(piece)
            length -= len(piece)
            ended = self._offset >= len(part["text"])
            blocks += self._block(piece, part.get("cache_control") if ended else None)
            if ended:
                self._part, self._offset = self._part + 1, 0
        return blocks

    def rest(self) -> list[JsonObject]:
        return self.take(self.length - self._position)

    def _block(self, text: str, mark: Any) -> list[JsonObject]:
        self._position += len(text)
        inside = self._ending_by(self._position)
        if not (text if self._style.blank_text else text.strip()):
            return []
        block: JsonObject = {"type": "text", "text": text}
        citations: list[JsonObject] = []
        for annotation in inside:
            if (citation := self._style.citation(annotation, self._whole)) is not None:
                citations.append(citation)
        if citations:
            block["citations"] = citations
        if mark is not None:
            block["cache_control"] = mark
        return [block]

    def _ending_by(self, position: int) -> list[JsonObject]:
        """Take the annotations that belong to the piece that ends there."""
        taken: list[tuple[int, JsonObject]] = []
        while self._annotations and self._place(self._annotations[0][1]) <= position:
            taken.append(self._annotations.popleft())
        return [annotation for _, annotation in sorted(taken, key=lambda item: item[0])]

    def _place(self, annotation: JsonObject) -> int:
        """A citation belongs to the piece in which it ends; one that names no place, to the first."""
        return max(1, min(span_of(annotation)[1], self.length))
