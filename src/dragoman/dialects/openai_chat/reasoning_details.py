"""OpenRouter's `reasoning_details` (Vercel's and Snowflake's gateways send them too), kept verbatim for the next turn.

A detail with text becomes a thinking block whose opaque signature is the rest of the detail, so that callers of every
dialect see the text, and the detail can be put together again. A detail without text is an encrypted block.
See https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks
"""

from __future__ import annotations

from typing import Any

import orjson

from dragoman.types.chat import Message, ThinkingBlock
from dragoman.types.json import JsonObject

__all__ = ["Details", "blocks_of", "details_of", "text_of"]

_TEXTS = ("text", "summary")


class Details:
    """The details of one streamed choice. In a stream they come in fragments; joined, they are the items of a whole answer.

    Keeps the open detail without its text.
    """

    __slots__ = ("_index", "_key", "_open", "_vendor")

    def __init__(self, vendor: str) -> None:
        self._vendor = vendor
        self._open: JsonObject | None = None
        self._key = ""
        self._index = -1

    def add(self, fragments: list[Any]) -> list[ThinkingBlock]:
        """Return what the fragments add to the blocks."""
        deltas: list[ThinkingBlock] = []
        for fragment in fragments:
            if not isinstance(fragment, dict):
                continue
            if self._open is None or not _continues(self._open, fragment):
                deltas += self.finish()
                deltas += self._begin(fragment)
            else:
                deltas += self._continue(self._open, fragment)
        return deltas

    def finish(self) -> list[ThinkingBlock]:
        """The end of the open block, for other content begins."""
        if self._open is None:
            return []
        signature = orjson.dumps(self._open).decode()
        self._open = None
        return [{"index": self._index, "type": "thinking", "signature": signature, "vendor": self._vendor}]

    def _begin(self, fragment: JsonObject) -> list[ThinkingBlock]:
        self._index += 1
        key = _text_key(fragment)
        if key is None:
            return [{"index": self._index, "type": "encrypted", "data": fragment, "vendor": self._vendor}]
        self._open, self._key = {**fragment, key: ""}, key
        return self._text(fragment[key])

    def _continue(self, detail: JsonObject, fragment: JsonObject) -> list[ThinkingBlock]:
        for name, value in fragment.items():
            if name != self._key and (value is not None or name not in detail):
                detail[name] = value
        piece = fragment.get(self._key)
        return self._text(piece) if isinstance(piece, str) and piece else []

    def _text(self, piece: str) -> list[ThinkingBlock]:
        return [{"index": self._index, "type": "thinking", "thinking": piece, "vendor": self._vendor}]


def _continues(detail: JsonObject, fragment: JsonObject) -> bool:
    """Text goes on with text, summary with summary; a text that is signed already is complete."""
    if fragment.get("type") != detail.get("type") or fragment.get("index") != detail.get("index"):
        return False
    return not (detail.get("signature") and fragment.get("text"))


def _text_key(detail: JsonObject) -> str | None:
    """Where it has its text, if it has one."""
    return next((key for key in _TEXTS if isinstance(detail.get(key), str) and detail[key]), None)


def blocks_of(details: list[Any], vendor: str) -> list[ThinkingBlock]:
    """Return the hub's blocks for the details of a whole answer; only `vendor` gets them back."""
    return [_block(detail, vendor) for detail in details if isinstance(detail, dict)]


def _block(detail: JsonObject, vendor: str) -> ThinkingBlock:
    key = _text_key(detail)
    if key is None:
        return {"type": "encrypted", "data": detail, "vendor": vendor}
    signature = orjson.dumps({**detail, key: ""}).decode()
    return {"type": "thinking", "thinking": detail[key], "signature": signature, "vendor": vendor}


def details_of(message: Message, vendor: str) -> list[Any]:
    """The details of an earlier turn: those of `vendor` in the hub's blocks, else what the caller sent in the field itself."""
    blocks = message.get("thinking_blocks") or ()
    if blocks:
        own = (_detail(block) for block in blocks if block.get("vendor") == vendor)
        return [detail for detail in own if detail is not None]
    raw = message.get("reasoning_details")
    return raw if isinstance(raw, list) else []


def _detail(block: ThinkingBlock) -> JsonObject | None:
    if block.get("type") == "encrypted":
        data = block.get("data")
        return data if isinstance(data, dict) else None
    try:
        detail = orjson.loads(block.get("signature") or "")
    except (orjson.JSONDecodeError, TypeError):
        return None
    key = next((key for key in _TEXTS if isinstance(detail, dict) and detail.get(key) == ""), None)
    return {**detail, key: block.get("thinking") or ""} if key else None


def text_of(details: list[Any]) -> str:
    """Return the text that can be read."""
    return "".join(
        detail[key]
        for detail in details
        if isinstance(detail, dict)
        for key in _TEXTS
        if isinstance(detail.get(key), str)
    )
