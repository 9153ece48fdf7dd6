"""The hub's token counting."""

from __future__ import annotations

from typing import TypedDict

from dragoman.types.chat import ChatRequest

__all__ = ["TokenCount", "TokenCountRequest"]


class TokenCountRequest(TypedDict, total=False):
    model: str
    chat: ChatRequest
    """The request whose input tokens are asked for."""


class TokenCount(TypedDict, total=False):
    input_tokens: int
    cached_tokens: int
    estimated: bool
    """True when Dragoman estimated it, False when the provider counted."""
