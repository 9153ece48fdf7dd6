"""Numbers in words: with their nouns for messages, and amounts of money."""

from __future__ import annotations

from dragoman.types.cost import Cost, dollars

__all__ = ["UNPRICED", "cost_text", "counted"]

UNPRICED = "unpriced"
"""Stands for the amount where a model has no known price: never 0."""


def cost_text(cost: Cost | None) -> str:
    """Return US dollars, exactly, or `unpriced`."""
    return UNPRICED if cost is None or cost.total is None else dollars(cost.total)


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 deployment`, `2 deployments`; `plural` is for nouns that take more than an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
