"""Reasoning that stands in a tag at the start of the content: `<think>...</think>answer`."""

from __future__ import annotations

__all__ = ["TagSplitter"]

_MOST_LINES = 16
"""Line breaks that are held back, for all that has not been sent is looked through again with each piece."""


class TagSplitter:
    """Splits text, fed in pieces, into reasoning and content. Only a tag at the very start counts."""

    __slots__ = ("_close", "_open", "_pending", "_state")

    def __init__(self, tag: str) -> None:
        self._open = f"<{tag}>"
        self._close = f"</{tag}>"
        self._pending = ""
        self._state = "start"

    def feed(self, text: str) -> tuple[str, str]:
        """(reasoning, content) that are certain by now."""
        if self._state == "content":
            return "", text
        self._pending += text
        reasoning = ""
        if self._state == "start" and not self._begin():
            return "", self._take() if self._state == "content" else ""
        if self._state == "opened":
            self._skip_lines("inside")
        if self._state == "inside":
            reasoning = self._inside()
        return reasoning, self._after() if self._state in ("after", "content") else ""

    def close(self) -> tuple[str, str]:
        """Return what was held back: the start of a tag that never came."""
        rest = self._take()
        return (rest, "") if self._state == "inside" else ("", rest if self._state != "after" else "")

    def _begin(self) -> bool:
        """Whether the reasoning has begun."""
        start = self._pending.lstrip()
        if start.startswith(self._open):
            self._pending = start[len(self._open) :]
            self._state = "opened"
            return True
        if not self._open.startswith(start):
            self._state = "content"
        return False

    def _inside(self) -> str:
        end = self._pending.find(self._close)
        if end >= 0:
            reasoning, self._pending = self._pending[:end], self._pending[end + len(self._close) :]
            self._state = "after"
            return reasoning.rstrip("\r\n")
        held = next((n for n in range(len(self._close) - 1, 0, -1) if self._pending.endswith(self._close[:n])), 0)
        cut = len(self._pending) - held
        end = len(self._pending[:cut].rstrip("\r\n"))
        cut = end if cut - end < _MOST_LINES else cut  # they may stand before the end
        reasoning, self._pending = self._pending[:cut], self._pending[cut:]
        return reasoning

    def _after(self) -> str:
        if self._state == "after":
            self._skip_lines("content")
        return self._take()

    def _skip_lines(self, then: str) -> None:
        """The line breaks around the tags belong neither to the reasoning nor to the content."""
        self._pending = self._pending.lstrip("\r\n")
        if self._pending:
            self._state = then

    def _take(self) -> str:
        taken, self._pending = self._pending, ""
        return taken
