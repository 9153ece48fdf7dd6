"""Write whole replies for callers that speak the OpenAI dialect. The hub already has their shape."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.codec import ReplyStyle
from dragoman.types.chat import ChatChoice, ChatResponse
from dragoman.types.json import JsonObject

__all__ = ["write_response"]

_BESIDE_NULL = ("tool_calls", "function_call", "audio", "refusal")


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
    _fit_annotations(message)
    return {"logprobs": None, **choice, "message": message}


def _fit_annotations(message: JsonObject) -> None:
    """Move what is no annotation of OpenAI's to `provider_specific_fields`."""
    notes = message.get("annotations")
    if not notes or all(_is_openais(note) for note in notes):
        return
    message["annotations"] = [note for note in notes if _is_openais(note)]
    others = [note for note in notes if not _is_openais(note)]
    message["provider_specific_fields"] = {**(message.get("provider_specific_fields") or {}), "annotations": others}


def _is_openais(note: Any) -> bool:
    """OpenAI's type knows citations of the web only; OpenRouter annotates files too, and other vendors cite documents."""
    return isinstance(note, dict) and note.get("type") == "url_citation" and isinstance(note.get("url_citation"), dict)
