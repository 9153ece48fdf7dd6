"""Reading untrusted JSON: each check names the path of the field and what was expected there."""

from __future__ import annotations

from typing import Any, TypeVar

from dragoman.errors import BadRequestError
from dragoman.types.json import JsonObject

__all__ = ["bad", "expect", "expect_list", "expect_object", "expect_str", "objects_in", "optional", "wrong_type"]

_Value = TypeVar("_Value")

_NAMES: dict[type, str] = {
    str: "a string",
    int: "an integer",
    float: "a number",
    bool: "true or false",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def bad(path: str, message: str, *, code: str | None = None) -> BadRequestError:
    """Return the error for a field whose content is wrong."""
    return BadRequestError(f"{path}: {message}", param=path, code=code or "invalid_value")


def wrong_type(path: str, expected: str, value: object) -> BadRequestError:
    """Return the error for a field of the wrong type."""
    actual = _NAMES.get(type(value), type(value).__name__)
    return BadRequestError(f"{path}: expected {expected}, got {actual}", param=path, code="invalid_type")


def expect(value: object, kind: type[_Value], path: str) -> _Value:
    """Return `value`, which must be a `kind`. An integer passes as a float; a boolean never passes as a number."""
    if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
        return value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return value  # type: ignore[return-value]
    raise wrong_type(path, _NAMES[kind], value)


def expect_str(value: object, path: str) -> str:
    if isinstance(value, str):
        return value
    raise wrong_type(path, "a string", value)


def expect_object(value: object, path: str) -> JsonObject:
    if isinstance(value, dict):
        return value
    raise wrong_type(path, "an object", value)


def expect_list(value: object, path: str) -> list[Any]:
    if isinstance(value, list):
        return value
    raise wrong_type(path, "an array", value)


def objects_in(value: object) -> list[JsonObject]:
    """Return the objects in a list; none for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def optional(body: JsonObject, key: str, kind: type[_Value], path: str = "") -> _Value | None:
    """Return `body[key]`, which may be missing or null and otherwise must be a `kind`."""
    value = body.get(key)
    if value is None:
        return None
    return expect(value, kind, f"{path}.{key}" if path else key)
