"""A stream passed through untouched to a caller of the same dialect, and watched."""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.dialects.anthropic_messages.errors import error_in_body
from dragoman.dialects.anthropic_messages.stream_events import end_of_stream, event_bytes, parse_event
from dragoman.dialects.anthropic_messages.usage import merge_usage, read_usage
from dragoman.dialects.codec import ReplyContext, ReplyStyle
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.errors import APIResponseValidationError
from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["MessageRelay", "has_answer", "stream_relay"]

_UNEXPLAINED = (None, "end_turn", "tool_use")
"""Stop reasons that do not explain an answer without content."""
_MESSAGE_STOP = event_bytes({"type": "message_stop"})


def stream_relay(context: ReplyContext, _: ReplyStyle) -> MessageRelay:
    return MessageRelay(context)


class MessageRelay:
    """Parses each event, and keeps nothing but what was counted."""

    def __init__(self, context: ReplyContext) -> None:
        self.usage: TokenUsage | None = None
        self.begun = False
        self.finished = False
        self.complete = False
        self._context = context
        self._events = SseReader()
        self._counted: JsonObject = {}

    def feed(self, data: bytes) -> Iterator[bytes]:
        for event in self._events.feed(data):
            if not self.complete:
                self._watch(event)
                yield event.raw

    def close(self) -> Iterator[bytes]:
        if self.complete:
            return
        try:
            for event in self._events.close():
                self._watch(event)
                yield event.raw.rstrip(b"\r\n") + b"\n\n"
        except APIResponseValidationError:  # half an event
            if not self.finished:
                raise end_of_stream(self._context) from None
        if not self.finished:
            raise end_of_stream(self._context)
        if not self.complete:
            yield _MESSAGE_STOP

    def _watch(self, event: SseEvent) -> None:
        parsed = parse_event(event.data)
        kind = parsed.get("type") or event.event.decode("ascii", "replace")
        if kind == "error":
            raise error_in_body(parsed, self._context)
        if kind == "message_stop":
            self.finished = self.complete = True
        elif kind in ("message_start", "message_delta"):
            self._count(parsed)
            self._look_for_the_end(parsed.get("delta"))
        elif not self.begun:
            self.begun = _has_content(parsed)

    def _look_for_the_end(self, delta: object) -> None:
        reason = delta.get("stop_reason") if isinstance(delta, dict) else None
        self.finished = self.finished or reason is not None
        self.begun = self.begun or reason not in _UNEXPLAINED

    def _count(self, event: JsonObject) -> None:
        message = event.get("message")
        self._counted = merge_usage(self._counted, (message if isinstance(message, dict) else event).get("usage"))
        if self._counted:
            self.usage = read_usage(self._counted)


def _has_content(event: JsonObject) -> bool:
    """Whether an event says something: a block of text or thinking may begin empty."""
    delta = event.get("delta")
    if isinstance(delta, dict):
        return any(value for key, value in delta.items() if key != "type")
    block = event.get("content_block")
    return isinstance(block, dict) and _is_content(block)


def _is_content(block: JsonObject) -> bool:
    """Whether a content block holds something."""
    kind = block.get("type")
    return bool(block.get(kind)) if kind in ("text", "thinking") else True


def has_answer(body: JsonObject) -> bool:
    """Whether a whole answer plainly holds content, and is no error."""
    content = body.get("content")
    blocks = content if isinstance(content, list) and body.get("type") != "error" else ()
    return any(isinstance(block, dict) and _is_content(block) for block in blocks)
