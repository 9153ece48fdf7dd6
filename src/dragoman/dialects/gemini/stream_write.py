"""Write a stream for a Gemini caller: each frame is a whole reply that holds the new parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dragoman.dialects.codec import ReplyStyle
from dragoman.dialects.framing.json_array import JsonArrayWriter
from dragoman.dialects.framing.sse import write_event
from dragoman.dialects.gemini.assistant_write import call_part, sign
from dragoman.dialects.gemini.errors import write_error
from dragoman.dialects.gemini.finish_reasons import write_finish
from dragoman.dialects.gemini.logprobs import write_logprobs
from dragoman.dialects.gemini.response_write import (
    add_extras,
    add_thinking,
    audio_part,
    chunk_envelope,
    image_part,
    own_fields,
    provider_tool_parts,
    reasoning_parts,
    vendor_of,
)
from dragoman.dialects.gemini.usage import write_usage
from dragoman.dialects.json_text import dump_json_bytes
from dragoman.errors import DragomanError
from dragoman.types.chat import ChatChunk, ChatChunkChoice, Delta
from dragoman.types.json import JsonObject
from dragoman.types.usage import TokenUsage

__all__ = ["GeminiStreamWriter"]


@dataclass(slots=True)
class _Candidate:
    """The state of one choice, and what of it is not sent yet."""

    calls: dict[int, Any] = field(default_factory=dict)
    """Function calls whose arguments still come: Gemini's clients take them whole."""
    text: list[str] = field(default_factory=list)
    annotations: list[Any] = field(default_factory=list)
    own: JsonObject = field(default_factory=dict)
    finish: str | None = None

    def take_calls(self) -> list[JsonObject]:
        calls, self.calls = self.calls, {}
        for call in calls.values():
            call["function"]["arguments"] = "".join(call["function"]["arguments"])
        return [call_part(call) for _, call in sorted(calls.items())]


class GeminiStreamWriter:
    """Write one stream. The last frame holds the finish reason of each candidate, and the usage."""

    def __init__(self, context: ReplyStyle) -> None:
        self._context = context
        self._array = JsonArrayWriter() if context.framing == "json_array" else None
        self._candidates: dict[int, _Candidate] = {}
        self._usage: TokenUsage | None = None
        self._head: JsonObject = {"modelVersion": context.model}
        self._feedback: JsonObject | None = None

    def write(self, chunk: ChatChunk) -> bytes:
        self._head = chunk_envelope(chunk, self._context)
        self._usage = chunk.get("usage") or self._usage
        self._feedback = own_fields(chunk).get("promptFeedback") or self._feedback
        choices = [self._choice(choice) for choice in chunk.get("choices") or ()]
        candidates = [candidate for candidate in choices if candidate is not None]
        return self._frame({"candidates": candidates, **self._head}) if candidates else b""

    def close(self) -> bytes:
        if not self._candidates and self._usage is None:
            return self._array.close() if self._array else b""
        body: JsonObject = {
            "candidates": [self._last(index, state) for index, state in sorted(self._candidates.items())]
        }
        if self._feedback:
            body["promptFeedback"] = self._feedback
        if self._usage:
            body["usageMetadata"] = write_usage(self._usage)
        return self._frame({**body, **self._head}) + (self._array.close() if self._array else b"")

    def error(self, error: DragomanError) -> bytes:
        return self._frame(write_error(error)) + (self._array.close() if self._array else b"")

    def _frame(self, body: JsonObject) -> bytes:
        data = dump_json_bytes(body)
        return self._array.write(data) if self._array else write_event(data)

    def _choice(self, choice: ChatChunkChoice) -> JsonObject | None:
        index = choice.get("index", 0)
        state = self._candidates.setdefault(index, _Candidate())
        state.own.update(own_fields(choice))
        delta: Delta = choice.get("delta") or {}
        parts = self._parts(delta, state)
        finish = choice.get("finish_reason")
        if finish:
            state.finish = write_finish(finish, choice.get("native_finish_reason"))
            parts.extend(state.take_calls())
        logprobs = write_logprobs(choice.get("logprobs"))
        if not parts and logprobs is None:
            return None
        candidate: JsonObject = {"content": _content(parts), "index": index}
        if logprobs is not None:
            candidate["logprobsResult"] = logprobs
        return candidate

    def _parts(self, delta: Delta, state: _Candidate) -> list[JsonObject]:
        """Return the parts of this chunk: reasoning, provider-run tools, text, images, audio, and the signatures of the last."""
        vendor = vendor_of(self._context)
        parts = reasoning_parts(delta)
        signatures: list[str] = []
        for block in delta.get("thinking_blocks") or ():
            if block.get("type") == "signature" and block.get("vendor") == vendor:
                signatures.append(block["signature"])
            else:
                add_thinking(parts, block, vendor)
        parts.extend(provider_tool_parts(delta.get("provider_tool_blocks") or (), vendor))
        self._add_text(parts, delta, state)
        for image in delta.get("images") or ():
            parts.extend(image_part(image))
        parts.extend(audio_part(delta.get("audio") or {}))
        for signature in signatures:
            sign(parts, signature)
        self._defer(delta, state)
        return parts

    def _add_text(self, parts: list[JsonObject], delta: Delta, state: _Candidate) -> None:
        content = delta.get("content")
        text = content if isinstance(content, str) else ""
        text += delta.get("refusal") or ""
        if text:
            state.text.append(text)
            parts.append({"text": text})

    def _defer(self, delta: Delta, state: _Candidate) -> None:
        """Keep what a later frame sends: annotations, and calls until they are whole."""
        state.annotations.extend(delta.get("annotations") or ())
        for piece in delta.get("tool_calls") or ():
            call = state.calls.setdefault(piece.get("index", 0), {"function": {"name": "", "arguments": []}})
            for key in ("id", "extra_content"):
                if piece.get(key):
                    call[key] = piece[key]
            function: Any = piece.get("function") or {}
            call["function"]["name"] += function.get("name") or ""
            call["function"]["arguments"].append(function.get("arguments") or "")

    def _last(self, index: int, state: _Candidate) -> JsonObject:
        content = _content(state.take_calls())
        candidate: JsonObject = {"content": content, "index": index, "finishReason": state.finish or "STOP"}
        add_extras(candidate, state.own, state.annotations, "".join(state.text))
        return candidate


def _content(parts: list[JsonObject]) -> JsonObject:
    """Return the content of a frame. Without parts it holds an empty text, as Google's own last frame does: google-genai's
    `chunk.text` would be None, and a loop that prints it would end with "None"."""
    return {"parts": parts or [{"text": ""}], "role": "model"}
