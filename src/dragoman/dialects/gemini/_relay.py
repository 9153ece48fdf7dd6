"""A stream passed through untouched, and only watched."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dragoman.dialects._dialect import CallerContext, ReplyContext
from dragoman.dialects._errors import json_or_none, reply_of
from dragoman.dialects.framing.json_array import JsonArrayWriter
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.dialects.gemini._errors import read_error
from dragoman.dialects.gemini._usage import Searches, counts_tokens, read_usage
from dragoman.errors import APIConnectionError, APIResponseValidationError
from dragoman.types.usage import Usage

__all__ = ["GeminiStreamRelay"]

_ERROR = re.compile(rb'\s*(?:\[\s*)?\{\s*"error"')
_END = re.compile(rb'"(?:finishReason|blockReason)"')


class GeminiStreamRelay:
    """Watches by searching the bytes; an event is parsed only to read an error or, when asked for, the usage."""

    def __init__(self, context: ReplyContext, caller: CallerContext) -> None:
        self.begun = False
        self._context = context
        self._events = SseReader()
        self._array = JsonArrayWriter() if caller.framing == "json_array" else None
        self._ended = False
        self._searches = Searches()
        self._counted: bytes | None = None
        self._usage: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        if self._counted is not None:
            body = json_or_none(self._counted)
            metadata = body.get("usageMetadata") if isinstance(body, dict) else None
            if isinstance(metadata, dict) and (self._usage is None or counts_tokens(metadata)):
                self._usage = read_usage(metadata, self._searches.count)
            self._counted = None
        return self._usage

    @usage.setter
    def usage(self, value: Usage | None) -> None:
        self._usage, self._counted = value, None

    def feed(self, data: bytes) -> Iterator[bytes]:
        for event in self._events.feed(data):
            yield self._pass(event)

    def close(self) -> Iterator[bytes]:
        for event in self._events.close():
            if json_or_none(event.data) is not None:  # else the last event is cut off, too
                yield self._pass(event)
        if not self._ended:
            raise APIConnectionError(
                f"the stream of {self._context.provider} broke off before its end",
                provider=self._context.provider,
                model=self._context.model,
            )
        if self._array is not None:
            yield self._array.close()

    def _pass(self, event: SseEvent) -> bytes:
        data = event.data
        if _ERROR.match(data):
            raise read_error(reply_of(data, self._context))
        if not self.begun and json_or_none(data) is None:
            raise APIResponseValidationError(f"an event of the stream of {self._context.provider} is not JSON")
        if b'"webSearchQueries"' in data and isinstance(body := json_or_none(data), dict):
            self._searches.note(body)
        if b'TokenCount"' in data:
            self._counted = data
        self.begun = self.begun or b'"parts"' in data
        self._ended = self._ended or _END.search(data) is not None
        return self._array.write(data) if self._array is not None else event.raw
