"""The older and equivalent spellings of JSON Schema, and its references. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.types.json import JsonObject

__all__ = ["anchors", "normal", "references"]


def normal(value: JsonObject) -> JsonObject:
    """The older and equivalent spellings of a schema's keywords, in the one that the rest of this module reads."""
    if not _SPELLINGS.keys() & value.keys():
        return value
    value = dict(value)
    for keyword, change in _SPELLINGS.items():
        if keyword in value:
            change(value)
    return value


def _const(value: JsonObject) -> None:
    value["enum"] = [value.pop("const")]


def _one_of(value: JsonObject) -> None:
    branches = value.pop("oneOf")
    if "anyOf" not in value:
        value["anyOf"] = branches
    else:
        value["not"] = {"oneOf": branches}  # two choices at once cannot be said


def _tuple(value: JsonObject) -> None:
    if isinstance(value["items"], list):
        value["prefixItems"] = value.pop("items")
        if "additionalItems" in value:
            value["items"] = value.pop("additionalItems")


def _nullable(value: JsonObject) -> None:
    if value.pop("nullable") is not True:
        return
    kind = value.get("type")
    if isinstance(kind, str):
        value["type"] = [kind, "null"]
    if isinstance(value.get("anyOf"), list):
        value["anyOf"] = [*value["anyOf"], {"type": "null"}]
    if isinstance(value.get("enum"), list) and None not in value["enum"]:
        value["enum"] = [*value["enum"], None]


_SPELLINGS: dict[str, Callable[[JsonObject], None]] = {
    "const": _const,
    "oneOf": _one_of,
    "items": _tuple,
    "nullable": _nullable,
}


def references(value: Any) -> set[str]:
    """Every `$ref` in `value`, its own definitions left out."""
    if isinstance(value, list):
        return {ref for item in value for ref in references(item)}
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
    return own.union(*(references(item) for key, item in value.items() if key not in ("$defs", "definitions")))


def anchors(root: JsonObject) -> dict[str, JsonObject]:
    """The schemas in `root` by the name of their anchor; of those with the same name the first."""
    schemas: dict[str, JsonObject] = {}
    stack: list[Any] = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            for name in (value.get("$anchor"), str(value.get("$id") or "").removeprefix("#")):
                if isinstance(name, str) and name:
                    schemas.setdefault(name, value)
        stack.extend(reversed(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()))
    return schemas
