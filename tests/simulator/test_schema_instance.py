"""A value made for a schema is valid for it: pydantic, which wrote the schema, is the judge."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from dragoman.simulator.schema_instance import instance


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    kind: Literal["leaf"]
    size: Annotated[int, Field(gt=100, le=105)]
    share: Annotated[float, Field(ge=0, lt=1)]


class Tree(BaseModel):
    kind: Literal["tree"]
    children: list[Tree | Leaf]
    best: Tree | None


class Everything(BaseModel):
    name: Annotated[str, Field(min_length=3, max_length=5)]
    code: Annotated[str, Field(pattern=r"^[A-Z]{3}-\d{3}$")]
    colour: Colour
    tree: Tree
    flags: Annotated[list[bool], Field(min_length=2, max_length=3)]
    step: Annotated[int, Field(multiple_of=7)]
    either: int | str | None
    pair: tuple[int, str]
    table: dict[str, int]
    nothing: None


@given(salt=st.integers(min_value=0, max_value=2**64))
@pytest.mark.parametrize("model", [Leaf, Tree, Everything])
def test_it_is_valid(model: type[BaseModel], salt: int) -> None:
    schema = model.model_json_schema()
    made = instance(schema, salt)
    model.model_validate(made)
    assert instance(schema, salt) == made


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "OBJECT", "properties": {"a": {"type": "STRING", "enum": ["x"]}}}, {"a": "x"}),
        ({"const": 5}, 5),
        (
            {"allOf": [{"type": "object", "properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]},
            {"a": 1, "b": 2},
        ),
        ({"type": "string", "format": "date"}, "2025-01-02"),
        ({"type": ["null", "boolean"]}, True),
        (True, "value 10"),
    ],
)
def test_other_dialects_of_schemas(schema: object, expected: object) -> None:
    assert instance(schema) == expected
