"""Schemas of tools' parameters as OpenAI and those of its dialect check them.

JSON Schema lets an object go without `properties` and an array without `items`; OpenAI refuses both: "In context=(), object
schema missing properties" and "In context=('properties', 'x'), array schema missing items".
https://github.com/spring-projects/spring-ai/issues/4776 https://github.com/sigoden/aichat/pull/1049
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["complete_parameters"]

_OTHER_SHAPES = frozenset(("$ref", "allOf", "anyOf", "const", "enum", "not", "oneOf", "type"))
_DEEPEST = 100


def complete_parameters(schema: Any) -> Any:
    """Return the schema with what it may leave out in JSON Schema; the same object where nothing is missing."""
    if not isinstance(schema, dict):
        return schema
    schema = _with_items(schema, 0)
    if "properties" in schema or not (schema.get("type") == "object" or _OTHER_SHAPES.isdisjoint(schema)):
        return schema
    return {"type": "object", **schema, "properties": {}}


def _with_items(schema: Any, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return schema
    changed: dict[str, Any] = {}
    for word in schema.keys() & _NESTED.keys():
        completed = _NESTED[word](schema[word], depth + 1)
        if completed is not schema[word]:
            changed[word] = completed
    if schema.get("type") == "array" and "items" not in schema and "prefixItems" not in schema:
        changed["items"] = {}
    return {**schema, **changed} if changed else schema


def _listed(schemas: Any, depth: int) -> Any:
    if not isinstance(schemas, list):
        return schemas
    completed = [_with_items(schema, depth) for schema in schemas]
    return completed if any(after is not before for after, before in zip(completed, schemas, strict=True)) else schemas


def _named(schemas: Any, depth: int) -> Any:
    if not isinstance(schemas, dict):
        return schemas
    completed = {name: _with_items(schema, depth) for name, schema in schemas.items()}
    return completed if any(completed[name] is not schema for name, schema in schemas.items()) else schemas


_NESTED: dict[str, Callable[[Any, int], Any]] = {
    **dict.fromkeys(("items", "additionalProperties"), _with_items),
    **dict.fromkeys(("anyOf", "oneOf", "allOf", "prefixItems"), _listed),
    **dict.fromkeys(("properties", "$defs", "definitions"), _named),
}
"""Words under which schemas stand, and how."""
