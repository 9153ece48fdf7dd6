"""A pydantic class as OpenAI's strict `response_format`."""

from __future__ import annotations

from typing import Any

__all__ = ["response_format_of"]

_NESTED_ONE = ("items", "not", "if", "then", "else")
_NESTED_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NESTED_NAMED = ("properties", "$defs", "definitions", "patternProperties")


def response_format_of(model: Any) -> dict[str, Any]:
    """`model` is a class with `model_json_schema`, as pydantic's are."""
    schema = model.model_json_schema()
    return {
        "type": "json_schema",
        "json_schema": {"name": model.__name__, "schema": _strict(schema, schema), "strict": True},
    }


def _strict(schema: Any, root: dict[str, Any]) -> Any:
    """What OpenAI's strict mode demands: all properties required and no others, no `default: null`, nothing beside a `$ref`
    (https://platform.openai.com/docs/guides/structured-outputs#supported-schemas)."""
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema and len(schema) > 1:
        beside = {name: value for name, value in schema.items() if name != "$ref"}
        return _strict({**_found(root, schema["$ref"]), **beside}, root)
    if len(schema.get("allOf") or ()) == 1:
        rest = {name: value for name, value in schema.items() if name != "allOf"}
        return _strict({**schema["allOf"][0], **rest}, root)
    built = {name: _nested(name, value, root) for name, value in schema.items() if (name, value) != ("default", None)}
    if isinstance(built.get("properties"), dict):
        built["required"] = list(built["properties"])
        built.setdefault("additionalProperties", False)
    return built


def _nested(keyword: str, value: Any, root: dict[str, Any]) -> Any:
    """The value of one keyword, the schemas in it made strict."""
    if keyword in _NESTED_NAMED and isinstance(value, dict):
        return {key: _strict(item, root) for key, item in value.items()}
    if keyword in _NESTED_MANY and isinstance(value, list):
        return [_strict(item, root) for item in value]
    return _strict(value, root) if keyword in _NESTED_ONE else value


def _found(root: dict[str, Any], reference: str) -> dict[str, Any]:
    result: Any = root
    for key in reference.removeprefix("#/").split("/"):
        result = result[key]
    return dict(result)
