"""Checks of JSON shapes: functions of a value and its path that raise `ShapeError`, which each dialect words in its own way."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

__all__ = [
    "Check",
    "Path",
    "ShapeError",
    "anything",
    "array",
    "boolean",
    "either",
    "integer",
    "json_type",
    "matching",
    "number",
    "one_of",
    "record",
    "tagged",
    "text",
]

Path: TypeAlias = tuple[str | int, ...]
Check: TypeAlias = Callable[[Any, Path], None]


class ShapeError(Exception):
    """`kind`: missing, unknown, type, value, tag, few, many, range, pattern, long."""

    def __init__(self, kind: str, path: Path, expected: Any = None, actual: Any = None) -> None:
        super().__init__(kind, path, expected, actual)
        self.kind, self.path, self.expected, self.actual = kind, path, expected, actual


def json_type(value: Any) -> str:
    names = {type(None): "null", bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def anything(value: Any, path: Path) -> None:
    """Accept any JSON value."""


def text(
    value: Any, path: Path, *, pattern: str | None = None, maximum: int | None = None, allowed: Iterable[str] = ()
) -> None:
    if not isinstance(value, str):
        raise ShapeError("type", path, "string", value)
    if maximum is not None and len(value) > maximum:
        raise ShapeError("long", path, maximum, value)
    if pattern is not None and not re.search(pattern, value):
        raise ShapeError("pattern", path, pattern, value)
    if allowed and value not in allowed:
        raise ShapeError("value", path, tuple(allowed), value)


def one_of(*allowed: str) -> Check:
    return lambda value, path: text(value, path, allowed=allowed)


def matching(pattern: str, maximum: int | None = None) -> Check:
    return lambda value, path: text(value, path, pattern=pattern, maximum=maximum)


def boolean(value: Any, path: Path) -> None:
    if not isinstance(value, bool):
        raise ShapeError("type", path, "boolean", value)


def integer(minimum: int | None = None, maximum: int | None = None) -> Check:
    def check(value: Any, path: Path) -> None:
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole:
            raise ShapeError("type", path, "integer", value)
        _in_range(value, path, minimum, maximum)

    return check


def number(minimum: float | None = None, maximum: float | None = None) -> Check:
    def check(value: Any, path: Path) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ShapeError("type", path, "number", value)
        _in_range(value, path, minimum, maximum)

    return check


def _in_range(value: float, path: Path, minimum: float | None, maximum: float | None) -> None:
    if minimum is not None and value < minimum:
        raise ShapeError("range", path, ("greater than or equal to", minimum), value)
    if maximum is not None and value > maximum:
        raise ShapeError("range", path, ("less than or equal to", maximum), value)


def array(item: Check, *, minimum: int = 0, maximum: int | None = None) -> Check:
    def check(value: Any, path: Path) -> None:
        if not isinstance(value, list):
            raise ShapeError("type", path, "array", value)
        if len(value) < minimum:
            raise ShapeError("few", path, minimum, value)
        if maximum is not None and len(value) > maximum:
            raise ShapeError("many", path, maximum, value)
        for index, entry in enumerate(value):
            item(entry, (*path, index))

    return check


def record(fields: Mapping[str, Check], *, rest: Check | None = None) -> Check:
    """Check an object. `name!` is required. `rest` checks the values of other names; without it they are refused."""
    checks = {name.rstrip("!"): check for name, check in fields.items()}
    required = [name[:-1] for name in fields if name.endswith("!")]

    def check(value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            raise ShapeError("type", path, "object", value)
        for name in required:
            if name not in value:
                raise ShapeError("missing", (*path, name))
        for name, entry in value.items():
            field_check = checks.get(name, rest)
            if field_check is None:
                raise ShapeError("unknown", (*path, name), actual=entry)
            if entry is not None or name in required:
                field_check(entry, (*path, name))

    return check


def either(checks: Mapping[str, Check]) -> Check:
    """Check a value by its JSON type."""

    def check(value: Any, path: Path) -> None:
        chosen_check = checks.get(json_type(value))
        if chosen_check is None:
            raise ShapeError("type", path, " or ".join(checks), value)
        chosen_check(value, path)

    return check


def tagged(key: str, options: Mapping[str, Check], *, missing: str | None = None) -> Check:
    """Check an object by the value of its field `key`; `missing` is the tag taken where there is none."""

    def check(value: Any, path: Path) -> None:
        if not isinstance(value, dict):
            raise ShapeError("type", path, "object", value)
        tag = value.get(key, missing)
        if tag is None:
            raise ShapeError("missing", (*path, key))
        chosen_check = options.get(tag) if isinstance(tag, str) else None
        if chosen_check is None:
            raise ShapeError("tag", path, (key, tuple(options)), tag)
        chosen_check(value, path)

    return check
