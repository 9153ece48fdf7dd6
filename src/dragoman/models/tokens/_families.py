"""How a family of models counts tokens: look-ups in the table of this folder."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dragoman.models._names import LONGEST_NAME, own_names

__all__ = ["Family", "families", "family_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One row of `families.toml`, where its fields are explained."""

    name: str = "others"
    encoding: str = ""
    reply: int = 3
    tools: int = 9
    tools_beside_system: int = -4
    call: int = 7
    density: float = 1.0
    chat: int = 0
    images: str = "tiles"
    image: tuple[float, ...] = (85, 170)
    image_most: int | None = None
    idle: int = 256
    idle_tools: int = 2048
    unbounded: bool = False
    """The model reads more than it is given: it searches the web by itself."""
    patterns: re.Pattern[str] = field(default=re.compile(r"(?!)"), repr=False)


_UNKNOWN = Family()


def family_of(model: str) -> Family:
    """The family of `model`; for unknown names a family that counts about as OpenAI's models do."""
    return _UNKNOWN if not model or len(model) > LONGEST_NAME else _family_of(model)


@functools.lru_cache(maxsize=2048)
def _family_of(model: str) -> Family:
    names = own_names(model)
    for family in families():
        if any(family.patterns.fullmatch(name) for name in names):
            return family
    return _UNKNOWN


@functools.cache
def families() -> tuple[Family, ...]:
    rows = tomllib.loads(Path(__file__).with_name("families.toml").read_text("utf-8"))["family"]
    return tuple(map(_as_family, rows))


def _as_family(row: dict[str, Any]) -> Family:
    patterns = re.compile("|".join(f"(?:{pattern})" for pattern in row.pop("match")))
    if "image" in row:
        row["image"] = tuple(row["image"])
    return Family(patterns=patterns, **row)
