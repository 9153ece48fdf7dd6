"""What must never leave: the keys of this server are taken out of every error and every line of the log.

A provider may repeat in an error the key that it was sent. `dialects/_secrets.py` knows how keys look; here the keys
themselves are known, however they look.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["Redactor", "secrets_in"]

_SECRET_NAME = re.compile(r"(key|token|secret|password|authorization|credential|cookie)s?$", re.IGNORECASE)
_SHORTEST = 8
"""Shorter values would take ordinary words out of messages."""
_REPLACEMENT = "[key removed]"


def secrets_in(config: Any, environment: Mapping[str, str]) -> frozenset[str]:
    """Every text that stands under the name of a secret, in the configuration or in the environment."""
    found = set(_walk(config, False))
    found.update(value.strip() for name, value in environment.items() if _SECRET_NAME.search(name))
    return frozenset(value for value in found if len(value) >= _SHORTEST)


def _walk(value: Any, secret: bool) -> Iterable[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, secret or bool(_SECRET_NAME.search(str(key))))
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item, secret)
    elif secret and isinstance(value, str):
        yield str(value).removeprefix("Bearer ").strip()


class Redactor:
    """Takes the secrets that are known out of texts."""

    __slots__ = ("_bytes", "_text")

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: a key that is the beginning of another must not leave the rest of that one behind.
        ordered = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
        self._text = re.compile("|".join(map(re.escape, ordered))) if ordered else None
        self._bytes = re.compile(b"|".join(re.escape(secret.encode()) for secret in ordered)) if ordered else None

    def text(self, text: str) -> str:
        return self._text.sub(_REPLACEMENT, text) if self._text else text

    def bytes(self, data: bytes) -> bytes:
        return self._bytes.sub(_REPLACEMENT.encode(), data) if self._bytes else data
