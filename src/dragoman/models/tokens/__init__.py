"""Counting tokens: exactly where a vocabulary is at hand, by a documented estimate elsewhere, and bounds that hold anyway."""

from __future__ import annotations

from dragoman.models.tokens._estimate import count_tokens

__all__ = ["count_tokens"]
