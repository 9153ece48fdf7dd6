"""Counting tokens without asking anybody. See `acount_tokens` for the provider's own count."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dragoman.errors import BadRequestError, ConfigError
from dragoman.models import count_tokens, tokens
from dragoman.sdk._request import plain

if TYPE_CHECKING:
    from dragoman.sdk.params import Messages

__all__ = ["create_tokenizer", "decode", "encode", "token_counter"]

_IMAGE = 250
"""What LiteLLM takes for every image with `use_default_image_token_count`."""


def token_counter(
    model: str = "",
    custom_tokenizer: Any = None,
    text: str | Sequence[str] | None = None,
    messages: Messages | None = None,
    count_response_tokens: bool | None = False,
    tools: Sequence[Mapping[str, Any]] | None = None,
    tool_choice: Any = None,
    use_default_image_token_count: bool | None = False,
    default_token_count: int | None = None,
    **_: Any,
) -> int:
    """The input tokens of a text or a chat: exact where the model's vocabulary is at hand, else estimated.

    `custom_tokenizer` counts instead (`create_tokenizer`, or any object with `encode(text)`). `default_token_count` is given
    in place of an error; without it, `BadRequestError` names an argument of the wrong type."""
    try:
        chat, kit = _objects("messages", messages), _objects("tools", tools)
        if not (text is None or isinstance(text, str) or _all(text, str)):
            raise _wrong("text", "a string or a list of strings", text)
        return count_tokens(
            chat,
            kit,
            text,
            model,
            tool_choice=tool_choice,
            tokenizer=_tokenizer(custom_tokenizer),
            image_tokens=_IMAGE if use_default_image_token_count else None,
        )
    except BadRequestError:
        if default_token_count is None:
            raise
        return default_token_count


def encode(model: str = "", text: str = "", custom_tokenizer: Any = None) -> list[int]:
    """The tokens of a text. Raises `BadRequestError` where the model's vocabulary is not at hand."""
    if custom_tokenizer is None:
        return tokens.encode(text, model)
    result = _tokenizer(custom_tokenizer).encode(text)
    return list(getattr(result, "ids", result))


# `tokens` is LiteLLM's name of the argument.
def decode(model: str = "", tokens: Sequence[int] = (), custom_tokenizer: Any = None) -> str:
    """The text of tokens. Raises `BadRequestError` where the model's vocabulary is not at hand."""
    if custom_tokenizer is not None:
        return str(_tokenizer(custom_tokenizer).decode(list(tokens)))
    from dragoman.models.tokens import decode as decoded

    return decoded(tokens, model)


def create_tokenizer(json: str) -> dict[str, Any]:
    """A tokenizer for `custom_tokenizer`, from the text of a `tokenizer.json` of Hugging Face's; their package `tokenizers`
    has to be installed."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ConfigError("create_tokenizer needs the package tokenizers: pip install tokenizers") from error
    try:
        built = Tokenizer.from_str(json)
    except Exception as error:  # it raises nothing more exact
        raise BadRequestError(f"json: {error}", param="json") from error
    return {"type": "huggingface_tokenizer", "tokenizer": built}


def _tokenizer(custom: Any) -> Any:
    """The tokenizer itself; LiteLLM puts it into an object."""
    result = custom.get("tokenizer") if isinstance(custom, Mapping) else custom
    if custom is not None and not callable(getattr(result, "encode", None)):
        raise _wrong("custom_tokenizer", "an object with `encode(text)`, or what create_tokenizer gives", custom)
    return result


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
