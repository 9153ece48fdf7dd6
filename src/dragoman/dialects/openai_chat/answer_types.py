"""The types that the hub promises of an answer's optional parts. The writers of all dialects rely on them, so what a provider sends
in another type is left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dragoman.types.json import JsonObject

__all__ = ["fit_call", "fit_logprobs", "fit_message"]


def fit_message(message: JsonObject) -> None:
    """Leave out of a message, or a delta, what is of another type."""
    _fit(message, _MESSAGE)


def fit_call(call: JsonObject) -> None:
    """Leave out of a tool call what is of another type."""
    _fit(call, _CALL)


def fit_logprobs(logprobs: Any) -> Any:
    """Return `logprobs` without what is of another type."""
    if not isinstance(logprobs, dict):
        return None
    return {name: _tokens(value) if name in _TOKENS else value for name, value in logprobs.items()}


def _fit(values: JsonObject, types: Mapping[str, Callable[[Any], Any]]) -> None:
    for name in values.keys() & types.keys():
        value = types[name](values[name])
        if value is None:
            del values[name]
        else:
            values[name] = value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _object(value: Any) -> JsonObject | None:
    return value if isinstance(value, dict) else None


def _objects(value: Any) -> list[JsonObject] | None:
    items = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    return items or None


def _annotations(value: Any) -> list[JsonObject] | None:
    return [item for item in _objects(value) or () if isinstance(item.get("url_citation", {}), dict)] or None


def _images(value: Any) -> list[JsonObject] | None:
    return [item for item in _objects(value) or () if _is_image(item)] or None


def _is_image(item: JsonObject) -> bool:
    image = item.get("image_url")
    return isinstance(item.get("type", ""), str) and isinstance(image, dict) and isinstance(image.get("url"), str)


def _audio(value: Any) -> JsonObject | None:
    if not isinstance(value, dict):
        return None
    return {key: item for key, item in value.items() if key not in _AUDIO_TEXTS or isinstance(item, str)} or None


def _function(value: Any) -> JsonObject | None:
    if not isinstance(value, dict):
        return None
    return {key: item for key, item in value.items() if key not in _FUNCTION_TEXTS or isinstance(item, str)}


def _tokens(value: Any) -> list[JsonObject] | None:
    if not isinstance(value, list):
        return None
    return [token for token in value if isinstance(token, dict) and _is_token(token)]


def _is_token(token: JsonObject) -> bool:
    logprob, top = token.get("logprob"), token.get("top_logprobs")
    if not isinstance(token.get("token", ""), str) or not isinstance(logprob, int | float | None):
        return False
    return top is None or (isinstance(top, list) and all(isinstance(item, dict) and _is_token(item) for item in top))


_AUDIO_TEXTS = frozenset(("id", "data", "transcript"))
_FUNCTION_TEXTS = frozenset(("name", "arguments"))
_TOKENS = frozenset(("content", "refusal"))
_MESSAGE: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "role": _text,
        "refusal": _text,
        "annotations": _annotations,
        "images": _images,
        "audio": _audio,
        "function_call": _function,
    }
)
_CALL: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {"function": _object, "custom": _object, "extra_content": _object, "type": _text}
)
