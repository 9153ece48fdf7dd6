"""Recorded exchanges as the hub reads them, with the input tokens that the provider reported."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import ReplyContext, RequestHints
from dragoman.dialects.openai_chat import completions, embeddings
from dragoman.errors import DragomanError
from dragoman.models.tokens import tally_tokens, tokens_upper_bound
from dragoman.types.usage import TokenUsage
from tests.dialects.openai._recorded import FAILED, ours
from tests.recordings import Recording, all_recordings

__all__ = ["REPLACED", "Exchange", "asked", "estimated", "exact", "exchanges", "of", "told"]

REPLACED = {
    "openllmetry--test-prompt-cache-1-08001a7a",  # "very very long system prompt" stands for one of 18,000 tokens
    "dd-trace-py--chat-completion-stream-prompt-caching-ca",  # a system prompt was taken for an image
}
"""Recordings whose prompts were shortened by their recorders."""


@dataclass(frozen=True)
class Exchange:
    """One counted request."""

    recording: Recording
    request: Any
    """The hub's."""
    usage: TokenUsage
    reported: int
    """Input tokens, the cached ones with them."""
    written: int
    response: Any = None

    @property
    def provider(self) -> str:
        return self.recording.provider

    @property
    def model(self) -> str:
        return self.recording.model

    @property
    def chat(self) -> bool:
        return "messages" in self.request

    @property
    def shrunk(self) -> bool:
        """Its media were cut in the recording: what was counted is not what stands here."""
        return "media-shrunk" in (self.recording.data.get("edits") or ())

    def __str__(self) -> str:
        return f"{self.provider}-{self.recording.id}"


_GOOGLE = ("generateContent",)
_CLAUDE = ("messages", "rawPredict")
_COUNTS = {
    "anthropic": anthropic_messages.COUNT_TOKENS,
    "gemini": gemini.COUNT_TOKENS,
    "vertex": gemini.COUNT_TOKENS,
}


def _codec(recording: Recording) -> Any:
    body = recording.request_body
    if not isinstance(body, dict) or recording.status >= 400 or recording.id in FAILED:
        return None
    if recording.endpoint in _GOOGLE:
        return gemini.CODEC
    if recording.endpoint in _CLAUDE or (recording.endpoint == "invoke" and "anthropic_version" in body):
        return anthropic_messages.CODEC
    if recording.endpoint == "count-tokens":
        return _COUNTS.get(recording.provider)
    if recording.endpoint not in ("chat", "completions", "embeddings") or not ours(recording):
        return None
    if "messages" in body:
        return openai_chat.CODEC
    return embeddings.CODEC if recording.endpoint == "embeddings" else completions.CODEC


def _read(recording: Recording, codec: Any) -> Iterator[Exchange]:
    body = {"model": recording.model, "max_tokens": 1, **recording.request_body}
    request = codec.read_request(body, RequestHints(model=recording.model))
    context = ReplyContext(
        provider=recording.provider, model=recording.model, vendor=recording.provider, created=1, reply_id="r"
    )
    response: Any = None
    if recording.endpoint == "count-tokens":
        count = codec.read_response(recording.response_body, context)
        usage: Any = {"prompt_tokens": count["input_tokens"]}
        request = request["chat"]
    elif recording.stream:
        reader = codec.stream_reader(context)
        chunks = [*reader.feed(recording.response_bytes), *reader.close()]
        usage = next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)
    else:
        response = codec.read_response(orjson.loads(recording.response_bytes), context)
        usage = response.get("usage")
    if usage and usage.get("prompt_tokens"):
        yield Exchange(recording, request, usage, usage["prompt_tokens"], usage.get("completion_tokens") or 0, response)


@functools.cache
def exchanges() -> tuple[Exchange, ...]:
    """Every recorded request that our readers read and whose tokens the provider reported."""
    found: list[Exchange] = []
    for recording in all_recordings():
        codec = _codec(recording)
        if codec is None or recording.data.get("fidelity") == "response-only":
            continue
        try:
            found += _read(recording, codec)
        except (DragomanError, orjson.JSONDecodeError):
            continue
    return tuple(found)


def of(where: Callable[[Exchange], bool]) -> list[Exchange]:
    return [exchange for exchange in exchanges() if where(exchange)]


def asked(exchange: Exchange) -> dict[str, Any]:
    """What `tally_tokens` is asked for a chat."""
    chosen = {key: exchange.request.get(key) for key in ("messages", "tools", "tool_choice", "response_format")}
    return {**chosen, "model": exchange.model}


def told(exchange: Exchange) -> bool:
    """Whether it is a chat that stands here as it was counted, media, pages read by the provider and other models aside."""
    return (
        exchange.chat
        and not exchange.shrunk
        and not replaced(exchange)
        and not exchange.request.get("models")
        and tokens_upper_bound(exchange.request, provider=exchange.provider, model=exchange.model) is not None
        and "image_url" not in str(exchange.request["messages"])
    )


def replaced(exchange: Exchange) -> bool:
    return exchange.recording.id.startswith(tuple(REPLACED))


def estimated(exchange: Exchange) -> int:
    """Counted without any vocabulary."""
    return tally_tokens(**asked(exchange), vocabulary="none").tokens


def exact(exchange: Exchange) -> int | None:
    """Counted with the model's own vocabulary; None where there is none."""
    tally = tally_tokens(**asked(exchange))
    return None if tally.by == "estimate" else tally.tokens
