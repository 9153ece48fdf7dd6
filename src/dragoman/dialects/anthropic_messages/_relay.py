"""A stream passed through untouched to a caller of the same dialect; only watched."""

from __future__ import annotations

from collections.abc import Iterator

from dragoman.dialects._dialect import CallerContext, ReplyContext
from dragoman.dialects.anthropic_messages._errors import error_in_body
from dragoman.dialects.anthropic_messages._stream_events import end_of_stream, parse_event
from dragoman.dialects.anthropic_messages._usage import merge_usage, read_usage
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.errors import APIResponseValidationError
from dragoman.types._json import JsonObject
from dragoman.types.usage import Usage

__all__ = ["MessageRelay", "stream_relay"]

_UNWATCHED = (b"ping", b"content_block_stop")


def stream_relay(context: ReplyContext, _: CallerContext) -> MessageRelay:
    return MessageRelay(context)


class MessageRelay:
    """Parses only what it must: the events without text."""

    def __init__(self, context: ReplyContext) -> None:
        self.usage: Usage | None = None
        self.begun = False
        self._context = context
        self._events = SseReader()
        self._counted: JsonObject = {}
        self._ended = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        for event in self._events.feed(data):
            self._watch(event)
            yield event.raw

    def close(self) -> Iterator[bytes]:
        try:
            for event in self._events.close():
                parse_event(event.data)
                self._watch(event)
                yield event.raw.rstrip(b"\r\n") + b"\n\n"
        except APIResponseValidationError:
            raise end_of_stream(self._context) from None  # half an event
        if not self._ended:
            raise end_of_stream(self._context)

    def _watch(self, event: SseEvent) -> None:
        if event.event == b"content_block_delta":
            self.begun = True
        elif event.event not in _UNWATCHED:
            self._look_into(event)

    def _look_into(self, event: SseEvent) -> None:
        parsed = parse_event(event.data)
        kind = parsed.get("type") or event.event.decode("ascii", "replace")
        if kind == "error":
            raise error_in_body(parsed, self._context)
        if kind == "message_stop":
            self._ended = True
        elif kind == "content_block_delta":
            self.begun = True
        elif kind == "content_block_start":
            block = parsed.get("content_block")
            self.begun = self.begun or not (isinstance(block, dict) and block.get("type") in ("text", "thinking"))
        elif kind in ("message_start", "message_delta"):
            self._count(parsed)

    def _count(self, event: JsonObject) -> None:
        message = event.get("message")
        self._counted = merge_usage(self._counted, (message if isinstance(message, dict) else event).get("usage"))
        if self._counted:
            self.usage = read_usage(self._counted)
