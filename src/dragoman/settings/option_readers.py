"""Readers of call options: what the SDK's keyword arguments hold is Python, so any iterable is a list of names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dragoman.errors import ConfigError
from dragoman.settings.readers import Environment, refuse_variable, wrong
from dragoman.settings.readers import api_key as read_key

__all__ = [
    "anything",
    "headers",
    "key",
    "mapping",
    "model",
    "names",
    "string",
    "strings",
    "targets",
    "texts_by_name",
    "tool_calls",
]

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SCHEME = re.compile(r"(?:[A-Za-z][\w-]* )?(?P<value>\S+)")
"""Of a header: `Bearer <value>`, or the value alone."""
_REFERENCE = "os.environ/"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def anything(value: Any, path: str) -> Any:
    """Return the value unchanged."""
    return value


def string(value: Any, path: str) -> str:
    """Return a text, which may be empty."""
    if not isinstance(value, str):
        raise wrong(path, "a text", value)
    return value


def key(value: Any, path: str) -> str:
    """Return a provider's key, which may be empty. A reference to a variable would be sent as it stands, and is refused."""
    if not string(value, path).strip():
        return str(value)
    _refuse_reference(value, path)
    return read_key(value, path)


def _refuse_reference(value: str, path: str) -> None:
    """Raise `ConfigError` for a text that names an environment variable instead of holding its value."""
    if isinstance(value, Environment):
        return
    if value.strip().startswith(_REFERENCE):
        told = f"`{_REFERENCE}NAME` is looked up as a value of its own in a model list, and nowhere else"
        raise ConfigError(f"{path}: {told}: pass the value of the variable", param=path)
    refuse_variable(value, path)


def model(value: Any, path: str) -> str:
    """Return the name of a model."""
    if not isinstance(value, str):
        raise wrong(path, "a model such as `azure/gpt-6.1-sol`", value)
    return value


def mapping(value: Any, path: str) -> dict[str, Any]:
    """Return a copy of a mapping."""
    if not isinstance(value, Mapping):
        raise wrong(path, "a mapping", value)
    return dict(value)


def names(value: Any, path: str) -> tuple[str, ...]:
    """Return the texts of any iterable that is not a text itself."""
    items = _items(value)
    if items is None or not all(isinstance(item, str) for item in items):
        raise wrong(path, "a list of texts", value)
    return items


def strings(value: Any, path: str) -> dict[str, str]:
    """Return a mapping of texts to texts; values without a text form are written as Python writes them, None is left out."""
    texts = _strings(value)
    if texts is None:
        raise wrong(path, "a mapping of texts", value)
    return texts


def texts_by_name(value: Any, path: str) -> dict[str, str]:
    """Return a mapping of texts to texts."""
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for pair in value.items() for item in pair):
        raise wrong(path, "a mapping of texts to texts", value)
    return dict(value)


def headers(value: Any, path: str) -> dict[str, str]:
    """Return texts that a header can carry: a line break would end the header and begin another one."""
    texts = _strings(value)
    if texts is None or any(not _HEADER_NAME.fullmatch(name) or _CONTROL.search(texts[name]) for name in texts):
        raise wrong(path, "a mapping of header names to texts without line breaks", value)
    for name, text in texts.items():
        match = _SCHEME.fullmatch(text.strip())
        if match is not None and not isinstance(value[name], Environment):
            _refuse_reference(match["value"], f"{path}.{name}")
    return texts


def targets(value: Any, path: str) -> tuple[Any, ...]:
    """Return fallbacks: models, or mappings with `model`. Their parameters are read when the fallback is needed."""
    items = (value,) if isinstance(value, str) else _items(value)
    if items is None or not all(isinstance(item, str) or _names_a_model(item) for item in items):
        raise wrong(path, "a list of models, or of mappings with `model`", value)
    return tuple(item if isinstance(item, str) else dict(item) for item in items)


def tool_calls(value: Any, path: str) -> tuple[dict[str, Any], ...]:
    """Return the tool calls of a mock response."""
    calls = _items(value)
    if calls is None or not all(isinstance(call, Mapping) for call in calls):
        raise wrong(path, "a list of tool calls", value)
    return tuple(dict(call) for call in calls)


def _names_a_model(item: Any) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("model"), str)


def _items(value: Any) -> tuple[Any, ...] | None:
    is_list = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
    return tuple(value) if is_list else None


def _strings(value: Any) -> dict[str, str] | None:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        return None
    return {name: str(text) for name, text in value.items() if text is not None}
