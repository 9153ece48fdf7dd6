"""Pass a stream through unchanged, and observe it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dragoman.dialects.codec import ReplyContext, ReplyStyle
from dragoman.dialects.error_details import json_or_none
from dragoman.dialects.framing.json_array import JsonArrayWriter
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.dialects.gemini.candidates import blocked_prompt, candidates_of
from dragoman.dialects.gemini.errors import failed_candidate
from dragoman.dialects.gemini.finish_reasons import broke_off
from dragoman.dialects.gemini.usage import Searches, counts_tokens, read_usage
from dragoman.errors import APIConnectionError, APIResponseValidationError
from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["GeminiStreamRelay", "has_answer"]

_UNEXPLAINED = (None, "STOP")
"""Finish reasons that do not explain an answer without content."""


class GeminiStreamRelay:
    """Pass one stream through. Each event is parsed; usage is read only when it is needed."""

    def __init__(self, context: ReplyContext, caller: ReplyStyle) -> None:
        self.begun = False
        self.complete = False
        """Never: server-sent events of Gemini have no end mark."""
        self._context = context
        self._events = SseReader()
        self._array = JsonArrayWriter() if caller.framing == "json_array" else None
        self._ended = False
        self._candidates: dict[int, _CandidateProgress] = {}
        self._searches = Searches()
        self._counted: JsonObject | None = None
        self._usage: TokenUsage | None = None

    @property
    def finished(self) -> bool:
        return bool(self._candidates) and all(candidate.finished for candidate in self._candidates.values())

    @property
    def usage(self) -> TokenUsage | None:
        if self._counted is not None:
            if self._usage is None or counts_tokens(self._counted):
                self._usage = read_usage(self._counted, self._searches.count)
            self._counted = None
        return self._usage

    @usage.setter
    def usage(self, value: TokenUsage | None) -> None:
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
        body = json_or_none(event.data)
        if body is None:
            raise APIResponseValidationError(f"an event of the stream of {self._context.provider} is not JSON")
        if isinstance(body, list) and body:
            body = body[0]
        if blocked_prompt(body) is not None:  # Gemini's callers know it as an answer
            self._ended = self.begun = True
        else:
            for position, candidate in enumerate(candidates_of(body, self._context, event.data)):
                self._observe(candidate, position)
        self._searches.note(body)
        metadata = body.get("usageMetadata")
        if isinstance(metadata, dict):
            self._counted = metadata
        return self._array.write(event.data) if self._array is not None else event.raw

    def _observe(self, candidate: JsonObject, position: int) -> None:
        index = candidate.get("index")
        progress = self._candidates.setdefault(index if isinstance(index, int) else position, _CandidateProgress())
        parts = _parts_of(candidate)
        reason = candidate.get("finishReason")
        progress.update(parts, reason)
        if broke_off(reason) and not progress.answered:
            raise failed_candidate(candidate, self._context)
        self._ended = self._ended or reason is not None
        self.begun = self.begun or reason not in _UNEXPLAINED or any(map(_is_content, parts))


@dataclass(slots=True)
class _CandidateProgress:
    """The progress of one candidate."""

    answered: bool = False
    """Whether anything but thinking came."""
    finished: bool = False
    _runs_code: bool = False

    def update(self, parts: list[JsonObject], reason: object) -> None:
        if parts:
            self._runs_code = "executableCode" in parts[-1]
        self.answered = self.answered or any(_is_content(part) and not part.get("thought") for part in parts)
        self.finished = (self.finished or reason is not None) and not self._runs_code


def _parts_of(candidate: JsonObject) -> list[JsonObject]:
    content = candidate.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _is_content(part: JsonObject) -> bool:
    """Whether a part holds something: some are an empty text, or the signature of one."""
    return any(value for key, value in part.items() if key not in ("thought", "thoughtSignature"))


def has_answer(body: JsonObject) -> bool:
    """Whether the first candidate of a whole reply plainly holds content, and the reply is no error."""
    candidates = body.get("candidates")
    if "error" in body or not isinstance(candidates, list) or not candidates or not isinstance(candidates[0], dict):
        return False
    return any(_is_content(part) and not part.get("thought") for part in _parts_of(candidates[0]))
