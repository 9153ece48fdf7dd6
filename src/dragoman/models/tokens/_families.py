"""How families of models count tokens and images: look-ups in the table of this folder."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from dragoman.models._names import LONGEST_NAME, own_names

__all__ = ["Family", "ImageRule", "families", "family_of", "image_rule_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRule:
    """How images are counted."""

    tiles: tuple[float, float] | None = None
    patches: tuple[float, float, float] | None = None
    fixed: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One row of `families.toml`, where its fields are explained."""

    name: str = "others"
    encoding: str = ""
    reply: int = 3
    tools: int = 9
    tools_beside_system: int = -4
    tools_sure: bool = True
    call: int = 7
    message: int = 4
    chat: int = 3
    density: float = 1.0
    defined: float = 1.0
    schema: bool = True
    idle: int = 256
    idle_tools: int = 2048
    unbounded: bool = False


_UNKNOWN = Family()
_UNKNOWN_IMAGE = ImageRule(tiles=(85, 170))
_Row = TypeVar("_Row", Family, ImageRule)


def family_of(model: str) -> Family:
    """The family of `model`; for unknown names one that counts about as OpenAI's models do."""
    return _UNKNOWN if not model or len(model) > LONGEST_NAME else _family_of(model)


def image_rule_of(model: str) -> ImageRule:
    """How `model` counts images."""
    return _UNKNOWN_IMAGE if not model or len(model) > LONGEST_NAME else _image_rule_of(model)


def families() -> tuple[Family, ...]:
    return tuple(family for _, family in _families())


@functools.lru_cache(maxsize=2048)
def _family_of(model: str) -> Family:
    return _first(_families(), model, _UNKNOWN)


@functools.lru_cache(maxsize=2048)
def _image_rule_of(model: str) -> ImageRule:
    return _first(_image_rules(), model, _UNKNOWN_IMAGE)


def _first(rows: Iterable[tuple[re.Pattern[str], _Row]], model: str, otherwise: _Row) -> _Row:
    names = own_names(model)
    return next((row for pattern, row in rows if any(pattern.fullmatch(name) for name in names)), otherwise)


@functools.cache
def _families() -> tuple[tuple[re.Pattern[str], Family], ...]:
    return tuple((_any_of(row.pop("match")), Family(**row)) for row in _table("family"))


@functools.cache
def _image_rules() -> tuple[tuple[re.Pattern[str], ImageRule], ...]:
    return tuple((_any_of(row.pop("match")), ImageRule(**row)) for row in _table("image"))


def _any_of(patterns: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _table(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("families.toml").read_text("utf-8"))[name]
    return rows
