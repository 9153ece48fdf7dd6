"""Definitions of functions as OpenAI shows them to its models: as TypeScript, in a namespace.

Found out by comparing recorded prompts with their reported tokens; see https://community.openai.com/t/266225 for how others
came to the same form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

__all__ = ["as_typescript", "is_confirmed"]

_UNCONFIRMED = re.compile(r'"(?:title|default|\$ref|enum|anyOf|oneOf)": |\\n')
_DEEPEST = 16
_DESCRIBED = 2
"""Descriptions of deeper properties are not shown."""
_NAMES = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}


def as_typescript(tools: Sequence[Mapping[str, Any]]) -> str:
    """The functions among `tools`, as the model sees them."""
    lines = ["namespace functions {", ""]
    for tool in tools:
        lines += _function(_of(tool.get("function")) or _of(tool.get("custom")) or tool)
    return "\n".join([*lines, "} // namespace functions"])


def is_confirmed(tool: Mapping[str, Any]) -> bool:
    """Whether recorded prompts confirm to the token how a tool is shown: a function without titles, defaults, references or
    descriptions of several lines."""
    function = tool.get("function")
    return isinstance(function, Mapping) and not _UNCONFIRMED.search(json.dumps(function, default=str))


def _function(function: Mapping[str, Any]) -> Iterator[str]:
    yield from _comments(function.get("description"))
    parameters = _of(function.get("parameters"))
    name = function.get("name", "")
    if parameters.get("properties"):
        yield f"type {name} = (_: {{"
        yield from _properties(parameters, 0)
        yield "}) => any;"
    else:
        yield f"type {name} = () => any;"
    yield ""


def _properties(schema: Mapping[str, Any], depth: int) -> Iterator[str]:
    required = schema.get("required")
    for name, value in _of(schema.get("properties")).items():
        known = _of(value)
        if depth < _DESCRIBED:
            yield from _comments(known.get("title"))
            yield from _comments(known.get("description"))
        mark = "" if isinstance(required, list) and name in required else "?"
        default = f" // default: {_value(known['default'])}" if "default" in known else ""
        yield f"{name}{mark}: {_type(known, depth + 1)},{default}"


def _type(schema: Mapping[str, Any], depth: int) -> str:
    if depth > _DEEPEST:
        return "any"
    if isinstance(schema.get("enum"), list):
        return " | ".join(json.dumps(value, ensure_ascii=False, default=str) for value in schema["enum"])
    variants = _variants(schema)
    if variants is not None:
        return " | ".join(_type(variant, depth + 1) for variant in variants)
    kind = schema.get("type")
    if kind == "array":
        return f"{_type(_of(schema.get('items')), depth + 1)}[]"
    if kind == "object" or schema.get("properties"):
        return _object(schema, depth)
    return _NAMES.get(str(kind), "any")


def _variants(schema: Mapping[str, Any]) -> list[Mapping[str, Any]] | None:
    """Return the schemas of which one holds; None: it is one schema."""
    for key in ("anyOf", "oneOf"):
        if isinstance(schema.get(key), list):
            return [_of(item) for item in schema[key]]
    kinds = schema.get("type")
    return [{**schema, "type": kind} for kind in kinds] if isinstance(kinds, list) else None


def _object(schema: Mapping[str, Any], depth: int) -> str:
    if not _of(schema.get("properties")):
        return "object"
    return "\n".join(["{", *_properties(schema, depth), "}"])


def _comments(text: Any) -> Iterable[str]:
    return [f"// {line}" for line in text.split("\n")] if isinstance(text, str) and text else ()


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
