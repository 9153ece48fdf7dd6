"""Counting tokens without asking anybody. See `acount_tokens` for the provider's own count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dragoman.errors import BadRequestError
from dragoman.models import count_tokens
from dragoman.sdk._request import plain

if TYPE_CHECKING:
    from dragoman.sdk._params import Messages

__all__ = ["token_counter"]


def token_counter(
    model: str = "",
    custom_tokenizer: Any = None,
    text: str | Sequence[str] | None = None,
    messages: Messages | None = None,
    count_response_tokens: bool = False,
    tools: Sequence[Mapping[str, Any]] | None = None,
    tool_choice: Any = None,
    **_: Any,
) -> int:
    """The input tokens of a text or a chat: counted where the model's vocabulary is at hand, else estimated.

    Further arguments of LiteLLM's function are accepted: they say how its own tokenizers count. Raises `BadRequestError`
    naming an argument of the wrong type."""
    chat, kit = _objects("messages", messages), _objects("tools", tools)
    if not (text is None or isinstance(text, str) or _all(text, str)):
        raise _wrong("text", "a string or a list of strings", text)
    return count_tokens(chat, kit, text, model)


def _objects(name: str, value: Any) -> Any:
    """The objects of a list, plain."""
    if value is None:
        return None
    items = value if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable) else plain(list(value))
    if not _all(items, Mapping):
        raise _wrong(name, "a list of objects", value)
    return items


def _all(value: Any, kind: type) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(item, kind) for item in value)


def _wrong(name: str, expected: str, value: Any) -> BadRequestError:
    return BadRequestError(f"{name}: expected {expected}, got {type(value).__name__}", param=name, code="invalid_type")
