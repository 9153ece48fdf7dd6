"""What OpenAI demands of a schema with `strict: true`."""

from __future__ import annotations

from typing import Any

from dragoman.simulator.openai.errors import bad_request

__all__ = ["check_strict"]

_FORBIDDEN = ("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties",
              "unevaluatedProperties", "propertyNames", "minProperties", "maxProperties", "contains", "uniqueItems")  # fmt: skip


def check_strict(schema: dict[str, Any], where: str, param: str, code: str | None) -> None:
    """Raise the error for a `schema` that breaks a rule of strict mode."""
    trouble = _trouble(schema, ())
    if schema.get("type") != "object" and trouble is None:
        got = schema.get("type")
        trouble = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{got}\"'."
    if trouble is not None:
        raise bad_request(f"Invalid schema for {where}: {trouble}", param=param, code=code)


def _trouble(schema: Any, path: tuple[str, ...]) -> str | None:
    if not isinstance(schema, dict):
        return None
    context = "(" + ", ".join(f"'{step}'" for step in path) + ("," if len(path) == 1 else "") + ")"
    found = _here(schema, context)
    if found:
        return found
    for name, child in _children(schema):
        found = _trouble(child, (*path, *name))
        if found:
            return found
    return None


def _here(schema: dict[str, Any], context: str) -> str | None:
    for word in _FORBIDDEN:
        if word in schema:
            return f"In context={context}, '{word}' is not permitted."
    if "properties" not in schema and schema.get("type") != "object":
        return None
    if schema.get("additionalProperties") is not False:
        return f"In context={context}, 'additionalProperties' is required to be supplied and to be false."
    missing = [name for name in schema.get("properties") or {} if name not in (schema.get("required") or [])]
    if missing:
        return (
            f"In context={context}, 'required' is required to be supplied and to be an array including every key in properties. "
            f"Missing '{missing[0]}'."
        )
    return None


def _children(schema: dict[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for group in ("properties", "$defs", "definitions"):
        found += [((group, name), child) for name, child in (schema.get(group) or {}).items()]
    if "items" in schema:
        found.append((("items",), schema["items"]))
    found += [(("anyOf", str(index)), child) for index, child in enumerate(schema.get("anyOf") or [])]
    return found
