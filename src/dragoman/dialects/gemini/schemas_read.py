"""Read Google's schemas (a subset of OpenAPI 3.0, types in capitals) as JSON Schema.

https://ai.google.dev/api/caching#Schema
"""

from __future__ import annotations

from typing import Any

from dragoman.dialects.gemini.fields import fields, items
from dragoman.dialects.validation import expect_object
from dragoman.types.json import JsonObject

__all__ = ["read_schema"]

_NUMBERS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})
_BY_NAME = frozenset({"properties", "defs", "$defs"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NAMES = {"defs": "$defs", "ref": "$ref"}
_MAX_DEPTH = 100


def read_schema(schema: Any, path: str, depth: int = 0) -> JsonObject:
    """Return the JSON Schema of a `Schema`.

    Names of keywords may be in snake_case; integers may be strings, as protobuf writes int64.
    """
    keywords = fields(schema, path)
    if depth > _MAX_DEPTH:
        return keywords
    result: JsonObject = {}
    for keyword, value in keywords.items():
        if keyword == "type":
            _add_type(result, value)
        elif keyword != "nullable":
            result[_NAMES.get(keyword, keyword)] = _value(keyword, value, f"{path}.{keyword}", depth + 1)
    if keywords.get("nullable") is True:
        _make_nullable(result)
    return result


def _value(keyword: str, value: Any, path: str, depth: int) -> Any:
    if keyword in _BY_NAME:
        return {name: read_schema(item, f"{path}.{name}", depth) for name, item in expect_object(value, path).items()}
    if keyword in _LISTS:
        return [read_schema(item, f"{path}[{index}]", depth) for index, item in enumerate(items(value, path))]
    if keyword in ("items", "additionalProperties") and isinstance(value, dict):
        return read_schema(value, path, depth)
    return int(value) if keyword in _NUMBERS and _is_number(value) else value


def _add_type(result: JsonObject, value: Any) -> None:
    if isinstance(value, str):
        if value != "TYPE_UNSPECIFIED":
            result["type"] = value.lower()
    elif isinstance(value, list):
        result["type"] = [item.lower() if isinstance(item, str) else item for item in value]


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit()


def _make_nullable(result: JsonObject) -> None:
    kind = result.get("type")
    if isinstance(kind, str) and kind != "null":
        result["type"] = [kind, "null"]
        if isinstance(result.get("enum"), list):
            result["enum"] = [*result["enum"], None]
    elif isinstance(result.get("anyOf"), list):
        result["anyOf"] = [*result["anyOf"], {"type": "null"}]
