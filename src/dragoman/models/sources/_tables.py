"""The tables of this folder."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["any_of", "mode_of", "table"]


@functools.cache
def table(name: str) -> Mapping[str, Any]:
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))


@functools.cache
def any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def mode_of(model: str, reads: Sequence[str], writes: Sequence[str]) -> str:
    """What a model is for, by `modes.toml`."""
    name = model.lower().rpartition("/")[2]
    for row in table("modes.toml")["mode"]:
        named = "name" not in row or re.search(row["name"], name)
        if named and set(row.get("reads", reads)) == set(reads) and set(row.get("writes", writes)) == set(writes):
            return str(row["mode"])
    return "chat"
