"""A pydantic class as a strict `response_format`, held against the openai package's own."""

from __future__ import annotations

from enum import Enum
from typing import Any, Literal

import pydantic
import pytest
from openai.lib._parsing._completions import type_to_response_format_param

from dragoman.sdk._schema import response_format_of


class Colour(Enum):
    RED = "red"


class Leaf(pydantic.BaseModel):
    """A leaf."""

    colour: Colour
    size: float | None = None


class Tree(pydantic.BaseModel):
    leaves: list[Leaf]
    best: Leaf = pydantic.Field(description="The best of them")
    kind: Literal["oak", "fir"] = "oak"
    pair: tuple[int, str] | None = None
    children: list[Tree] = []


class Empty(pydantic.BaseModel):
    pass


@pytest.mark.parametrize("model", [Leaf, Tree, Empty])
def test_it_is_what_openai_makes_of_it(model: Any) -> None:
    expected: Any = type_to_response_format_param(model)
    made = response_format_of(model)
    assert made == expected


def test_nothing_stands_beside_a_reference() -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            assert "$ref" not in value or len(value) == 1
            assert value.get("default", 0) is not None
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(item)

    walk(response_format_of(Tree)["json_schema"]["schema"])
