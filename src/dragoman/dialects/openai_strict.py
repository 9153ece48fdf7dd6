"""Whether a schema is one that OpenAI takes with `strict: true`.

Other vendors' guarantees take more: optional properties, open objects, `allOf`. Such a schema is sent to OpenAI without
`strict`, for with it the whole request would be refused.
https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["fits_openai_strict"]

_WORDS = frozenset(
    [
        "$defs",
        "$ref",
        "additionalProperties",
        "anyOf",
        "const",
        "definitions",
        "description",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maximum",
        "minItems",
        "minLength",
        "minimum",
        "multipleOf",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
    ]
)
_DEEPEST = 100


def fits_openai_strict(schema: Any) -> bool:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return False
    return _fits(schema, 0)


def _fits(schema: Any, depth: int) -> bool:
    if not isinstance(schema, dict) or depth > _DEEPEST or not schema.keys() <= _WORDS:
        return False
    if (schema.get("type") == "object" or "properties" in schema) and not _is_closed(schema):
        return False
    return all(_fits(child, depth + 1) for child in _children(schema))


def _is_closed(schema: dict[str, Any]) -> bool:
    """Whether an object has only its properties, all of them required."""
    properties, required = schema.get("properties") or {}, schema.get("required") or []
    if not isinstance(properties, dict) or not isinstance(required, list):
        return False
    names = {name for name in required if isinstance(name, str)}
    return schema.get("additionalProperties") is False and properties.keys() <= names


def _children(schema: dict[str, Any]) -> Iterator[Any]:
    for group in ("properties", "$defs", "definitions"):
        children = schema.get(group) or {}
        yield from children.values() if isinstance(children, dict) else (None,)
    if "items" in schema:
        yield schema["items"]
    choices = schema.get("anyOf") or ()
    yield from choices if isinstance(choices, list | tuple) else (None,)
