"""Every recorded usage: as our readers tell it, and as the provider sent it (put together here without our readers)."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dragoman.dialects import anthropic_messages, gemini, openai_chat
from dragoman.dialects.codec import Codec, ReplyContext, ReplyStyle, RequestHints
from dragoman.dialects.openai_chat import completions, embeddings
from dragoman.errors import DragomanError
from tests.dialects.anthropic.exchange import events_of, messages_recordings
from tests.dialects.gemini.exchange import replies, whole
from tests.dialects.openai import _recorded as openai
from tests.recordings import Recording

__all__ = ["RecordedUsage", "recorded_usages"]

PROVIDERS = {"openai-embeddings": "openai", "copilot": "github_copilot", "vercel-gateway": "vercel_ai_gateway"}
"""The recordings' names of providers that are not ours."""


@dataclass(frozen=True)
class RecordedUsage:
    recording: Recording
    provider: str
    """Our name."""
    model: str
    flavour: str
    """Of the API, in the words of genai-prices."""
    usage: dict[str, Any]
    """As our reader gives it."""
    raw: dict[str, Any]
    """A whole answer in the provider's words, streamed or not."""
    request: dict[str, Any] | None
    """The hub's, where one was recorded."""
    passed_through: dict[str, Any] | None
    """The usage as it is read where the answer passes through untouched."""

    @property
    def id(self) -> str:
        return f"{self.recording.provider}-{self.recording.id}"


@functools.cache
def recorded_usages() -> tuple[RecordedUsage, ...]:
    return tuple(_all())


def _all() -> Iterator[RecordedUsage]:
    for recording in _of(openai.good(openai.chats())):
        flavour = "default" if recording.provider == "perplexity" else "chat"
        yield from _one(recording, openai_chat.CODEC, flavour, _openai_raw(recording))
    for recording in _of(openai.good(openai.of_endpoint("completions"))):
        yield from _one(recording, completions.CODEC, "chat", _openai_raw(recording))
    for recording in _of(openai.of_endpoint("embeddings")):
        yield from _one(recording, embeddings.CODEC, "embeddings", recording.response_body)
    for recording in _of(messages_recordings()):
        flavour = "default" if recording.provider == "anthropic" else "anthropic"
        yield from _one(recording, anthropic_messages.CODEC, flavour, _anthropic_raw(recording))
    for recording in _of([*replies(stream=False), *replies(stream=True)]):
        yield from _one(recording, gemini.CODEC, "default", _gemini_raw(recording))


def _of(params: list[Any]) -> Iterator[Recording]:
    return (param.values[0] for param in params if param.values[0] is not None)


def _one(recording: Recording, codec: Codec[Any, Any, Any], flavour: str, raw: Any) -> Iterator[RecordedUsage]:
    if not isinstance(raw, dict):
        return
    context = ReplyContext(
        provider=recording.provider,
        model=recording.model or "some-model",
        vendor={"gemini": "google", "vertex": "google", "azure": "openai"}.get(recording.provider, recording.provider),
        created=1,
        reply_id="r",
        accent=openai_chat.ACCENTS.get(recording.provider) if codec is openai_chat.CODEC else None,
    )
    try:
        usage = _read(recording, codec, context)
        passed = _relayed(recording, codec, context)
    except DragomanError:
        return  # an error that came with a 200, or a stream that was cut off
    if usage:
        model = raw.get("model") or raw.get("modelVersion") or recording.model
        provider = PROVIDERS.get(recording.provider, recording.provider)
        request = _request(recording, codec)
        yield RecordedUsage(recording, provider, model, flavour, usage, raw, request, passed)


def _read(recording: Recording, codec: Codec[Any, Any, Any], context: ReplyContext) -> Any:
    if not recording.stream:
        return codec.read_response(recording.response_body, context).get("usage")
    assert codec.stream_reader is not None
    reader = codec.stream_reader(context)
    chunks = [*reader.feed(recording.response_bytes), *reader.close()]
    return next((chunk["usage"] for chunk in reversed(chunks) if chunk.get("usage")), None)


def _relayed(recording: Recording, codec: Codec[Any, Any, Any], context: ReplyContext) -> Any:
    if not recording.stream:
        return codec.read_usage(recording.response_body) if codec.read_usage else None
    if codec.stream_relay is None:
        return None
    relay = codec.stream_relay(context, ReplyStyle(model="m"))
    for _ in (*relay.feed(recording.response_bytes), *relay.close()):
        pass
    return relay.usage


def _request(recording: Recording, codec: Codec[Any, Any, Any]) -> Any:
    if not isinstance(recording.request_body, dict):
        return None
    with contextlib.suppress(DragomanError):
        return codec.read_request(recording.request_body, RequestHints(model=recording.model, stream=recording.stream))
    return None


def _openai_raw(recording: Recording) -> Any:
    if not recording.stream:
        return recording.response_body
    raw: dict[str, Any] = {}
    for event in openai.events(recording.response_bytes):
        for key in ("model", "created", "service_tier"):
            raw[key] = event.get(key) or raw.get(key)
        usage = event.get("usage") or (event.get("x_groq") or {}).get("usage")
        if usage and (usage.get("completion_tokens") or "usage" not in raw):
            raw["usage"] = usage
    return raw


def _anthropic_raw(recording: Recording) -> Any:
    if not recording.stream:
        return recording.response_body
    raw: dict[str, Any] = {}
    for event in events_of(recording.response_bytes):
        if event["type"] == "message_start":
            raw = {"model": event["message"].get("model"), "usage": dict(event["message"]["usage"])}
        elif event["type"] == "message_delta":
            raw["usage"] |= {key: value for key, value in (event.get("usage") or {}).items() if value is not None}
    return raw


def _gemini_raw(recording: Recording) -> Any:
    bodies = whole(recording) if recording.stream else [recording.response_body]
    raw: dict[str, Any] = {}
    for body in bodies:
        raw["modelVersion"] = body.get("modelVersion") or raw.get("modelVersion")
        metadata = body.get("usageMetadata") or {}
        if any(key.endswith("TokenCount") for key in metadata):
            raw["usageMetadata"] = metadata
    return raw
