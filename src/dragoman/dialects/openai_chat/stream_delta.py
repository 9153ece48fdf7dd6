"""One streamed choice: what its deltas add, one after the other."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.openai_chat.accent import reasoning_tag_of
from dragoman.dialects.openai_chat.answer_types import fit_message
from dragoman.dialects.openai_chat.message_fields import prune, read_content, reasoning_text
from dragoman.dialects.openai_chat.reasoning_details import Details
from dragoman.dialects.openai_chat.think_tags import TagSplitter
from dragoman.dialects.openai_chat.tool_calls import OpenCalls
from dragoman.types.chat import ToolCall
from dragoman.types.json import JsonObject

__all__ = ["OpenChoice"]

_PLAIN = frozenset(("role", "content", "refusal"))
_READ = frozenset(("role", "content", "reasoning", "reasoning_content", "tool_calls"))


class OpenChoice:
    """A choice whose deltas are coming in."""

    __slots__ = (
        "_calls",
        "_details",
        "_json_calls",
        "_json_tool",
        "_role",
        "_splitter",
        "called",
        "extras",
        "native",
        "word",
    )

    def __init__(self, context: ReplyContext, index: int) -> None:
        self.word: str | None = None
        """The provider's finish reason, once it has come."""
        self.native: str | None = None
        self.called = False
        """Whether there are tool calls for the caller."""
        self.extras: JsonObject = {}
        """Unknown fields of the choice that wait for the last chunk."""
        self._role = False
        self._json_tool = context.json_tool
        self._json_calls: set[int] = set()
        self._calls = OpenCalls(f"{context.reply_id}_{index}", context.tool_names)
        self._details = Details(context.vendor)
        tag = reasoning_tag_of(context)
        self._splitter = TagSplitter(tag) if tag else None

    @property
    def answered_json(self) -> bool:
        """Whether the tool that stands in for structured output was called."""
        return bool(self._json_calls)

    def read(self, raw: JsonObject) -> JsonObject:
        """The hub's delta; empty where `raw` adds nothing."""
        delta: JsonObject = {}
        content = raw.get("content")
        if not self._role and raw:
            self._role = True
            delta["role"] = raw.get("role") or "assistant"
            if content == "":
                delta["content"] = ""
        if not raw.keys() <= _PLAIN:
            self._add_rest(delta, raw)
        elif raw.get("refusal") and isinstance(raw["refusal"], str):
            delta["refusal"] = raw["refusal"]
        if content:
            self._add_content(delta, content)
        return delta

    def last(self) -> JsonObject:
        """Return what was held back: it goes out with the finish reason."""
        delta: JsonObject = {}
        if self._splitter is not None:
            _add_text(delta, *self._splitter.close())
        self._end_reasoning(delta)
        self._place(delta, self._calls.finish())
        return delta

    def _end_reasoning(self, delta: JsonObject) -> None:
        blocks = self._details.finish()
        if blocks:
            delta["thinking_blocks"] = [*delta.get("thinking_blocks", ()), *blocks]

    def _add_content(self, delta: JsonObject, content: Any) -> None:
        read = read_content(content)
        reasoning, text = read.reasoning, read.text or ""
        if self._splitter is not None:
            thought, text = self._splitter.feed(text)
            reasoning += thought
        _add_text(delta, reasoning, text)
        if text:
            self._end_reasoning(delta)
        if read.rest:
            delta["provider_specific_fields"] = {"content": read.rest}

    def _add_rest(self, delta: JsonObject, raw: JsonObject) -> None:
        rest = {key: value for key, value in raw.items() if key not in _READ and value is not None}
        prune(rest)
        fit_message(rest)
        details = rest.get("reasoning_details")
        if isinstance(details, list):
            blocks = self._details.add(details)
            if blocks:
                delta["thinking_blocks"] = blocks
            if not details:
                del rest["reasoning_details"]
        delta |= rest
        _add_text(delta, reasoning_text(raw), "")
        calls = raw.get("tool_calls")
        if isinstance(calls, list):
            self._add_calls(delta, calls)

    def _add_calls(self, delta: JsonObject, calls: list[Any]) -> None:
        self._place(delta, [self._calls.read(call) for call in calls if isinstance(call, dict)])

    def _place(self, delta: JsonObject, pieces: list[ToolCall]) -> None:
        """Pieces of the caller's tools, and of the one that stands in for structured output, whose arguments are text."""
        read: list[Any] = []
        for piece in pieces:
            function = piece.get("function") or {}
            if self._json_tool is not None and function.get("name") == self._json_tool:
                self._json_calls.add(piece["index"])
            if piece["index"] in self._json_calls:
                _add_text(delta, "", function.get("arguments") or "")
            else:
                read.append(piece)
        if read:
            self._end_reasoning(delta)
            self.called = True
            delta["tool_calls"] = read


def _add_text(delta: JsonObject, reasoning: str, text: str) -> None:
    if reasoning:
        delta["reasoning_content"] = delta.get("reasoning_content", "") + reasoning
    if text:
        delta["content"] = (delta.get("content") or "") + text
