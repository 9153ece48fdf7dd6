"""What must never leave: the keys of this server are taken out of every error and every line of the log.

A provider may repeat in an error the key that it was sent. `dialects/redaction.py` knows how keys look; here the keys
themselves are known, however they look.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["Redactor", "is_secret_name", "secrets_in"]

_SECRET_NAME = re.compile(r"(key|token|secret|password|authorization|credential|cookie)s?$", re.IGNORECASE)
_SHORTEST = 8
"""Shorter values would take ordinary words out of messages."""
_BEGINNING = 3
"""Characters of a secret by which it is looked for: of ten thousand keys most begin alike."""
_REPLACEMENT = "[key removed]"


def is_secret_name(name: str) -> bool:
    """Whether a value of this name, or at this path, is a secret."""
    return bool(_SECRET_NAME.search(name))


def secrets_in(config: Any, environment: Mapping[str, str]) -> frozenset[str]:
    """Every text that stands under the name of a secret, in the configuration or in the environment."""
    values = set(_walk(config, False))
    values.update(value.strip() for name, value in environment.items() if is_secret_name(name))
    return frozenset(value for value in values if len(value) >= _SHORTEST)


def _walk(value: Any, secret: bool) -> Iterable[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, secret or is_secret_name(str(key)))
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, secret)
    elif secret and isinstance(value, (str, int, float)):
        yield str(value).removeprefix("Bearer ").strip()


def _in_base64(secret: str) -> Iterable[str]:
    """A secret as it looks in base64, by itself and as the value of a header, but for its last characters, which depend on what
    follows."""
    for text in (secret, f"Bearer {secret}"):
        data = text.encode("utf-8", "surrogateescape")
        yield base64.b64encode(data[: len(data) // 3 * 3]).decode()


class Redactor:
    """Takes the secrets that are known out of texts, in time that grows with the text and not with the number of secrets."""

    __slots__ = ("_bytes", "text")

    def __init__(self, secrets: Iterable[str]) -> None:
        long_enough = {secret for secret in secrets if len(secret) >= _SHORTEST}
        long_enough |= {encoded for secret in long_enough for encoded in _in_base64(secret)}
        self.text: Callable[[str], str] = _Search(long_enough).without
        """Return a text without them."""
        self._bytes = _Search({_as_text(secret.encode("utf-8", "surrogateescape")) for secret in long_enough})

    def bytes(self, data: bytes) -> bytes:
        return self._bytes.without(_as_text(data)).encode("latin-1")


def _as_text(data: bytes) -> str:
    """One character for each byte, whatever it is."""
    return data.decode("latin-1")


class _Search:
    """Looks for secrets where one of their beginnings stands. One pattern of ten thousand keys takes seconds to compile, and each
    character of a text would be held against each of them."""

    __slots__ = ("_beginnings", "_lengths", "_secrets")

    def __init__(self, secrets: set[str]) -> None:
        self._secrets = secrets
        # The longest first: a key that is the beginning of another must not leave the rest of that one behind.
        self._lengths = sorted(set(map(len, secrets)), reverse=True)
        beginnings = "|".join(sorted({re.escape(secret[:_BEGINNING]) for secret in secrets}))
        self._beginnings = re.compile(f"(?={beginnings})") if secrets else None

    def without(self, text: str) -> str:
        if self._beginnings is None:
            return text
        pieces: list[str] = []
        end = 0
        for found in self._beginnings.finditer(text):
            start = found.start()
            length = self._length_at(text, start) if start >= end else 0
            if length:
                pieces += [text[end:start], _REPLACEMENT]
                end = start + length
        return "".join([*pieces, text[end:]]) if pieces else text

    def _length_at(self, text: str, start: int) -> int:
        return next((length for length in self._lengths if text[start : start + length] in self._secrets), 0)
