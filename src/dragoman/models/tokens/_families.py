"""How a family of models counts tokens: look-ups in the tables of this folder."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path

from dragoman.models._names import LONGEST_NAME, own_names

__all__ = ["counting"]


def counting(model: str) -> tuple[float, int, int]:
    """How `model` counts tokens: its density against OpenAI's vocabulary, and what a chat and tools add."""
    return (1.0, 0, 0) if not model or len(model) > LONGEST_NAME else _counting(model)


@functools.lru_cache(maxsize=2048)
def _counting(model: str) -> tuple[float, int, int]:
    names = own_names(model)
    for pattern, known in _countings():
        if any(pattern.fullmatch(name) for name in names):
            return known
    return (1.0, 0, 0)


@functools.cache
def _countings() -> tuple[tuple[re.Pattern[str], tuple[float, int, int]], ...]:
    rows = tomllib.loads(Path(__file__).with_name("counting.toml").read_text("utf-8"))["model"]
    return tuple(
        (re.compile("|".join(f"(?:{each})" for each in row["match"])), (row["density"], row["chat"], row["tools"]))
        for row in rows
    )
