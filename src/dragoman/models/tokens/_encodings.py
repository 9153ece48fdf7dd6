"""The exact encodings, by an optional package that ships their vocabularies (the extra `tokenizer`).

Why this package, and what loading costs: docs/decisions/0006-counting-tokens.md
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import threading
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from dragoman._install import install_command
from dragoman.errors import BadRequestError
from dragoman.models.tokens._families import family_of

__all__ = ["Tokenizer", "count_with", "decode", "encode", "encoding_of", "is_loaded", "warm_up"]

_LOADING = threading.Lock()


class Tokenizer(Protocol):
    """Anything that cuts text into tokens: tiktoken's encodings, Hugging Face's tokenizers, ..."""

    def encode(self, text: str, /) -> Any: ...


class _Encoding(Protocol):
    def encode_ordinary(self, text: str, /) -> list[int]: ...
    def decode_single_token_bytes(self, token: int, /) -> bytes: ...
    def count(self, text: str, /) -> int: ...


def encoding_of(model: str) -> str | None:
    """The name of the encoding with which `model` is counted exactly; None: it is estimated."""
    name = family_of(model).encoding
    return name if name and _installed() else None


def encode(text: str, model: str) -> list[int]:
    """The tokens of `text`. Text that looks like a special token is ordinary text. Raises `BadRequestError` where the model's
    vocabulary is not at hand."""
    return _loaded(_exact(model)).encode_ordinary(text)


def decode(tokens: Sequence[int], model: str) -> str:
    """The text of `tokens`. Raises `BadRequestError` where the model's vocabulary is not at hand, and for numbers that are no
    tokens of it."""
    loaded = _loaded(_exact(model))
    try:
        parts = [loaded.decode_single_token_bytes(token) for token in tokens]
    except (KeyError, ValueError, OverflowError, TypeError) as error:
        raise BadRequestError(f"these are not tokens of {model}: {error}", model=model) from error
    return b"".join(parts).decode("utf-8", "replace")


def warm_up(models: Iterable[str] = ("gpt-5",)) -> None:
    """Load the vocabularies of these models now: about 0.2 s to 0.7 s each, during which nothing else in the process runs.

    For a program that must not wait later: the first count of an encoding loads its vocabulary otherwise.

    Models without an exact encoding are passed over."""
    for name in {encoding_of(model) for model in models} - {None}:
        _loaded(str(name))


def is_loaded(encoding: str) -> bool:
    return encoding in _cache()


def count_with(encoding: str, texts: Iterable[str]) -> int:
    """Tokens of all `texts` together, each counted for itself. The GIL is released meanwhile."""
    loaded = _loaded(encoding)
    return sum(loaded.count(_plain(text)) for text in texts)


def _plain(text: str) -> str:
    """Half a surrogate pair cannot be sent, and so not be counted: it stands for the sign that replaces it."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _exact(model: str) -> str:
    name = family_of(model).encoding
    if not name:
        raise BadRequestError(f"there is no exact vocabulary for {model or 'a model without a name'}", model=model)
    if not _installed():
        raise BadRequestError(f"exact tokens need the package toktok-rs: {install_command('tokenizer')}", model=model)
    return name


@functools.cache
def _installed() -> bool:
    return importlib.util.find_spec("toktok") is not None


@functools.cache
def _cache() -> dict[str, _Encoding]:
    return {}


def _loaded(name: str) -> _Encoding:
    result = _cache().get(name)
    if result is not None:
        return result
    with _LOADING:
        if name not in _cache():
            # Its own name for the whole tokenizer, documented beside `batch_count`.
            _cache()[name] = importlib.import_module("toktok")._encoding(name)
    return _cache()[name]
