"""One content block of a stream that is being written, and what of it has not been sent yet.

Anthropic's blocks follow one another, while the hub's deltas may interleave (parallel tool calls). Each block has a
writer: the first is sent as it grows, those behind it wait until it has ended.
"""

from __future__ import annotations

import re

from dragoman.dialects.anthropic_messages.caller_blocks import call_id, foreign_extra, provider_block, tool_use
from dragoman.dialects.anthropic_messages.citations import citation_for_caller
from dragoman.dialects.anthropic_messages.sealed_blocks import seal_extra_content, seal_reasoning_text, write_reasoning
from dragoman.dialects.json_text import dump_json
from dragoman.types.json import JsonObject

__all__ = ["BlockWriter", "TextWriter", "ThinkingWriter", "ToolUseWriter", "VerbatimWriter"]


_MARK = re.compile(r'["\\{}\[\]]')


class BlockWriter:
    """`key` says which deltas continue it. `blocks` are complete blocks to be sent at its end, in its place or after it."""

    def __init__(self, key: object) -> None:
        self.key = key

    def start(self) -> JsonObject | None:
        """Return the block with which it begins, as soon as that is known."""
        raise NotImplementedError

    def deltas(self) -> list[JsonObject]:
        """Return what has come since the last time; called once the block has begun."""
        return []

    def last_deltas(self) -> list[JsonObject]:
        """Return what is sent before it ends."""
        return []

    def before(self) -> list[JsonObject]:
        """Return the whole blocks before it."""
        return []

    def after(self) -> list[JsonObject]:
        """Return the whole blocks after it."""
        return []

    def may_end(self) -> bool:
        """Whether it can end, now that another block has begun."""
        return True


class TextWriter(BlockWriter):
    def __init__(self) -> None:
        super().__init__("text")
        self._pieces: list[str] = []
        self._citations: list[JsonObject] = []

    def add(self, text: str) -> None:
        self._pieces.append(text)

    def cite(self, annotation: JsonObject, text: str) -> None:
        citation = citation_for_caller(annotation, text)
        if citation is not None:
            self._citations.append(citation)

    def start(self) -> JsonObject | None:
        return {"type": "text", "text": ""}

    def deltas(self) -> list[JsonObject]:
        pieces, self._pieces = self._pieces, []
        deltas: list[JsonObject] = [{"type": "text_delta", "text": piece} for piece in pieces if piece]
        citations, self._citations = self._citations, []
        return deltas + [{"type": "citations_delta", "citation": citation} for citation in citations]


class ThinkingWriter(BlockWriter):
    """A thinking block of the hub, or reasoning that is only text (`key` is then "reasoning")."""

    def __init__(self, key: object, own: str) -> None:
        super().__init__(key)
        self._own = own
        self._block: JsonObject = {}
        self._pieces: list[str] = []

    @property
    def is_text(self) -> bool:
        return not self._block

    @property
    def is_plain(self) -> bool:
        return bool(self._block.get("type", "thinking") == "thinking")

    def add_text(self, text: str) -> None:
        self._pieces.append(text)

    def add(self, item: JsonObject) -> None:
        for name, value in item.items():
            if name == "thinking" and isinstance(value, str):
                self._pieces.append(value)
            elif name in ("signature", "data") and isinstance(value, str) and isinstance(self._block.get(name), str):
                self._block[name] += value
            elif name not in ("index", "type"):
                self._block[name] = value
        self._block.setdefault("type", item.get("type", "thinking"))

    def start(self) -> JsonObject | None:
        return {"type": "thinking", "thinking": "", "signature": ""} if self.is_plain else None

    def deltas(self) -> list[JsonObject]:
        pieces, self._pieces = self._pieces, []
        return [{"type": "thinking_delta", "thinking": piece} for piece in pieces if piece]

    def last_deltas(self) -> list[JsonObject]:
        whole = write_reasoning(self._block, self._own) if self._block else seal_reasoning_text("")
        return [{"type": "signature_delta", "signature": whole["signature"]}] if whole else []

    def after(self) -> list[JsonObject]:
        whole = None if self.is_plain else write_reasoning(self._block, self._own)
        return [whole] if whole is not None else []


class _ObjectEnd:
    """Finds the end of a JSON object that comes in pieces. Each character is looked at once."""

    def __init__(self) -> None:
        self.reached = False
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, piece: str) -> None:
        at = 1 if self._escaped and piece else 0
        self._escaped = self._escaped and not piece
        while (mark := _MARK.search(piece, at)) is not None:
            at = mark.end()
            if mark[0] == '"':
                self._in_string = not self._in_string
            elif mark[0] == "\\":
                self._escaped = at >= len(piece)
                at += 1
            elif not self._in_string:
                self._depth += 1 if mark[0] in "{[" else -1
                self.reached = self.reached or self._depth <= 0


class ToolUseWriter(BlockWriter):
    """A tool call."""

    def __init__(self, key: object, position: int) -> None:
        super().__init__(key)
        self._position = position
        self._call: JsonObject = {}
        self._arguments: list[str] = []
        self._sent = 0
        self._checked = 0
        self._end = _ObjectEnd()
        self._begun = False
        self._extra_sent = False

    def add(self, call: JsonObject) -> None:
        for name in ("id", "extra_content"):
            if call.get(name):
                self._call[name] = call[name]
        inner = call.get("function") or call.get("custom")
        if not isinstance(inner, dict):
            return
        if isinstance(inner.get("name"), str) and inner["name"]:
            self._call["function"] = {"name": inner["name"]}
        if isinstance(call.get("custom"), dict):
            self._call["custom"] = True
        piece = inner.get("arguments", inner.get("input"))
        if isinstance(piece, str) and piece:
            self._arguments.append(piece)

    def start(self) -> JsonObject | None:
        if "function" not in self._call:
            return None
        self._begun = True
        return tool_use(self._call, self._position)

    def before(self) -> list[JsonObject]:
        return self._sealed()

    def after(self) -> list[JsonObject]:
        return self._sealed() if self._begun else []

    def _sealed(self) -> list[JsonObject]:
        """Another vendor's signature on the call: before it, or after where it comes late."""
        extra = foreign_extra(self._call)
        if not extra or self._extra_sent or "function" not in self._call:
            return []
        self._extra_sent = True
        return [seal_extra_content(call_id(self._call, self._position), extra)]

    def deltas(self) -> list[JsonObject]:
        if self._call.get("custom"):
            return []
        pieces, self._sent = self._arguments[self._sent :], len(self._arguments)
        return [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]

    def last_deltas(self) -> list[JsonObject]:
        """Free text becomes JSON only when it is whole."""
        if not self._call.get("custom"):
            return []
        return [{"type": "input_json_delta", "partial_json": dump_json({"input": "".join(self._arguments)})}]

    def may_end(self) -> bool:
        """A call may still grow while others do, until its arguments are whole."""
        pieces, self._checked = self._arguments[self._checked :], len(self._arguments)
        for piece in pieces:
            self._end.feed(piece)
        return self._end.reached or bool(self._call.get("custom"))


class VerbatimWriter(BlockWriter):
    """A block that comes at once: about a tool that the provider ran, or another's seal."""

    def __init__(self, entry: JsonObject, own: str) -> None:
        super().__init__(None)
        self._block = provider_block(entry, own)

    def start(self) -> JsonObject | None:
        return None

    def after(self) -> list[JsonObject]:
        return [self._block] if self._block is not None else []
