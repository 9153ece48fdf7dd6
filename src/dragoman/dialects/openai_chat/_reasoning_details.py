"""OpenRouter's `reasoning_details` (Vercel's and Snowflake's gateways send them too), kept verbatim for the next turn.

In a stream they come in fragments; joined, they are the items that the whole answer would have held.
See https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
"""

from __future__ import annotations

from typing import Any

from dragoman.types._json import JsonObject
from dragoman.types.chat import Message, ThinkingBlock

__all__ = ["Details", "blocks_of", "details_of", "text_of"]

_TEXTS = ("text", "summary")


class Details:
    """Joins the fragments of one message."""

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: list[JsonObject] = []

    def add(self, fragments: list[Any]) -> None:
        for fragment in fragments:
            if not isinstance(fragment, dict):
                continue
            last = self._items[-1] if self._items else None
            if last is not None and _continues(last, fragment):
                _join(last, fragment)
            else:
                self._items.append(dict(fragment))

    def blocks(self, vendor: str) -> list[ThinkingBlock]:
        return [{"index": index, **block} for index, block in enumerate(blocks_of(self._items, vendor))]


def _continues(last: JsonObject, fragment: JsonObject) -> bool:
    """Text with text, summary with summary; a text that is signed already is complete."""
    if fragment.get("type") != last.get("type") or fragment.get("type") not in ("reasoning.text", "reasoning.summary"):
        return False
    if fragment.get("index") != last.get("index"):
        return False
    return not (last.get("signature") and fragment.get("text"))


def _join(last: JsonObject, fragment: JsonObject) -> None:
    for key, value in fragment.items():
        if key in _TEXTS and isinstance(value, str):
            before = last.get(key)
            last[key] = before + value if isinstance(before, str) else value
        elif value is not None or key not in last:
            last[key] = value


def blocks_of(details: list[Any], vendor: str) -> list[ThinkingBlock]:
    """The hub's blocks: each detail verbatim, for nobody but `vendor` to read."""
    return [{"type": "encrypted", "data": detail, "vendor": vendor} for detail in details if isinstance(detail, dict)]


def details_of(message: Message, vendor: str) -> list[Any]:
    """The details of an earlier turn: those of `vendor` in the hub's blocks, else what the caller sent in the field itself."""
    kept = [
        block["data"]
        for block in message.get("thinking_blocks") or ()
        if block.get("type") == "encrypted" and block.get("vendor") == vendor and isinstance(block.get("data"), dict)
    ]
    if kept or message.get("thinking_blocks"):
        return kept
    raw = message.get("reasoning_details")
    return raw if isinstance(raw, list) else []


def text_of(details: list[Any]) -> str:
    """What of it can be read."""
    return "".join(
        detail[key]
        for detail in details
        if isinstance(detail, dict)
        for key in _TEXTS
        if isinstance(detail.get(key), str)
    )
