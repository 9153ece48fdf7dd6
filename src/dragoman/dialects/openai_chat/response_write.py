"""Whole and streamed answers: hub -> wire, for callers who speak the OpenAI dialect. The hub is their shape."""

from __future__ import annotations

from typing import Any

import orjson

from dragoman.dialects.dialect import ReplyStyle
from dragoman.dialects.framing.sse import write_event
from dragoman.dialects.openai_chat.errors import write_error
from dragoman.errors import DragomanError
from dragoman.types.chat import ChatChoice, ChatChunk, ChatResponse
from dragoman.types.json import JsonObject

__all__ = ["DONE", "ChatStreamWriter", "error_event", "write_response"]

DONE = b"data: [DONE]\n\n"
_BESIDE_NULL = ("tool_calls", "function_call", "audio", "refusal")


def error_event(error: DragomanError) -> bytes:
    """What the openai package raises on in mid-stream. Nothing follows it, no `[DONE]` either."""
    return write_event(orjson.dumps(write_error(error)))


def write_response(response: ChatResponse, caller: ReplyStyle) -> JsonObject:
    return {
        "object": "chat.completion",
        "model": caller.model,
        **response,
        "choices": [_choice(choice) for choice in response["choices"]],
    }


def _choice(choice: ChatChoice) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": None, "refusal": None, **choice["message"]}
    if message["content"] is None and not any(message.get(key) for key in _BESIDE_NULL):
        message["content"] = ""  # OpenAI itself would not take null back
    notes = message.get("annotations")
    if notes and not all(_is_openais(note) for note in notes):
        message["annotations"] = [note for note in notes if _is_openais(note)]
        rest = [note for note in notes if not _is_openais(note)]
        message["provider_specific_fields"] = {**(message.get("provider_specific_fields") or {}), "annotations": rest}
    return {"logprobs": None, **choice, "message": message}


def _is_openais(note: Any) -> bool:
    """OpenAI's type knows citations of the web only; OpenRouter annotates files too, and other vendors cite documents."""
    return isinstance(note, dict) and note.get("type") == "url_citation" and isinstance(note.get("url_citation"), dict)


class ChatStreamWriter:
    """Usage goes out in one last chunk, and only to a caller who asked for it."""

    __slots__ = ("_include_usage",)

    def __init__(self, caller: ReplyStyle) -> None:
        self._include_usage = caller.include_usage

    def write(self, chunk: ChatChunk) -> bytes:
        if self._include_usage:
            return write_event(orjson.dumps(chunk if "usage" in chunk else {**chunk, "usage": None}))
        if "usage" not in chunk:
            return write_event(orjson.dumps(chunk))
        if not chunk.get("choices"):
            return b""
        return write_event(orjson.dumps({key: value for key, value in chunk.items() if key != "usage"}))

    def close(self) -> bytes:
        return DONE

    def error(self, error: DragomanError) -> bytes:
        return error_event(error)
