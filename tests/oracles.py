"""The official SDKs' types, as judges of what we send and of what we serve. Each returns the value it has accepted."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import anthropic.types
import openai.types.chat
from anthropic.types import message_create_params
from google.genai import types as google_types
from openai.types.chat import completion_create_params
from pydantic import TypeAdapter

__all__ = [
    "anthropic_event",
    "anthropic_message",
    "anthropic_request",
    "gemini_request",
    "gemini_response",
    "openai_chunk",
    "openai_request",
    "openai_response",
]


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _read_all(value: Any) -> Any:
    """Read every lazily validated iterable, so that what is wrong inside of it is found."""
    if isinstance(value, dict):
        return {key: _read_all(item) for key, item in value.items()}
    if isinstance(value, str | bytes):
        return value
    if isinstance(value, Iterable):
        return [_read_all(item) for item in value]
    return value


def openai_request(body: dict[str, Any]) -> Any:
    kinds = completion_create_params
    kind = kinds.CompletionCreateParamsStreaming if body.get("stream") else kinds.CompletionCreateParamsNonStreaming
    return _read_all(_adapter(kind).validate_python(body))


def openai_response(body: dict[str, Any]) -> openai.types.chat.ChatCompletion:
    return openai.types.chat.ChatCompletion.model_validate(body)


def openai_chunk(body: dict[str, Any]) -> openai.types.chat.ChatCompletionChunk:
    return openai.types.chat.ChatCompletionChunk.model_validate(body)


def anthropic_request(body: dict[str, Any]) -> Any:
    kinds = message_create_params
    kind = kinds.MessageCreateParamsStreaming if body.get("stream") else kinds.MessageCreateParamsNonStreaming
    return _read_all(_adapter(kind).validate_python(body))


def anthropic_message(body: dict[str, Any]) -> anthropic.types.Message:
    return anthropic.types.Message.model_validate(body)


def anthropic_event(body: dict[str, Any]) -> Any:
    return _adapter(anthropic.types.RawMessageStreamEvent).validate_python(body)


def gemini_request(body: dict[str, Any]) -> dict[str, Any]:
    """Each field of a generateContent body by its type; unknown fields are refused, as Google does."""
    kinds: dict[str, Any] = {
        "contents": list[google_types.Content],
        "systemInstruction": google_types.Content,
        "tools": list[google_types.Tool],
        "toolConfig": google_types.ToolConfig,
        "generationConfig": google_types.GenerationConfig,
        "safetySettings": list[google_types.SafetySetting],
        "cachedContent": str,
        "labels": dict[str, str],
        "serviceTier": str,
    }
    unknown = set(body) - set(kinds)
    assert not unknown, f"not fields of generateContent: {unknown}"
    return {name: _adapter(kinds[name]).validate_python(value) for name, value in body.items()}


def gemini_response(body: dict[str, Any]) -> google_types.GenerateContentResponse:
    return google_types.GenerateContentResponse.model_validate(body)
