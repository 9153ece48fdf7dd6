"""Read a stream of generateContent: each event is a whole reply that holds a piece of each candidate.

https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.error_details import json_or_none
from dragoman.dialects.framing.json_array import JsonArrayReader
from dragoman.dialects.framing.sse import SseReader
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.gemini.candidates import (
    CandidateReader,
    candidates_of,
    envelope,
    invalid,
    logprobs_of,
    service_tier,
)
from dragoman.dialects.gemini.parts_read import CallIds
from dragoman.dialects.gemini.usage import Searches, counts_tokens, read_usage
from dragoman.dialects.gemini.vendor import VENDOR
from dragoman.errors import APIConnectionError, BadRequestError
from dragoman.types.chat import ChatChunk, ChatChunkChoice
from dragoman.types.json import JsonObject

__all__ = ["GeminiStreamReader"]


class _FrameReader:
    """Cut a stream into its JSON values: server-sent events (`alt=sse`), or the elements of one array, by its first byte."""

    __slots__ = ("_array", "_sse")

    def __init__(self) -> None:
        self._array: JsonArrayReader | None = None
        self._sse: SseReader | None = None

    @property
    def complete(self) -> bool:
        """Whether the array has ended; server-sent events have no end mark."""
        return self._array is not None and self._array.complete

    def feed(self, data: bytes) -> list[bytes]:
        if self._array is None and self._sse is None:
            start = data.lstrip(b" \t\r\n")
            if not start:
                return []
            if start[:1] in b"[{":
                self._array = JsonArrayReader()
            else:
                self._sse = SseReader()
        if self._array is not None:
            return self._array.feed(data)
        return [event.data for event in self._sse.feed(data)] if self._sse else []

    def close(self) -> list[bytes]:
        return [event.data for event in self._sse.close()] if self._sse else []


class GeminiStreamReader:
    """Read one stream. Finish reasons go out at its end, as content may follow the first one."""

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._frames = _FrameReader()
        self._ids = CallIds(context.reply_id)
        self._candidates: dict[int, CandidateReader] = {}
        self._usage: JsonObject | None = None
        self._searches = Searches()
        self._envelope: JsonObject | None = None
        self._extras: JsonObject = {}

    @property
    def finished(self) -> bool:
        return bool(self._candidates) and all(reader.finished for reader in self._candidates.values())

    @property
    def complete(self) -> bool:
        return self._frames.complete

    def feed(self, data: bytes) -> Iterator[ChatChunk]:
        for frame in self._frames.feed(data):
            yield from self._read(frame)

    def close(self) -> Iterator[ChatChunk]:
        for frame in self._frames.close():
            if json_or_none(frame) is not None:  # else the last event is cut off as well
                yield from self._read(frame)
        if not self._candidates or not all(reader.finish for reader in self._candidates.values()):
            raise APIConnectionError(
                f"the stream of {self._context.provider} broke off before its end",
                provider=self._context.provider,
                model=self._context.model,
            )
        end = self._chunk([self._last(index, reader) for index, reader in self._candidates.items()])
        tier = service_tier(self._usage)
        if tier is not None:
            end["service_tier"] = tier
        if self._extras:
            end["provider_specific_fields"] = {VENDOR: self._extras}
        yield end
        usage = read_usage(self._usage, self._searches.count)
        if usage is not None:
            yield {**self._chunk([]), "usage": usage}

    def _read(self, frame: bytes) -> Iterator[ChatChunk]:
        body = self._parse(frame)
        candidates = candidates_of(body, self._context, frame)
        if isinstance(body, list):
            body = body[0]
        self._read_envelope(body)
        try:
            choices = [self._choice(candidate, index) for index, candidate in enumerate(candidates)]
        except BadRequestError as error:
            raise invalid(self._context, error.message, body) from error
        choices = [choice for choice in choices if choice["delta"] or choice.get("logprobs")]
        if choices:
            yield self._chunk(choices)

    def _read_envelope(self, body: JsonObject) -> None:
        """Keep what the chunks share and what the last one reports."""
        self._searches.note(body)
        metadata = body.get("usageMetadata")
        if isinstance(metadata, dict) and (self._usage is None or counts_tokens(metadata)):
            self._usage = metadata
        if self._envelope is None:
            self._envelope = envelope(body, self._context)
        if "promptFeedback" in body:
            self._extras["promptFeedback"] = body["promptFeedback"]

    def _parse(self, frame: bytes) -> Any:
        try:
            return loads(frame)
        except orjson.JSONDecodeError as error:
            excerpt = frame[:1000].decode(errors="replace")
            raise invalid(self._context, "an event of the stream is not JSON", excerpt) from error

    def _choice(self, candidate: JsonObject, position: int) -> ChatChunkChoice:
        index = candidate["index"] if isinstance(candidate.get("index"), int) else position
        reader = self._candidates.get(index)
        is_first = reader is None
        if reader is None:
            reader = self._candidates[index] = CandidateReader(self._context, self._ids)
        delta = reader.read(candidate, f"candidates[{position}]")
        if is_first:
            delta = {"role": "assistant", **delta}
        choice: ChatChunkChoice = {"index": index, "delta": delta, "finish_reason": None}
        logprobs = logprobs_of(candidate)
        if logprobs is not None:
            choice["logprobs"] = logprobs
        return choice

    def _last(self, index: int, reader: CandidateReader) -> ChatChunkChoice:
        delta = reader.close()
        if reader.order is not None:
            delta["block_order"] = reader.order
        choice: ChatChunkChoice = {"index": index, "delta": delta}
        reader.finish_choice(choice)
        return choice

    def _chunk(self, choices: list[ChatChunkChoice]) -> ChatChunk:
        head = self._envelope or envelope({}, self._context)
        chunk: Any = {"object": "chat.completion.chunk", **head, "choices": choices}
        return chunk  # type: ignore[no-any-return]
