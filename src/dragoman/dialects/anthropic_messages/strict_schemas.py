"""JSON schemas as Anthropic's strict mode takes them, and the tool that stands in where it does not.

The rules are those of https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations:
every object closed (`additionalProperties: false`), no bounds on numbers, lengths and counts (but `minItems` 0 and 1), no
recursion, no `$ref` to elsewhere. What is only a bound is told to the model in the description, as the official SDKs do, and
reported; what changes the shape of the answer makes a schema inexpressible.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dragoman.dialects.json_text import dump_json
from dragoman.dialects.reference_graph import in_cycles
from dragoman.types.json import JsonObject

__all__ = ["Inexpressible", "needs_wrapping", "strict_schema", "tool_schema", "wrapped_schema"]

_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid", "text")
_SILENT = frozenset({"$schema", "$id", "$comment", "strict"})
"""Keywords that say nothing about the answer."""
_SHAPE = frozenset(
    {
        "patternProperties",
        "propertyNames",
        "not",
        "if",
        "then",
        "else",
        "dependentSchemas",
        "prefixItems",
        "$dynamicRef",
    }
    | {"unevaluatedProperties", "dependentRequired", "contains"}
)
"""Keywords without which an answer would have another shape."""
_COMBINED = ("anyOf", "oneOf", "allOf")
_MAX_DEPTH = 60
_KEYWORDS_OF_TYPE: dict[str, frozenset[str]] = {
    "string": frozenset({"format", "pattern", "minLength", "maxLength"}),
    "null": frozenset(),
    "boolean": frozenset(),
}
"""The keywords that mean something for a type; those of types that are not listed may all."""


class Inexpressible(ValueError):
    """Strict mode cannot take a schema; the message is the path of the keyword."""


def strict_schema(schema: JsonObject, report: Callable[[str], None], path: str = "schema") -> JsonObject:
    """Return `schema` in the subset. `report` is called with the path of each keyword that became a remark in a description."""
    return _Strict(schema, report).convert(schema, path, 0)


def tool_schema(schema: object) -> JsonObject:
    """Return a schema as `input_schema` of a tool: an object, also where there is none."""
    if not isinstance(schema, dict) or not schema:
        return {"type": "object", "properties": {}}
    return schema if "type" in schema else {"type": "object"} | schema


def needs_wrapping(schema: JsonObject) -> bool:
    """Whether `schema` can be no `input_schema`: Anthropic takes only plain objects at the top of a tool."""
    return schema.get("type", "object") != "object" or "$ref" in schema or any(key in schema for key in _COMBINED)


def wrapped_schema(schema: JsonObject) -> JsonObject:
    """Return an object whose `value` is what `schema` describes; definitions stay where references look for them."""
    inner = {key: value for key, value in schema.items() if key not in ("$defs", "definitions", "$schema")}
    outer = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    return {"type": "object", "properties": {"value": inner}, "required": ["value"]} | outer


class _Strict:
    def __init__(self, root: JsonObject, report: Callable[[str], None]) -> None:
        self._report = report
        self._definitions = {
            f"#/{key}/{name}": value
            for key in ("$defs", "definitions")
            for name, value in _objects(root.get(key)).items()
        }
        recursive = in_cycles({name: _references(value) for name, value in self._definitions.items()})
        for name in self._definitions:
            if name in recursive:
                raise Inexpressible(f"{name} (recursive)")

    def convert(self, schema: Any, path: str, depth: int) -> JsonObject:
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            raise Inexpressible(path)
        if isinstance(schema.get("type"), list):
            schema = _branches(schema)
        written: JsonObject = {}
        remarks: list[str] = []
        for key, value in schema.items():
            remark = self._keyword(key, value, f"{path}.{key}", depth + 1, written)
            if remark:
                remarks.append(remark)
        if written.get("type") == "object":
            _close(written, schema, path)
        if remarks:
            before = f"{written['description']}\n\n" if isinstance(written.get("description"), str) else ""
            written["description"] = before + "{" + ", ".join(remarks) + "}"
        return written

    def _keyword(self, key: str, value: Any, path: str, depth: int, written: JsonObject) -> str:
        """Write one keyword, or return the remark in its place."""
        if key in _SHAPE:
            raise Inexpressible(path)
        if key in _CONVERTERS:
            written.update(_CONVERTERS[key](self, value, path, depth))
        elif key in _KEPT and _KEPT[key](value):
            written[key] = value
        elif key not in _SILENT:
            self._report(path)
            return f"{key}: {dump_json(value)}"
        return ""

    def named(self, value: Any, path: str, depth: int) -> JsonObject:
        """A keyword whose value is an object of schemas."""
        items = _objects(value).items()
        return {path.rpartition(".")[2]: {name: self.convert(item, f"{path}.{name}", depth) for name, item in items}}

    def items(self, value: Any, path: str, depth: int) -> JsonObject:
        return {"items": self.convert(value, path, depth)}

    def any_of(self, value: Any, path: str, depth: int) -> JsonObject:
        return {"anyOf": self._each(value, path, depth)}

    def all_of(self, value: Any, path: str, depth: int) -> JsonObject:
        """Anthropic takes no `$ref` inside `allOf`; pydantic writes a lone one there, which means the same without."""
        branches = self._each(value, path, depth)
        if len(branches) == 1:
            return branches[0]
        if any("$ref" in branch for branch in branches):
            raise Inexpressible(path)
        return {"allOf": branches}

    def _each(self, value: Any, path: str, depth: int) -> list[JsonObject]:
        if not isinstance(value, list):
            raise Inexpressible(path)
        return [self.convert(item, f"{path}[{number}]", depth) for number, item in enumerate(value)]

    def ref(self, value: Any, path: str, _: int) -> JsonObject:
        if not isinstance(value, str) or value not in self._definitions:
            raise Inexpressible(path)
        return {"$ref": value}

    def enum(self, value: Any, path: str, _: int) -> JsonObject:
        if not isinstance(value, list) or any(isinstance(item, (dict, list)) for item in value):
            raise Inexpressible(path)
        return {"enum": value}


_CONVERTERS: dict[str, Callable[[_Strict, Any, str, int], JsonObject]] = {
    "properties": _Strict.named,
    "$defs": _Strict.named,
    "definitions": _Strict.named,
    "items": _Strict.items,
    "anyOf": _Strict.any_of,
    "oneOf": _Strict.any_of,
    "allOf": _Strict.all_of,
    "$ref": _Strict.ref,
    "enum": _Strict.enum,
    "additionalProperties": lambda _, value, __, ___: {"additionalProperties": value},
}
_KEPT: dict[str, Callable[[Any], bool]] = {
    "type": lambda _: True,
    "title": lambda _: True,
    "description": lambda _: True,
    "required": lambda _: True,
    "const": lambda value: not isinstance(value, (dict, list)),
    "format": lambda value: value in _FORMATS,
    "minItems": lambda value: value in (0, 1),
}


def _references(schema: Any) -> set[str]:
    """Return every `$ref` in `schema`."""
    names: set[str] = set()
    stack = [schema]
    while stack:
        here = stack.pop()
        if isinstance(here, list):
            stack += here
        elif isinstance(here, dict):
            if isinstance(here.get("$ref"), str):
                names.add(here["$ref"])
            stack += here.values()
    return names


def _objects(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _branches(schema: JsonObject) -> JsonObject:
    """Return `type: [a, b]` as the `anyOf` that strict mode takes."""
    outer = {key: schema[key] for key in ("title", "description", "$defs", "definitions") if key in schema}
    inner = {key: value for key, value in schema.items() if key != "type" and key not in outer}
    if "enum" in inner or "const" in inner:
        return outer | inner
    branches = [_branch(kind, inner) for kind in schema["type"] if isinstance(kind, str)]
    return outer | {"anyOf": branches}


def _branch(kind: str, inner: JsonObject) -> JsonObject:
    own = _KEYWORDS_OF_TYPE.get(kind)
    return {"type": kind} | {key: value for key, value in inner.items() if own is None or key in own}


def _close(written: JsonObject, schema: JsonObject, path: str) -> None:
    """An object that may have properties of any name has no closed form."""
    extra = schema.get("additionalProperties")
    if extra not in (None, False) or (extra is None and not schema.get("properties")):
        raise Inexpressible(f"{path}.additionalProperties")
    written.setdefault("additionalProperties", False)
