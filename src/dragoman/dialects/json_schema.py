"""JSON schemas for providers that take less than JSON Schema. Pure.

`rewrite` says the same in fewer words: `$ref` is inlined (but for recursion, where the subset has references), `allOf` merged,
`const` and `oneOf` and lists of types spelled out. What cannot be said at all either makes the schema accept more than it did,
which is told by the keyword's path, or (in a strict schema, whose keeping was promised) is refused with that path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dragoman.dialects.json_schema_merge import merge
from dragoman.dialects.json_schema_references import References
from dragoman.dialects.json_schema_spelling import normal, references
from dragoman.dialects.validation import bad, expect_list, expect_object, expect_str, wrong_type
from dragoman.types.json import JsonObject

__all__ = ["Rewritten", "Subset", "rewrite"]

_MAX_NODES = 20_000
_MAX_DEPTH = 60
_MAX_PARTS = 256
"""Of one `allOf`: each is merged with all that those before it have come to."""
_SUBSCHEMAS = frozenset({"items", "additionalProperties"})
_LOST = frozenset(
    {"not", "if", "then", "else", "dependentSchemas", "dependentRequired", "dependencies", "propertyNames", "contains",
     "minContains", "maxContains", "unevaluatedProperties", "unevaluatedItems", "contentSchema"}
)  # fmt: skip
"""Keywords that narrow what is accepted: without them the schema accepts more."""
_TYPED: dict[str, frozenset[str]] = {
    "string": frozenset({"minLength", "maxLength", "pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "multipleOf", "format"}),
    "integer": frozenset({"minimum", "maximum", "multipleOf", "format"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems"}),
    "object": frozenset({"properties", "additionalProperties", "required", "minProperties", "maxProperties"}),
    "boolean": frozenset(),
    "null": frozenset(),
}
_VALUES: dict[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), (int, float)),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), (int, float)),
    **dict.fromkeys(("title", "description", "format", "pattern"), str),
}
_EXCLUSIVE: tuple[tuple[str, str, int, Callable[[float, float], float]], ...] = (
    ("exclusiveMinimum", "minimum", 1, max),
    ("exclusiveMaximum", "maximum", -1, min),
)
_OUTSIDE = frozenset({"title", "description", "default"})


@dataclass(frozen=True, slots=True)
class Subset:
    """The part of JSON Schema that a provider takes."""

    keep: frozenset[str]
    """Keywords that are sent as they are."""
    references: bool = False
    """Whether `$defs` and `$ref` are taken, so that a recursive schema can be said at all."""


class Rewritten(NamedTuple):
    schema: JsonObject
    weakened: tuple[str, ...]
    """Paths of the keywords whose meaning was lost."""


def rewrite(schema: Any, subset: Subset, path: str, *, strict: bool = False) -> Rewritten:
    """Return `schema` in the words of `subset`. Raise `BadRequestError` with the path of a keyword that cannot be said."""
    if not isinstance(schema, dict):
        raise wrong_type(path, "an object", schema)
    work = _Rewriter(references=References(schema, path), root_path=path, subset=subset, strict=strict)
    result = work.schema(schema, path, ("#",), 0)
    if work.defs:
        result = {**result, "$defs": work.defs}
    return Rewritten(result, tuple(work.weakened))


@dataclass(slots=True)
class _Rewriter:
    references: References
    root_path: str
    subset: Subset
    strict: bool
    weakened: dict[str, None] = field(default_factory=dict)
    defs: dict[str, JsonObject] = field(default_factory=dict)
    nodes: int = 0

    def lost(self, path: str, why: str = "the provider has no way to say this") -> None:
        """The keyword at `path` goes without a replacement."""
        if self.strict:
            raise bad(path, f"{why}, and the schema is strict", code="unsupported_schema")
        self.weakened[path] = None

    def schema(self, value: Any, path: str, refs: tuple[str, ...], depth: int) -> JsonObject:
        if value is True:
            return {}
        if value is False:
            raise bad(path, "a schema that accepts nothing cannot be sent", code="unsupported_schema")
        value = expect_object(value, path)
        self.nodes += 1
        if self.nodes > _MAX_NODES or depth > _MAX_DEPTH:
            raise bad(self.root_path, "too large, once its references are inlined", code="unsupported_schema")
        if "$ref" in value:
            return self._reference(value, path, refs, depth)
        for keyword in ("$dynamicRef", "$recursiveRef"):
            if keyword in value:
                raise bad(f"{path}.{keyword}", "dynamic references cannot be sent", code="unsupported_schema")
        if "allOf" in value:
            return self._all_of(value, path, refs, depth)
        return self._keywords(normal(value), path, refs, depth + 1)

    def _reference(self, value: JsonObject, path: str, refs: tuple[str, ...], depth: int) -> JsonObject:
        ref = expect_str(value["$ref"], f"{path}.$ref")
        target = self.references.target(ref, f"{path}.$ref")
        if ref not in refs and (path == self.root_path or not self.references.is_recursive(ref)):
            beside = {key: item for key, item in value.items() if key not in ("$ref", "$defs", "definitions")}
            whole = {**target, **beside} if not set(beside) - _OUTSIDE else {"allOf": [target, beside]}
            return self.schema(whole, path, (*refs, ref), depth + 1)
        if not self.subset.references:
            raise bad(f"{path}.$ref", "a schema that contains itself cannot be sent", code="unsupported_schema")
        name = re.sub(r"\W+", "_", ref.rsplit("/", 1)[-1]).strip("_") or "root"
        if name not in self.defs:
            self.defs[name] = {}
            self.defs[name] = self.schema(target, path, (ref,), depth + 1)
        return {"$ref": f"#/$defs/{name}"}

    def _all_of(self, value: JsonObject, path: str, refs: tuple[str, ...], depth: int) -> JsonObject:
        """Return one schema that asks for everything that the parts ask for."""
        parts = expect_list(value["allOf"], f"{path}.allOf")
        if len(parts) > _MAX_PARTS:
            raise bad(f"{path}.allOf", f"more than {_MAX_PARTS} schemas cannot be merged", code="unsupported_schema")
        result = self.schema({key: item for key, item in value.items() if key != "allOf"}, path, refs, depth + 1)
        for index, part in enumerate(parts):
            where = f"{path}.allOf[{index}]"
            result = merge(result, self.schema(part, where, refs, depth + 1), where, self.lost)
        return result

    def _keywords(self, value: JsonObject, path: str, refs: tuple[str, ...], depth: int) -> JsonObject:
        result: JsonObject = {}
        for keyword, item in value.items():
            where = f"{path}.{keyword}"
            if keyword in _LOST:
                self._lose(keyword, item, where)
            elif keyword in _NESTED and (keyword not in _SUBSCHEMAS or keyword in self.subset.keep):
                result[keyword] = _NESTED[keyword](self, item, where, refs, depth)
            elif keyword == "patternProperties":
                self._patterns(value, result, where, refs, depth)
            elif keyword in self.subset.keep:
                result[keyword] = _plain(keyword, item, where)
        for step in (self._required, self._bounds, self._enum, self._types):
            result = step(result, value, path)
        return result

    def _branches(self, item: Any, path: str, refs: tuple[str, ...], depth: int) -> list[JsonObject]:
        branches = enumerate(expect_list(item, path))
        return [
            self.schema(branch, f"{path}[{index}]", refs, depth) for index, branch in branches if branch is not False
        ]

    def _lose(self, keyword: str, item: Any, where: str) -> None:
        """`unevaluatedProperties: false` beside what is now merged, and `not: {}` of an absent thing, say nothing more."""
        if keyword in ("then", "else") or item is True or item in ({}, [], False):
            return
        self.lost(where)

    def _properties(self, value: Any, path: str, refs: tuple[str, ...], depth: int) -> JsonObject:
        return {
            name: self.schema(item, f"{path}.{name}", refs, depth)
            for name, item in expect_object(value, path).items()
            if item is not False and item != {"not": {}}
        }

    def _or_boolean(self, item: Any, path: str, refs: tuple[str, ...], depth: int) -> Any:
        if item is False or item == {"not": {}}:
            return False
        return True if item is True else self.schema(item, path, refs, depth)

    def _patterns(self, value: JsonObject, result: JsonObject, path: str, refs: tuple[str, ...], depth: int) -> None:
        """The values of a single pattern can be kept, the names cannot."""
        patterns = expect_object(value["patternProperties"], path)
        if not patterns:
            return
        self.lost(path)
        pattern, item = next(iter(patterns.items()))
        if "additionalProperties" in self.subset.keep and len(patterns) == 1:
            result["additionalProperties"] = self._or_boolean(item, f"{path}.{pattern}", refs, depth)
        else:
            result["additionalProperties"] = True

    def _required(self, result: JsonObject, value: JsonObject, path: str) -> JsonObject:
        """Names without a property, and recursion in a required property, are refused by the providers with references."""
        required = result.get("required")
        if required is None:
            return result
        properties = result.get("properties") or {}
        good = [
            name
            for name in expect_list(required, f"{path}.required")
            if expect_str(name, f"{path}.required") in properties and not references(properties[name])
        ]
        if len(good) < len(required):
            self.weakened[f"{path}.required"] = None
        return {**result, "required": good}

    def _bounds(self, result: JsonObject, value: JsonObject, path: str) -> JsonObject:
        """Write `exclusiveMinimum` and `exclusiveMaximum`, which are true in draft 4 and numbers in the later ones."""
        for exclusive, inclusive, step, stronger in _EXCLUSIVE:
            limit = value.get(exclusive)
            if limit is None or limit is False or exclusive in self.subset.keep:
                continue
            bound = value.get(inclusive) if limit is True else limit
            if isinstance(bound, bool) or not isinstance(bound, int | float):
                raise wrong_type(f"{path}.{exclusive}", "a number", limit)
            bound = self._inclusive(bound, step, value.get("type"), f"{path}.{exclusive}")
            known = value.get(inclusive)
            if limit is not True and isinstance(known, int | float):
                bound = stronger(known, bound)
            result = {**result, inclusive: bound}
        return result

    def _inclusive(self, bound: float, step: int, kind: Any, path: str) -> float:
        if kind == "integer" and float(bound).is_integer():
            return int(bound) + step
        self.lost(path)
        return bound

    def _enum(self, result: JsonObject, value: JsonObject, path: str) -> JsonObject:
        """Values other than strings and numbers are said by their type."""
        values = result.get("enum")
        if values is None:
            return result
        kinds = {_kind(item) for item in expect_list(values, f"{path}.enum")}
        if not kinds:
            raise bad(f"{path}.enum", "a list of values that is empty accepts nothing", code="unsupported_schema")
        rest = {key: item for key, item in result.items() if key not in ("enum", "type")}
        branches = [
            self._values(kind, [item for item in values if _kind(item) == kind], path) for kind in sorted(kinds)
        ]
        if len(branches) == 1:
            return {**rest, **branches[0]}
        return {**rest, "anyOf": branches}

    def _values(self, kind: str, values: list[Any], path: str) -> JsonObject:
        if kind in ("string", "integer", "number"):
            return {"type": kind, "enum": values}
        if kind in ("object", "array") or (kind == "boolean" and len(set(values)) == 1):
            self.lost(f"{path}.enum", "only strings and numbers can be listed")
        return {"type": kind}

    def _types(self, result: JsonObject, value: JsonObject, path: str) -> JsonObject:
        """Write a list of types, but for one type and null, as alternatives."""
        types = result.get("type")
        if types is None:
            return result
        names = [_type_name(name, f"{path}.type") for name in (types if isinstance(types, list) else [types])]
        if len(names) == 1:
            return {**result, "type": names[0]}
        if len(names) == 2 and "null" in names:
            return result
        if names and "anyOf" not in result:
            return _alternatives(names, result)
        if names:
            self.lost(f"{path}.type")
        return _without_type(result)


_NESTED: dict[str, Callable[[_Rewriter, Any, str, tuple[str, ...], int], Any]] = {
    "anyOf": _Rewriter._branches,
    "prefixItems": _Rewriter._branches,
    "properties": _Rewriter._properties,
    "items": _Rewriter._or_boolean,
    "additionalProperties": _Rewriter._or_boolean,
}
"""Keywords whose values hold schemas."""


def _plain(keyword: str, item: Any, path: str) -> Any:
    kinds = _VALUES.get(keyword)
    if kinds is not None and (not isinstance(item, kinds) or isinstance(item, bool)):
        raise wrong_type(path, "another kind of value", item)
    return item


def _without_type(schema: JsonObject) -> JsonObject:
    return {key: item for key, item in schema.items() if key != "type"}


def _alternatives(names: list[str], schema: JsonObject) -> JsonObject:
    outside = {key: item for key, item in schema.items() if key in _OUTSIDE}
    return {**outside, "anyOf": [_of_type(name, schema) for name in names]}


def _of_type(name: str, schema: JsonObject) -> JsonObject:
    return {"type": name, **{key: item for key, item in schema.items() if key in _TYPED[name]}}


def _type_name(value: Any, path: str) -> str:
    """Google writes types in capitals."""
    name = expect_str(value, path).lower()
    if name not in _TYPED:
        raise bad(path, f"{value!r} is not the name of a type", code="unsupported_schema")
    return name


def _kind(value: Any) -> str:
    kinds = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return kinds.get(type(value), "null")
