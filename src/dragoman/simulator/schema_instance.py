"""Make a valid value of a JSON schema, always the same one for the same schema and salt."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["instance"]

_Make: TypeAlias = Callable[[dict[str, Any], str, int], Any]

_DEEPEST = 5
_MAX_REFERENCES = 20
"""A chain of references that is longer is taken for a circle."""
_FORMATS = {
    "date": "2025-01-02",
    "date-time": "2025-01-02T03:04:05Z",
    "time": "03:04:05Z",
    "duration": "P1D",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
}
_CANDIDATES = (
    "a", "A", "1", "ab", "AB", "12", "abc", "ABC", "123", "Abc", "abcd", "ABCD", "1234", "12345", "abcdefgh", "ABC-123", "abc_123",
    "2025-01-02", "03:04", "03:04:05", "#a1b2c3", "1.2.3", "v1.2.3", "+15550100123", "555-0100", "a@example.com", "en-US", "USD",
    "0", "-1", "1.5",
)  # fmt: skip


def instance(schema: Any, salt: int = 0) -> Any:
    """Return a value that `schema` allows."""
    schema = {} if schema is True else schema
    return _InstanceBuilder(schema if isinstance(schema, dict) else {}, salt).make(schema, "value", 0)


class _InstanceBuilder:
    def __init__(self, root: dict[str, Any], salt: int) -> None:
        self.root, self.salt = root, salt
        self.by_type: dict[str, _Make] = {
            "string": self.text,
            "integer": self.integer,
            "number": self.number,
            "boolean": self.boolean,
            "array": self.array,
            "object": self.object,
            "null": self.null,
        }

    def make(self, schema: Any, name: str, depth: int) -> Any:
        if not isinstance(schema, dict):
            return None if schema is False else "anything"
        schema = self.plain(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][self.salt % len(schema["enum"])]
        for key in ("anyOf", "oneOf"):
            if schema.get(key):
                return self.make(self.choose(schema[key], depth), name, depth + 1)
        kind = self.kind(schema, depth)
        maker: _Make = self.by_type.get(kind) or self.text
        return maker(schema, name, depth)

    def plain(self, schema: Any) -> dict[str, Any]:
        """Return `schema` with references followed and `allOf` merged."""
        schema = self.resolved(schema if isinstance(schema, dict) else {})
        merged: dict[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema.get("allOf") or []:
            _merge(merged, self.plain(part))
        return merged

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        for _ in range(_MAX_REFERENCES):
            if "$ref" not in schema:
                break
            schema = self.referred(schema["$ref"]) | {key: value for key, value in schema.items() if key != "$ref"}
        return schema

    def referred(self, address: str) -> dict[str, Any]:
        node: Any = self.root
        for step in address.lstrip("#/").split("/") if address != "#" else ():
            node = node.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(node, dict) else {}
        return node if isinstance(node, dict) else {}

    def choose(self, options: list[Any], depth: int) -> Any:
        """Return one of the alternatives: null, if allowed, where the value is too deep already."""
        plain = [self.plain(option) for option in options]
        values = [option for option in plain if not _is_null(option)]
        is_deep = depth > _DEEPEST
        if len(values) < len(plain) and (is_deep or not values):
            return {"type": "null"}
        return values[0 if is_deep else self.salt % len(values)] if values else {}

    def kind(self, schema: dict[str, Any], depth: int) -> str:
        kind = schema.get("type")
        if isinstance(kind, list):
            if depth > _DEEPEST and "null" in kind:
                return "null"
            kind = next((entry for entry in kind if entry != "null"), "null")
        if kind is None:
            kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
        return str(kind).lower()

    def null(self, schema: dict[str, Any], name: str, depth: int) -> None:
        return None

    def boolean(self, schema: dict[str, Any], name: str, depth: int) -> bool:
        return self.salt % 2 == 0

    def text(self, schema: dict[str, Any], name: str, depth: int) -> str:
        min_length, max_length = int(schema.get("minLength") or 0), schema.get("maxLength")
        if "pattern" in schema:
            return _matching_text(schema["pattern"], min_length, max_length)
        text = _FORMATS.get(schema.get("format") or "") or f"{name} {self.salt % 90 + 10}"
        text = text.ljust(min_length, "x")
        return text if max_length is None else text[: int(max_length)]

    def integer(self, schema: dict[str, Any], name: str, depth: int) -> int:
        step = int(schema.get("multipleOf") or 1)
        low, high = _bounds(schema, 1)
        value = self.salt % 90 + 10
        if high is not None and value > high:
            value = int(high)
        if low is not None and value < low:
            value = int(-(-low // 1))
        return value - value % step if low is None or value - value % step >= low else value - value % step + step

    def number(self, schema: dict[str, Any], name: str, depth: int) -> float:
        low, high = _bounds(schema, 0.001)
        value = self.salt % 90 + 10.5
        if high is not None:
            value = min(value, high)
        return value if low is None else max(value, low)

    def array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        items = [self.make(entry, name, depth + 1) for entry in schema.get("prefixItems") or []]
        usual = 0 if depth > _DEEPEST else min(1, schema.get("maxItems", 1))
        length = max(int(schema.get("minItems") or 0), usual)
        for index in range(length - len(items)):
            builder = _InstanceBuilder(self.root, self.salt + index)
            items.append(builder.make(schema.get("items", {"type": "string"}), name, depth + 1))
        return items

    def object(self, schema: dict[str, Any], name: str, depth: int) -> dict[str, Any]:
        required = schema.get("required") or []
        properties = schema.get("properties") or {}
        keys = [key for key in properties if key in required or depth <= _DEEPEST]
        return {key: self.make(properties[key], key, depth + 1) for key in keys}


def _merge(schema: dict[str, Any], part: dict[str, Any]) -> None:
    """Merge a part of `allOf` into `schema`: properties and required names add up, of other keywords the last one counts."""
    properties = (schema.get("properties") or {}) | (part.get("properties") or {})
    required = [*(schema.get("required") or []), *(part.get("required") or [])]
    schema |= part
    schema |= {key: value for key, value in (("properties", properties), ("required", required)) if value}


def _is_null(schema: dict[str, Any]) -> bool:
    return schema.get("type") in ("null", "NULL")


def _matching_text(pattern: str, min_length: int, max_length: int | None) -> str:
    """Return a candidate that fits a pattern and the limits of the length; `x` where none does."""
    longest = float("inf") if max_length is None else max_length
    texts = (text for text in _CANDIDATES if min_length <= len(text) <= longest and re.search(pattern, text))
    return next(texts, "x")


def _bounds(schema: dict[str, Any], step: float) -> tuple[float | None, float | None]:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if isinstance(above, int | float) and not isinstance(above, bool):
        low = above + step
    if isinstance(below, int | float) and not isinstance(below, bool):
        high = below - step
    return low, high
