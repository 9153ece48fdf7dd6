"""The hub's assistant message, as Anthropic's content blocks in their order.

Two readers want them: a target (whose own things it gets, others are left out) and a caller (who keeps what is foreign, sealed).
`BlockStyle` is all in which they differ.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeGuard

from dragoman.dialects.anthropic_messages.citations import span_of
from dragoman.dialects.validation import objects_in
from dragoman.types.json import JsonObject

__all__ = ["BlockStyle", "assistant_blocks", "text_of"]

_ITEMS = ("thinking", "provider_tool", "image", "tool_call")
_CUT = re.compile(r"text:[0-9]{1,11}")


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
    """Return an assistant's content as text parts: `text`, and `cache_control` where one was set. A refusal is text here."""
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
    """Return the blocks in `block_order`, or in the usual order. Empty text is left out."""
    text = _Text(text_of(message.get("content")), objects_in(message.get("annotations")), style)
    items: dict[str, Iterator[list[JsonObject]]] = {
        "thinking": _each(message, "thinking_blocks", _listed(style.thinking)),
        "provider_tool": _each(message, "provider_tool_blocks", _listed(style.provider_tool)),
        "image": _each(message, "images", _listed(style.image)),
        "tool_call": _each(message, "tool_calls", style.tool_call),
    }
    blocks: list[JsonObject] = []
    for item in _valid_order(message.get("block_order"), text.length):
        kind, _, length = item.partition(":")
        blocks += text.take(int(length)) if kind == "text" else next(items[kind], [])
    blocks += chain.from_iterable(chain(items["thinking"], items["provider_tool"]))
    blocks += text.rest()
    blocks += chain.from_iterable(chain(items["image"], items["tool_call"]))
    return blocks


def _each(message: JsonObject, key: str, write: Callable[[JsonObject], list[JsonObject]]) -> Iterator[list[JsonObject]]:
    return map(write, objects_in(message.get(key)))


def _listed(write: Callable[[JsonObject], JsonObject | None]) -> Callable[[JsonObject], list[JsonObject]]:
    def written(item: JsonObject) -> list[JsonObject]:
        block = write(item)
        return [] if block is None else [block]

    return written


def _valid_order(order: object, length: int) -> list[str]:
    """Return `order` without what it cannot mean. Where the text has been edited since, its cuts mean nothing: it stays whole."""
    items = list(filter(_is_valid, order)) if isinstance(order, list) else []
    cuts = [position for position, item in enumerate(items) if item.startswith("text:")]
    if not cuts or sum(int(items[position][5:]) for position in cuts) == length:
        return items
    whole = [item for item in items if not item.startswith("text:")]
    whole.insert(cuts[0], f"text:{length}")
    return whole


def _is_valid(item: object) -> TypeGuard[str]:
    return isinstance(item, str) and (item in _ITEMS or _CUT.fullmatch(item) is not None)


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
        """Return the next `length` characters, a block for each part that they touch."""
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
