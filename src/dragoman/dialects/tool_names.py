"""Tool names that a provider does not take, mapped reversibly to names that it takes.

The same name always becomes the same wire name (prompt caches depend on it): the allowed part of the name, cut, and a hash.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

__all__ = ["ToolNames"]

_HASH_LENGTH = 8


@dataclass(frozen=True, slots=True)
class ToolNames:
    """The names of one request. `to_wire` is for the request and its history, `to_caller` for the reply."""

    to_wire_names: dict[str, str]
    to_caller: dict[str, str]
    """Wire name -> the caller's, only for names that were changed."""

    @classmethod
    def of(
        cls, names: Iterable[str], *, max_length: int = 64, allowed: str = r"a-zA-Z0-9_-", first: str | None = None
    ) -> ToolNames:
        """`allowed`, and `first` for the first character, are the insides of a regular expression's character class."""
        wire: dict[str, str] = {}
        for name in names:
            if not _good(max_length, allowed, first or allowed).match(name):
                wire[name] = _shorten(name, max_length, allowed)
        return cls(wire, {short: name for name, short in wire.items()})

    def to_wire(self, name: str) -> str:
        return self.to_wire_names.get(name, name)


@functools.cache
def _good(max_length: int, allowed: str, first: str) -> re.Pattern[str]:
    return re.compile(rf"(?=[{first}])[{allowed}]{{1,{max_length}}}\Z")


def _shorten(name: str, max_length: int, allowed: str) -> str:
    digest = sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    kept = re.sub(rf"[^{allowed}]", "_", name)[: max_length - _HASH_LENGTH - 1]
    if not kept[:1].isalpha():
        kept = f"t{kept}"[: max_length - _HASH_LENGTH - 1]
    return f"{kept}_{digest}"
