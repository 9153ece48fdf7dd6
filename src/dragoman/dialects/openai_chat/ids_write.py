"""Ids of the caller's own users and caches, which providers limit in length."""

from __future__ import annotations

from typing import Any

from dragoman.dialects.drop_list import DropList, fitted_id
from dragoman.dialects.openai_chat.accent import ChatAccent
from dragoman.types.json import JsonObject

__all__ = ["IDS", "shorten_ids", "too_long"]

IDS = ("user", "safety_identifier", "prompt_cache_key")


def too_long(value: Any, accent: ChatAccent) -> bool:
    """Whether the provider would refuse the id for its length."""
    return isinstance(value, str) and 0 < accent.id_length < len(value)


def shorten_ids(body: JsonObject, accent: ChatAccent, drops: DropList) -> None:
    """Put a hash in the place of each id that is too long."""
    for key in IDS:
        if too_long(body.get(key), accent):
            body[key] = fitted_id(body[key], accent.id_length)
            drops.degraded(key)
