"""A streamed answer: wire -> hub."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import orjson

from dragoman.dialects.codec import ReplyContext
from dragoman.dialects.error_details import json_or_none
from dragoman.dialects.framing.sse import SseEvent, SseReader
from dragoman.dialects.framing.surrogates import loads
from dragoman.dialects.openai_chat.answer_types import fit_logprobs
from dragoman.dialects.openai_chat.errors import failed_choice, is_error, stream_error
from dragoman.dialects.openai_chat.finish_reasons import failure_word, finish_reason
from dragoman.dialects.openai_chat.message_fields import search_annotations, text
from dragoman.dialects.openai_chat.response_read import envelope, invalid
from dragoman.dialects.openai_chat.stream_delta import OpenChoice
from dragoman.dialects.openai_chat.usage import has_usage, read_usage
from dragoman.errors import APIConnectionError
from dragoman.types.chat import ChatChunk
from dragoman.types.json import JsonObject

__all__ = ["ChatStreamReader", "cut_off", "event_json", "is_done", "last_events"]

_KNOWN = frozenset(("id", "object", "created", "model", "choices", "usage", "service_tier", "system_fingerprint"))
_HELD = frozenset(("delta", "message", "finish_reason", "native_finish_reason", "index", "logprobs"))


def _unknown_fields(raw: JsonObject, known: frozenset[str]) -> JsonObject:
    return {key: value for key, value in raw.items() if key not in known and value is not None}


def cut_off(context: ReplyContext) -> APIConnectionError:
    """The stream ended without its proper end."""
    return APIConnectionError(
        f"{context.provider} broke off the stream before its end", provider=context.provider, model=context.model
    )


def is_done(event: SseEvent) -> bool:
    """Whether it is the end mark (around which Groq has sent spaces)."""
    return len(event.data) < 16 and event.data.strip() == b"[DONE]"


def last_events(events: SseReader, context: ReplyContext, *, finished: bool) -> list[SseEvent]:
    """Return what remains when the body has ended. Half an event says that the stream was cut off: before it was `finished`, or
    after."""
    remaining = events.close()
    if any(not is_done(event) and json_or_none(event.data) is None for event in remaining):
        if not finished:
            raise cut_off(context)
        return []
    return remaining


def event_json(event: SseEvent, context: ReplyContext) -> JsonObject:
    """The object that an event carries. Raises the error that it carries instead."""
    try:
        body = loads(event.data)
    except orjson.JSONDecodeError as error:
        words = event.data[:200].decode("utf-8", "replace")
        raise invalid("an event that is not JSON", context, words) from error
    if event.event == b"error" or not isinstance(body, dict) or is_error(body):
        raise stream_error(body, context)
    return body


class ChatStreamReader:
    """Finish reasons are held back to the end: some providers say them early, or twice, or not at all."""

    __slots__ = (
        "_choices",
        "_context",
        "_ended",
        "_events",
        "_extras",
        "_frame",
        "_sources",
        "_tier",
        "_usage",
    )

    def __init__(self, context: ReplyContext) -> None:
        self._context = context
        self._events = SseReader()
        self._choices: dict[int, OpenChoice] = {}
        self._frame: JsonObject = {}
        self._extras: JsonObject = {}
        self._usage: JsonObject | None = None
        self._tier: Any = None
        self._sources: list[Any] = []
        self._ended = False

    @property
    def finished(self) -> bool:
        return bool(self._choices) and all(choice.word is not None for choice in self._choices.values())

    @property
    def complete(self) -> bool:
        return self._ended

    def feed(self, data: bytes) -> Iterator[ChatChunk]:
        for event in self._events.feed(data):
            yield from self._event(event)

    def close(self) -> Iterator[ChatChunk]:
        if not self._ended:
            for event in last_events(self._events, self._context, finished=self.finished):
                yield from self._event(event)
        if self._ended:
            return
        if not self.finished:
            raise cut_off(self._context)
        yield from self._end()

    def _event(self, event: SseEvent) -> Iterator[ChatChunk]:
        if self._ended:
            return
        if is_done(event):
            if not self._choices:
                raise invalid("a stream without an answer", self._context, None)
            yield from self._end()
            return
        body = event_json(event, self._context)
        chunk = self._chunk(body)
        if chunk is not None:
            yield chunk

    def _chunk(self, body: JsonObject) -> ChatChunk | None:
        self._note_metadata(body)
        raw = body.get("choices")
        choices = [
            read
            for position, choice in enumerate(raw if isinstance(raw, list) else ())
            if isinstance(choice, dict) and (read := self._choice(choice, position)) is not None
        ]
        if not choices:
            self._hold(body)
            return None
        chunk = self._envelope(body)
        self._frame = {key: chunk[key] for key in _KNOWN if key in chunk}
        chunk["choices"] = choices
        if self._extras:
            chunk |= self._extras
            self._extras = {}
        return cast(ChatChunk, chunk)

    def _envelope(self, body: JsonObject) -> JsonObject:
        chunk = envelope(body, self._context, "chat.completion.chunk")
        if not body.get("model") and self._frame.get("model"):
            chunk["model"] = self._frame["model"]
        chunk.pop("usage", None)
        return chunk

    def _hold(self, body: JsonObject) -> None:
        """Keep Azure's verdict on the prompt, and what comes with the usage or a bare finish reason, for the next chunk."""
        self._extras |= _unknown_fields(body, _KNOWN)
        self._frame = self._frame or self._envelope(body)

    def _note_metadata(self, body: JsonObject) -> None:
        self._tier = body.get("service_tier") or self._tier
        if "search_results" in body or "citations" in body:
            self._sources = search_annotations(body)
        usage, groq = body.get("usage"), body.get("x_groq")
        if usage is None and isinstance(groq, dict):
            usage = groq.get("usage")
        if has_usage(usage) or (usage and self._usage is None and isinstance(usage, dict)):
            self._usage = usage

    def _choice(self, raw: JsonObject, position: int) -> JsonObject | None:
        index = raw["index"] if type(raw.get("index")) is int else position
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = OpenChoice(self._context, index)
        if raw.get("finish_reason") is not None or "error" in raw:
            self._note_end(state, raw)
        delta = raw.get("delta")
        read = state.read(delta if isinstance(delta, dict) else {})
        extras = _unknown_fields(raw, _HELD)
        logprobs = raw.get("logprobs") and fit_logprobs(raw["logprobs"])
        if not read and not (isinstance(logprobs, dict) and any(logprobs.values())):
            state.extras |= extras
            return None
        choice = {"index": index, "delta": read, "finish_reason": None, **extras}
        if "logprobs" in raw:
            choice["logprobs"] = logprobs
        return choice

    def _note_end(self, state: OpenChoice, raw: JsonObject) -> None:
        """Keep the finish reason for the last chunk. Raise the error that stands in its place."""
        word = raw.get("finish_reason")
        if raw.get("error") or failure_word(word):
            raise failed_choice(raw, self._context)
        if word is not None:
            state.word = word if isinstance(word, str) else ""
            state.native = text(raw.get("native_finish_reason")) or state.native

    def _end(self) -> Iterator[ChatChunk]:
        self._ended = True
        for index, state in sorted(self._choices.items()):
            delta = state.last()
            if self._sources:
                delta["annotations"] = self._sources
            reason = finish_reason(state.word, called=state.called, json_answer=state.answered_json)
            choice: JsonObject = {"index": index, "delta": delta, "finish_reason": reason, **state.extras}
            native = state.native or state.word
            if native and native != reason:
                choice["native_finish_reason"] = native
            yield cast(ChatChunk, {**self._frame, "choices": [choice]})
        if self._usage is not None:
            usage = read_usage(self._usage, self._tier)
            yield cast(ChatChunk, {**self._frame, **self._extras, "choices": [], "usage": usage})
